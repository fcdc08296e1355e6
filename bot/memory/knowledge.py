"""The private knowledge folder: Markdown, cut at its headings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.errors import Misconfigured
from bot.memory.reserved import KNOWLEDGE
from bot.models import Message

LONGEST_CHUNK = 1200
"""Characters: about 300 tokens, so that a few chunks fit a brief."""
LARGEST_FILE = 1_000_000
_HEADING = re.compile(r"^(#{1,6})\s+(.+?)\s*#*\s*$")
_FENCE = re.compile(r"^\s*(```|~~~)")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)


@dataclass(frozen=True)
class Page:
    """One file of the folder."""

    path: str
    """Relative to the folder."""
    digest: str
    """Of its content."""
    text: str
    changed_at: datetime


@dataclass(frozen=True)
class Synced:
    """What a look at the folder changed, in files."""

    added: int
    changed: int
    removed: int
    unchanged: int


def pages(folder: Path) -> list[Page]:
    """Every Markdown file below the folder; what leads out of it, or is very large, is left alone.

    Raises:
        Misconfigured: there is no such folder.
    """
    if not folder.is_dir():
        raise Misconfigured(
            f"There is no knowledge folder {folder}: set NIGHTDESK_KNOWLEDGE_DIR to one, or leave it empty."
        )
    home = folder.resolve()
    files = (file for file in sorted(home.rglob("*.md")) if file.resolve().is_relative_to(home) and file.is_file())
    return [_page(home, file) for file in files if file.stat().st_size <= LARGEST_FILE]


def _page(home: Path, file: Path) -> Page:
    content = file.read_bytes()
    changed_at = datetime.fromtimestamp(file.stat().st_mtime, tz=UTC)
    digest = hashlib.sha256(content).hexdigest()
    return Page(file.relative_to(home).as_posix(), digest, content.decode("utf-8", errors="replace"), changed_at)


def chunks(page: Page) -> Iterator[Message]:
    """The page as messages, one for each heading's text, each with the headings above it."""
    for number, (heading, body) in enumerate(_sections(page.text)):
        for part, text in enumerate(_parts(body)):
            yield Message(
                id=f"{page.path}#{number}.{part}",
                channel=KNOWLEDGE,
                user=page.path,
                text=f"{heading}: {text}" if heading else text,
                sent_at=page.changed_at,
            )


def _sections(text: str) -> Iterator[tuple[str, str]]:
    """Headings (the path to them) with the text below each; a '#' inside a code block is none."""
    above: list[tuple[int, str]] = []
    body: list[str] = []
    fenced = False
    for line in _FRONT_MATTER.sub("", text.replace("\r\n", "\n")).split("\n"):
        fenced ^= bool(_FENCE.match(line))
        heading = None if fenced else _HEADING.match(line)
        if heading is None:
            body.append(line)
            continue
        yield " › ".join(title for _, title in above), "\n".join(body)
        above = [(level, title) for level, title in above if level < len(heading[1])]
        above.append((len(heading[1]), heading[2]))
        body = []
    yield " › ".join(title for _, title in above), "\n".join(body)


def _parts(body: str) -> Iterator[str]:
    """The text in pieces of bearable length, cut between paragraphs where it can be."""
    piece = ""
    for paragraph in re.split(r"\n\s*\n", body.strip()):
        for start in range(0, len(paragraph), LONGEST_CHUNK):
            part = paragraph[start : start + LONGEST_CHUNK]
            if piece and len(piece) + len(part) > LONGEST_CHUNK:
                yield piece
                piece = ""
            piece = f"{piece}\n\n{part}" if piece else part
    if piece:
        yield piece

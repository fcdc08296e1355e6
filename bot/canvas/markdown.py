"""The parts of a playbook's file, with their lines: front matter, chart, and the sections of the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from bot.canvas.faults import Fault, NotAPlaybook, Place

HEADING = re.compile(r"^###\s+(?P<id>\S.*?)\s*$")
FENCE = re.compile(r"^(?P<ticks>`{3,})\s*(?P<language>[^\s`]*)[^`]*$")
CLOSING = re.compile(r" {0,3}(?P<ticks>`{3,})\s*")
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Characters that a reviewer cannot see, or that end a line for some readers only: controls, and those that turn or
hide text (Unicode TR36, "Bidirectional Text Spoofing")."""

DRAWING = re.compile(r"[`~]{3,}\s*(mermaid)", re.IGNORECASE)
YAML_NAMES = frozenset({"yaml", "yml"})

HIDING: tuple[tuple[re.Pattern[str], str, str], ...] = (
    (
        re.compile(r" {0,3}<[A-Za-z!?/]"),
        "HTML may hide what stands in it.",
        "Write it in Markdown, or start with a word.",
    ),
    (re.compile(r" {1,3}`{3,}| {0,3}~{3,}"), "This opens a block of its own.", "Begin the line with ``` instead."),
    (
        re.compile(rf".*{DRAWING.pattern}", re.IGNORECASE),
        "GitHub draws this, and it is not what runs.",
        "Keep one drawing, at the top.",
    ),
    (re.compile(r" {1,3}#{1,6}\s"), "GitHub shows this as a heading.", "Begin the line with ###."),
)
"""Lines after which GitHub may show another drawing, or other blocks, than those that run."""


@dataclass(frozen=True)
class Block:
    """Consecutive lines, and the file's line of the first. What is read from them is compared, not they."""

    lines: tuple[str, ...] = field(default=(), compare=False)
    first_line: int = field(default=0, compare=False)

    @property
    def text(self) -> str:
        return "\n".join(self.lines)


@dataclass(frozen=True)
class Section:
    """`### node`: prose, at most one YAML block, and what may follow it."""

    node: str
    prose: str
    yaml: Block | None
    after: str
    place: Place = field(compare=False)


@dataclass(frozen=True)
class Document:
    """A file taken apart."""

    front: Block
    before: str
    chart: Block
    after: str
    sections: tuple[Section, ...]


@dataclass
class _Part:
    """A heading's content while it is read; the part before the first heading has no id."""

    node: str
    place: Place
    prose: list[str] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    fence: Block | None = None

    def say(self, line: str) -> None:
        (self.after if self.fence else self.prose).append(line)


def harmless(line: str) -> str:
    """A line of others as prose may quote it: without what a reviewer cannot see, and with no drawing begun in it."""
    return DRAWING.sub(lambda found: f"{found[0][:3]} … {found[1]}", INVISIBLE.sub("", line))


def take_apart(text: str, file: str) -> Document:
    """The parts of the file.

    Raises:
        NotAPlaybook: where a part is missing, doubled, or not closed.
    """
    return _Splitter(re.split(r"\r?\n", text.removesuffix("\n")), file).document()


class _Splitter:
    def __init__(self, lines: list[str], file: str) -> None:
        self.lines, self.file = lines, file
        self.faults: list[Fault] = []

    def fault(self, line: int, message: str, mend: str, *, column: int = 1) -> None:
        self.faults.append(Fault(self.file, Place(max(line, 1), column), "file", message, mend))

    def document(self) -> Document:
        self._all_is_seen()
        front, body = self._front()
        parts = list(self._parts(body))
        top, sections = parts[0], parts[1:]
        if top.fence is None:
            self.fault(top.place.line, "There is no drawing.", "Add a ```mermaid block before the first ### heading.")
        if self.faults:
            raise NotAPlaybook(self.faults)
        assert top.fence is not None
        return Document(front, _prose(top.prose), top.fence, _prose(top.after), tuple(map(_section, sections)))

    def _all_is_seen(self) -> None:
        for number, line in enumerate(self.lines, start=1):
            for found in INVISIBLE.finditer(line):
                message = f"The character U+{ord(found[0]):04X} cannot be seen in a review."
                self.fault(number, message, "Delete it.", column=found.start() + 1)

    def _front(self) -> tuple[Block, int]:
        if not self.lines or self.lines[0].strip() != "---":
            self.fault(1, "The file has no front matter.", "Begin with ---, then id, title, owner, match, then ---.")
            return Block(), 0
        for number, line in enumerate(self.lines[1:], start=1):
            if line.strip() == "---":
                return Block(tuple(self.lines[1:number]), 2), number + 1
        self.fault(1, "The front matter does not end.", "Close it with a line of ---.")
        return Block(), len(self.lines)

    def _parts(self, start: int) -> Iterator[_Part]:
        part, at = _Part("", Place(start + 1)), start
        while at < len(self.lines):
            line = self.lines[at]
            if found := FENCE.match(line):
                at = self._fence(part, at, found["ticks"], found["language"])
                continue
            if heading := HEADING.match(line):
                yield part
                part = _Part(heading["id"], Place(at + 1))
            else:
                self._say(part, line, at)
            at += 1
        yield part

    def _say(self, part: _Part, line: str, at: int) -> None:
        for pattern, message, mend in HIDING:
            if pattern.match(line):
                self.fault(at + 1, message, mend)
        part.say(line)

    def _fence(self, part: _Part, opened: int, ticks: str, language: str) -> int:
        closed = next((at for at in range(opened + 1, len(self.lines)) if _closes(self.lines[at], ticks)), None)
        if closed is None:
            self.fault(opened + 1, f"The block opened with {ticks}{language} does not end.", f"Close it with {ticks}.")
            return len(self.lines)
        block = Block(tuple(self.lines[opened + 1 : closed]), opened + 2)
        wanted = "yaml" if part.node else "mermaid"
        named = "yaml" if language.casefold() in YAML_NAMES else language
        if named == wanted:
            self._keep(part, block, opened + 1, wanted)
        elif named.casefold() in {"yaml", "mermaid"}:
            where = "under a ### heading" if named == "yaml" else "before the first ### heading"
            mend = f"Put it {where}." if named.islower() else "Write ```mermaid."
            self.fault(opened + 1, f"A ```{language} block does not belong here.", mend)
        else:
            for line in self.lines[opened : closed + 1]:
                part.say(line)
        return closed + 1

    def _keep(self, part: _Part, block: Block, line: int, language: str) -> None:
        if part.fence is not None:
            what = f"'{part.node}' has two ```yaml blocks." if part.node else "There are two drawings."
            self.fault(line, what, f"Keep one ```{language} block.")
        part.fence = part.fence or block


def _closes(line: str, ticks: str) -> bool:
    found = CLOSING.fullmatch(line)
    return found is not None and len(found["ticks"]) >= len(ticks)


def _section(part: _Part) -> Section:
    return Section(part.node, _prose(part.prose), part.fence, _prose(part.after), part.place)


def _prose(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines).strip("\n")

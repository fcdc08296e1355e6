"""The playbooks of a folder: read once for each content, with what could not be read beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import structlog

from bot.canvas.faults import Fault, NotAPlaybook
from bot.canvas.lint import ToolSpec, sound
from bot.canvas.matching import choose
from bot.canvas.playbook import Playbook, read
from bot.models import Alert

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Library:
    """Playbooks by id; a file with faults is not among them, so nothing unsound is ever run."""

    playbooks: Mapping[str, Playbook]
    faults: tuple[Fault, ...] = ()


def load_library(folder: Path, tools: Mapping[str, ToolSpec] | None = None) -> Library:
    """Read and check every `*.md` of the folder but its README. A file is parsed again only when its text has changed.

    Args:
        tools: what there is by name; None leaves tools and parameters unchecked.
    """
    playbooks, faults = read_all(playbook_files([folder]))
    faults = tuple(sorted({*faults, *sound(playbooks, tools)}))
    spoiled = {fault.file for fault in faults}
    return Library({playbook.id: playbook for playbook in playbooks if playbook.file not in spoiled}, faults)


def playbook_files(paths: list[Path]) -> list[Path]:
    """The paths, with folders replaced by the playbooks in them, in order of name.

    Hidden files are none: editors leave locks and copies beside what they write.
    """
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("[!.]*.md")) if path.is_dir() else [path]
        files += [file for file in inside if file.name.casefold() != "readme.md"]
    return files


def read_all(files: list[Path]) -> tuple[list[Playbook], tuple[Fault, ...]]:
    """Every file that can be read, and the faults of the others."""
    playbooks: list[Playbook] = []
    faults: list[Fault] = []
    for file in files:
        try:
            playbooks.append(read(file))
        except NotAPlaybook as refused:
            faults += refused.faults
    return playbooks, tuple(faults)


class Shelf:
    """The sound playbooks of a folder as they are on disk; what is unsound is left out, and logged.

    Args:
        tools: as `load_library`.
    """

    def __init__(self, folder: Path, tools: Mapping[str, ToolSpec]) -> None:
        self._folder = folder
        self._tools = tools
        self._stamp: str | None = None
        self._playbooks: Mapping[str, Playbook] = {}

    def playbooks(self) -> Mapping[str, Playbook]:
        """By id; read again when a file has changed."""
        stamp = _stamp(self._folder)
        if stamp != self._stamp:
            loaded = load_library(self._folder, self._tools)
            for fault in loaded.faults:
                log.error("playbook.fault", fault=str(fault))
            self._stamp, self._playbooks = stamp, loaded.playbooks
        return self._playbooks

    def choose(self, alert: Alert, service: str | None) -> tuple[Playbook, str]:
        """The playbook for an alert about a service, and why that one.

        Raises:
            NotFound: as `bot.canvas.matching.choose`.
        """
        choice = choose(self.playbooks().values(), alert, service)
        return choice.playbook, choice.why


def _stamp(folder: Path) -> str:
    """Changes whenever a playbook of the folder does."""
    return "\n".join(map(_state, playbook_files([folder])))


def _state(file: Path) -> str:
    try:
        seen = file.stat()
    except OSError:  # deleted since the folder was listed, or a link to nothing: reading it says so
        return f"{file} is not there"
    return f"{file} {seen.st_mtime_ns} {seen.st_size}"

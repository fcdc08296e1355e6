"""The playbooks of a folder: read once for each content, with what could not be read beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot.canvas.faults import Fault, NotAPlaybook
from bot.canvas.lint import ToolSpec, sound
from bot.canvas.playbook import Playbook, read


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
    """The paths, with folders replaced by the playbooks in them, in order of name."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.md")) if path.is_dir() else [path]
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

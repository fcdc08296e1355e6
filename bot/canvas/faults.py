"""What is wrong with a playbook, where, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bot.errors import PlaybookError


@dataclass(frozen=True, order=True)
class Place:
    """A position in a file, both counted from 1."""

    line: int
    column: int = 1


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that must be mended before the playbook may run."""

    file: str
    place: Place
    rule: str
    """The rule's id, such as `ungated`; docs/playbooks.md lists them."""
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.place.line}:{self.place.column}: {self.message} {self.mend} [{self.rule}]"


class NotAPlaybook(PlaybookError):
    """The file cannot be read as a playbook; `faults` names every place that was found."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(sorted(faults))
        super().__init__("\n".join(str(fault) for fault in self.faults))

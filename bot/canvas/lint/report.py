"""Findings in words: for people, and as GitHub's workflow commands, which mark the lines of a pull request."""

from __future__ import annotations

from collections.abc import Sequence

from bot.canvas.faults import Fault
from bot.plural import many


def as_text(faults: Sequence[Fault]) -> str:
    """A line for each finding, and one that sums up."""
    if not faults:
        return "No findings."
    files = len({fault.file for fault in faults})
    return "\n".join([*map(str, faults), f"{many(len(faults), 'finding')} in {many(files, 'file')}."])


def as_github(faults: Sequence[Fault]) -> str:
    """`::error file=…,line=…,col=…,title=…::message`, a line for each finding.

    The escapes are those of GitHub's "Workflow commands for GitHub Actions".
    """
    return "\n".join(
        f"::error file={_property(fault.file)},line={fault.place.line},col={fault.place.column},"
        f"title={_property(fault.rule)}::{_message(f'{fault.message} {fault.mend}')}"
        for fault in faults
    )


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

"""What the command line does with playbooks, as functions that print nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from bot.canvas.formatting import format_text
from bot.canvas.library import playbook_files, read_all
from bot.canvas.lint import ToolSpec, as_github, as_text, sound
from bot.canvas.playbook import read
from bot.errors import BadInput

FORMATS = {".svg": "svg", ".png": "png", ".txt": "text"}


def lint_command(
    paths: Sequence[Path], fmt: Literal["text", "github"] = "text", tools: Mapping[str, ToolSpec] | None = None
) -> tuple[str, int]:
    """Check files and folders; the report, and the exit code: 0 no findings, 1 some, 2 nothing to check.

    A single file is checked together with its neighbours, since sub-playbooks and ties are between files; only its own
    findings are reported.
    """
    files = playbook_files(list(paths))
    if not files:
        return f"There is no playbook in {', '.join(map(str, paths))}.", 2
    neighbours = playbook_files(sorted({file.parent for file in files if file.parent.is_dir()}))
    everything = list(dict.fromkeys([*files, *neighbours]))
    playbooks, unreadable = read_all(everything)
    wanted = {str(file) for file in files}
    faults = sorted(fault for fault in {*unreadable, *sound(playbooks, tools)} if fault.file in wanted)
    return (as_github if fmt == "github" else as_text)(faults), 1 if faults else 0


def format_command(paths: Sequence[Path], *, check: bool = False) -> tuple[str, int]:
    """Write files canonically, or with `check` only name those that are not; exit code 1 where any was not.

    Raises:
        NotAPlaybook: a file cannot be read.
    """
    changed: list[str] = []
    for file in playbook_files(list(paths)):
        text = read(file).text
        canonical = format_text(text, str(file))
        if canonical != text:
            changed.append(str(file))
            if not check:
                file.write_text(canonical, encoding="utf-8")
    verb = "is not written canonically" if check else "was rewritten"
    return "\n".join(f"{name} {verb}." for name in changed) or "All are written canonically.", 1 if changed else 0


def render_command(file: Path, out: Path) -> str:
    """Draw a playbook to an `.svg`, `.png` or `.txt` file; the sentence that says so.

    Raises:
        NotAPlaybook: the file cannot be read.
        BadInput: no format is known by that ending.
    """
    from bot.canvas.picture import as_text as drawn_as_text  # noqa: PLC0415 - loads the drawing engine
    from bot.canvas.picture import draw  # noqa: PLC0415

    fmt = FORMATS.get(out.suffix.casefold())
    if fmt is None:
        raise BadInput(f"'{out}' names no known format: end it in {', '.join(FORMATS)}.")
    playbook = read(file)
    picture = (
        drawn_as_text(playbook).encode() if fmt == "text" else draw(playbook, fmt="svg" if fmt == "svg" else "png")
    )
    out.write_bytes(picture)
    return f"{playbook.front.title}: {len(playbook.chart.nodes)} nodes drawn to {out}."

"""What the command line does with playbooks, as functions that print nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from bot.canvas.formatting import format_text
from bot.canvas.library import playbook_files, read_all
from bot.canvas.lint import ToolSpec, as_github, as_text, sound
from bot.canvas.playbook import Playbook, read
from bot.canvas.stamp import shows, stamped
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


def render_command(file: Path, out: Path, *, check: bool = False) -> tuple[str, int]:
    """Draw a playbook to an `.svg`, `.png` or `.txt` file, or a folder of them to a folder of `.png` files.

    With `check` nothing is drawn: the exit code is 1 where a `.png` is missing or shows another version.

    Raises:
        NotAPlaybook: a file cannot be read.
        BadInput: no format is known by that ending.
    """
    pairs = (
        [(source, out / f"{source.stem}.png") for source in playbook_files([file])] if file.is_dir() else [(file, out)]
    )
    if check:
        stale = [str(target) for source, target in pairs if not _up_to_date(read(source), target)]
        said = [
            f"{name} does not show the drawing as it is now: run 'nightdesk playbook render' again." for name in stale
        ]
        return "\n".join(said) or "Every picture shows its drawing.", 1 if stale else 0
    if file.is_dir():
        out.mkdir(parents=True, exist_ok=True)
        pairs = [(source, target) for source, target in pairs if not _up_to_date(read(source), target)]
    return "\n".join(_render(read(source), target) for source, target in pairs) or "Every picture shows its drawing.", 0


def _up_to_date(playbook: Playbook, picture: Path) -> bool:
    return picture.is_file() and shows(picture.read_bytes(), playbook)


def _render(playbook: Playbook, out: Path) -> str:
    from bot.canvas.picture import as_text as drawn_as_text  # noqa: PLC0415 - loads the drawing engine
    from bot.canvas.picture import draw  # noqa: PLC0415

    fmt = FORMATS.get(out.suffix.casefold())
    if fmt is None:
        raise BadInput(f"'{out}' names no known format: end it in {', '.join(FORMATS)}.")
    if fmt == "text":
        picture = drawn_as_text(playbook).encode()
    else:
        picture = draw(playbook) if fmt == "svg" else stamped(draw(playbook, fmt="png"), playbook)
    out.write_bytes(picture)
    return f"{playbook.front.title}: {len(playbook.chart.nodes)} nodes drawn to {out}."

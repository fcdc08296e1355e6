"""Recorded cases with their labels, and known-good stretches cut out of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from bot.models import Window
from bot.telemetry.recorded import Case, open_case

STEP = timedelta(minutes=5)
"""Distance of the windows that are cut out of one quiet stretch."""


@dataclass(frozen=True)
class Labelled:
    """One case and what was done to the system."""

    case: Case
    system: str
    service: str
    fault: str


def labelled(folder: Path) -> list[Labelled]:
    """Every folder that holds a case and its truth."""
    found = []
    for truth in sorted(folder.glob("*/truth.json")):
        said = json.loads(truth.read_text(encoding="utf-8"))
        system = truth.parent.name.partition("-")[0]
        found.append(Labelled(open_case(truth.parent), system, said["service"], said["fault"]))
    return found


def quiet(cases: Sequence[Labelled]) -> Iterator[Case]:
    """Cases in which nothing is wrong, each stretch of time once.

    A known-good stretch of a case (all baselines but the first, which may hold an earlier fault) is cut: a piece as
    long as the case's own window becomes the window, every five minutes from one window's length after the start;
    what lies before and behind it in the stretch become the baselines. A stretch that is too short for that, such as a
    single known-good minute with spans and logs, is halved: its second half is the window, its first half and the
    other known-good stretches are the baselines.
    """
    seen = set()
    for labelled_case in cases:
        case = labelled_case.case
        for stretch in case.baselines[1:]:
            others = tuple(other for other in case.baselines[1:] if other != stretch)
            for window, baselines in _cut(stretch, timedelta(seconds=case.window.seconds), others):
                key = (labelled_case.system, window.start)
                if key not in seen:
                    seen.add(key)
                    yield case.model_copy(update={"window": window, "baselines": baselines})


def _cut(stretch: Window, length: timedelta, others: tuple[Window, ...]) -> Iterator[tuple[Window, tuple[Window, ...]]]:
    if stretch.seconds < 3 * length.total_seconds():
        middle = stretch.start + timedelta(seconds=stretch.seconds / 2)
        yield Window(start=middle, end=stretch.end), (Window(start=stretch.start, end=middle), *others)
        return
    start = stretch.start + length
    while start + 2 * length <= stretch.end:
        before, behind = Window(start=stretch.start, end=start), Window(start=start + length, end=stretch.end)
        yield Window(start=start, end=start + length), (before, behind)
        start += STEP

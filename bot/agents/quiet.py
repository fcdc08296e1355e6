"""What quiet times look like: the same comparison, made on stretches in which nothing was wrong.

How much evidence chance brings together depends on how many series there are and how wildly they swing. So the
known-good baselines are cut into windows as long as the incident's, each is compared with the rest, and the evidence
that comes out is what an incident has to exceed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bot.agents.scope import Scope
from bot.models import Window

MOST_WINDOWS = 6
ROOM = 4
"""A stretch must be so many windows long to be cut."""


def quiet_scopes(scope: Scope) -> Iterator[Scope]:
    """The assignment moved into known-good stretches; the stretch just before is used only where it is the only one."""
    good = [stretch for stretch in scope.quiet or (scope.baseline,) if stretch.seconds >= ROOM * scope.window.seconds]
    if not good:
        return
    each = max(1, MOST_WINDOWS // len(good))
    for stretch in good[:MOST_WINDOWS]:
        others = tuple(other for other in scope.quiet if other != stretch)
        for place in range(each):
            window = _piece(stretch, scope.window.seconds, (place + 1) / (each + 1))
            before, behind = Window(start=stretch.start, end=window.start), Window(start=window.end, end=stretch.end)
            yield replace(scope, window=window, baseline=before, quiet=(behind, *others))


def _piece(stretch: Window, seconds: float, where: float) -> Window:
    start = stretch.start + timedelta(seconds=where * (stretch.seconds - seconds))
    return Window(start=start, end=start + timedelta(seconds=seconds))

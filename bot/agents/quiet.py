"""What quiet times look like: the same comparison, made on stretches in which nothing was wrong.

How much evidence chance brings together depends on how many series there are and how wildly they swing. So the
known-good baselines are cut into windows as long as the incident's (or as long as there is room for), each is compared
with the rest, and the evidence that comes out is what an incident has to exceed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from bot.agents.scope import Scope
from bot.models import Window

MOST_WINDOWS = 6
ROOM = 4
"""A stretch is so many windows long at least; where none is, the windows of the longest are shorter."""


def quiet_scopes(scope: Scope) -> Iterator[Scope]:
    """The assignment moved into known-good stretches; the stretch just before is used only where it is the only one."""
    known = scope.quiet or (scope.baseline,)
    roomy = [stretch for stretch in known if stretch.seconds >= ROOM * scope.window.seconds][:MOST_WINDOWS]
    good = roomy or [max(known, key=lambda stretch: stretch.seconds)]
    each = max(1, MOST_WINDOWS // len(good))
    for stretch in good:
        others = tuple(other for other in scope.quiet if other != stretch)
        seconds = min(scope.window.seconds, stretch.seconds / ROOM)
        for place in range(each):
            window = _piece(stretch, seconds, (place + 1) / (each + 1))
            before, behind = Window(start=stretch.start, end=window.start), Window(start=window.end, end=stretch.end)
            yield replace(scope, window=window, baseline=before, quiet=(behind, *others))


def _piece(stretch: Window, seconds: float, where: float) -> Window:
    start = stretch.start + timedelta(seconds=where * (stretch.seconds - seconds))
    return Window(start=start, end=start + timedelta(seconds=seconds))

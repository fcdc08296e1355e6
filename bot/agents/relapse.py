"""Earlier trouble in the stretch before: an alert that fires again must not take its last time for normal.

The stretch is cut into parts, and each is compared with the others as if it were the incident. Parts that stand out are
no normal, as long as most do not: where most stand out, that is how things are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bot.agents.fusion import HEALTHY
from bot.agents.scope import Scope
from bot.models import Window

PARTS = 6
MOST_TROUBLED = 3
DISTURBED = 2 * HEALTHY
"""Evidence against any service from which a part was no quiet time."""


def without_earlier_trouble(scope: Scope, evidence: Callable[[Scope], float]) -> Scope:
    """The assignment with what is left of the stretch before; the same where nothing in it stands out.

    Args:
        evidence: the strongest against any service in a window, beside its baselines.
    """
    parts = _parts(scope.baseline)
    good = [part for place, part in enumerate(parts) if evidence(_alone(scope, parts, place)) <= DISTURBED]
    if not 0 < len(parts) - len(good) <= MOST_TROUBLED:
        return scope
    *earlier, last = _joined(good)
    return replace(scope, baseline=last, quiet=(*reversed(earlier), *scope.quiet))


def _parts(stretch: Window) -> list[Window]:
    each = (stretch.end - stretch.start) / PARTS
    return [
        Window(start=stretch.start + place * each, end=stretch.start + (place + 1) * each) for place in range(PARTS)
    ]


def _alone(scope: Scope, parts: Sequence[Window], place: int) -> Scope:
    first, *others = [part for other, part in enumerate(parts) if other != place]
    return replace(scope, window=parts[place], baseline=first, quiet=(*others, *scope.quiet))


def _joined(parts: Sequence[Window]) -> list[Window]:
    """Neighbours as one."""
    found: list[Window] = []
    for part in parts:
        if found and found[-1].end == part.start:
            found[-1] = Window(start=found[-1].start, end=part.end)
        else:
            found.append(part)
    return found

"""Where the paths of requests change: calls that are new, and visits that stop short, told of whom was asked last.

After the last call that a visit made, it gave up: whoever answered that call (or the service itself, where it had
called nobody) is more suspect than the one that gave up.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from bot.agents.presence import Presence, Shift, two_shares
from bot.agents.visits import Operation, Visits

Shape = frozenset[Operation]
"""What a span calls."""
NOTHING: Operation = ("", "")
COMMON = 0.05
"""A shape that this part of the baseline's spans has is a usual one."""
LEAST = 3
"""Spans on either side below which shapes are not compared."""
SHORTENED = 2.0
"""Deviations from which a shortened shape counts as more frequent."""


def new_calls(window: Visits, baseline: Sequence[Visits]) -> Iterator[Shift[Operation, Operation]]:
    """Operations that call something more often than they did, in the same contexts."""
    presence: Presence[Operation, Operation] = Presence()
    for visits, inside in ((window, True), *((visits, False) for visits in baseline)):
        for place in range(len(visits.spans)):
            called = {visits.operation(child) for child in visits.children.get(place, ())} or {NOTHING}
            context = visits.contexts[visits.entries[place]]
            presence.add(visits.operation(place), context, called, window=inside)
    return (shift for shift in presence.shifts() if shift.deviations > 0 and shift.feature != NOTHING)


def stopped_short(window: Visits, baseline: Sequence[Visits]) -> Iterator[Shift[Operation, Operation]]:
    """Whom was asked last before spans stopped short → how much more often they stop: subject is the one last asked,
    feature the operation that stopped."""
    before, now = _shapes(baseline), _shapes((window,))
    shortened = {
        (operation, shape): shift
        for operation, shapes in now.items()
        for shape, shift in _shortened(operation, shapes, before.get(operation, Counter()))
    }
    lasts: dict[tuple[Operation, Shape], Counter[Operation]] = defaultdict(Counter)
    for place in range(len(window.spans)):
        key = (window.operation(place), _shape(window, place))
        if key in shortened:
            lasts[key][_last_asked(window, place)] += 1
    for key, asked in lasts.items():
        shift = shortened[key]
        for last, count in asked.items():
            part = count / asked.total()
            yield Shift(last, key[0], shift.deviations * part, shift.share * part, shift.usual * part, shift.occasions)


def _shapes(stretches: Sequence[Visits]) -> dict[Operation, Counter[Shape]]:
    shapes: dict[Operation, Counter[Shape]] = defaultdict(Counter)
    for visits in stretches:
        for place in range(len(visits.spans)):
            shapes[visits.operation(place)][_shape(visits, place)] += 1
    return shapes


def _shape(visits: Visits, place: int) -> Shape:
    return frozenset(visits.operation(child) for child in visits.children.get(place, ()))


def _shortened(
    operation: Operation, now: Counter[Shape], before: Counter[Shape]
) -> Iterator[tuple[Shape, Shift[Operation, Operation]]]:
    """Shapes that lack a part of a usual one and have become more frequent."""
    whole, usual_whole = now.total(), before.total()
    if min(whole, usual_whole) < LEAST:
        return
    usual = [shape for shape, count in before.items() if count >= COMMON * usual_whole]
    for shape, count in now.items():
        deviations = two_shares(count, whole, before[shape], usual_whole)
        if deviations > SHORTENED and any(shape < full for full in usual):
            share, usual_share = count / whole, before[shape] / usual_whole
            yield shape, Shift(operation, operation, deviations, share, usual_share, whole)


def _last_asked(visits: Visits, place: int) -> Operation:
    """Down the children that started last, to the first span of another service, or to the end."""
    service, below = visits.spans[place].service, visits.children.get(place)
    while below and visits.spans[place].service == service:
        place = below[-1]
        below = visits.children.get(place)
    return visits.operation(place)

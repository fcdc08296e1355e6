"""How exactly a series can be known: differences below that are next to nothing.

A share of success or of failures is as exact as the requests that it is taken of are many: of five requests one more or
less that fails is a fifth. Failures that are counted come by chance, one at least. Other quantities are known well
enough, but a twentieth of what is usual for all services matters to nobody.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bot.agents.metered import Metered
from bot.agents.quantities import Quantity
from bot.agents.scope import Scope
from bot.telemetry.series import Floats, Series

GRAIN = 0.05
"""Of the middle of all services' levels: what is next to nothing."""
SHARE_GRAIN = 0.005
"""The same for shares of success: one in two hundred."""
MOST_PER_SAMPLE = 1e6
"""Requests beyond which more make no share more exact."""


def grains(metered: Sequence[Metered], scope: Scope) -> Callable[[Metered], float]:
    """For each series the least difference that says something, in its unit."""
    known: dict[str, list[Floats]] = defaultdict(list)
    for one in metered:
        if (values := np.abs(one.series.finite().values)).size:
            known[one.metric].append(values)
    quantities = {one.metric: one.quantity for one in metered}
    usual = {metric: _usual(parts) for metric, parts in known.items()}
    failing = {metric: parts for metric, parts in known.items() if quantities[metric].kind == "error_rate"}
    wholes = {metric: whole for metric, parts in failing.items() if (whole := _whole(quantities[metric], parts))}
    counted = {metric for metric in failing.keys() - wholes.keys()
               if _is_counted(quantities[metric], failing[metric])}  # fmt: skip
    requests = _requests(metered, scope)

    def grain(one: Metered) -> float:
        if one.metric in wholes:
            found = wholes[one.metric] * _share_error(one, wholes[one.metric], requests, scope)
        else:
            found = max(usual.get(one.metric, 0.0), _count_error(one, scope) if one.metric in counted else 0.0)
        return max(found, one.grain)

    return grain


def _usual(parts: Sequence[Floats]) -> float:
    levels = [level for values in parts if (level := _middle(values)) > 0]
    return GRAIN * float(np.median(levels)) if levels else 0.0


def _whole(quantity: Quantity, parts: Sequence[Floats]) -> float | None:
    """What all requests are on the scale of a share, 1 or 100; None for what is no share."""
    most = max(float(values.max()) for values in parts)
    by_unit = {"ratio": 1.0, "percent": 100.0}.get(quantity.unit)
    whole = by_unit if quantity.direction == "up" else 1.0 if most <= 1 else 100.0
    return whole if whole and most <= whole else None


def _is_counted(quantity: Quantity, parts: Sequence[Floats]) -> bool:
    return quantity.direction == "up" and all(np.array_equal(values, np.rint(values)) for values in parts)


def _count_error(one: Metered, scope: Scope) -> float:
    """How exact a count of failures is as the level of the worse half of the window: one of them, or what chance makes
    of so many."""
    usual, inside = _usual_and_inside(one, scope)
    samples = max(1, math.ceil(inside.size / 2))
    expected = samples * float(usual.mean()) if usual.size else 0.0
    return math.sqrt(max(1.0, expected)) / samples


def _share_error(one: Metered, whole: float, requests: Mapping[str, float], scope: Scope) -> float:
    """How exact the level of a share is, taken of the worse half of the window's requests: one of them at least, and
    the standard error at the usual share of failures."""
    usual, inside = _usual_and_inside(one, scope)
    count = requests.get(one.service, 0.0) * math.ceil(inside.size / 2)
    if not count or not usual.size:
        return SHARE_GRAIN
    share = min(1.0, max(0.0, float(usual.mean()) / whole))
    return min(1.0, max(SHARE_GRAIN, 1 / count, math.sqrt(share * (1 - share) / count)))


def _usual_and_inside(one: Metered, scope: Scope) -> tuple[Floats, Floats]:
    known = one.series.finite()
    stretches = scope.baseline, scope.window
    usual, inside = (known.between(stretch.start, stretch.end).values for stretch in stretches)
    return usual, inside


def _requests(metered: Sequence[Metered], scope: Scope) -> Mapping[str, float]:
    """Service → requests a sample, usually or in the window, whichever is less."""
    counts: dict[str, float] = {}
    for one in metered:
        if one.quantity.kind == "traffic" and not one.peer:
            many = _per_sample(one.series.finite(), one.quantity.unit, scope)
            counts[one.service] = max(counts.get(one.service, 0.0), many)
    return counts


def _per_sample(one: Series, unit: str, scope: Scope) -> float:
    parts = [one.between(part.start, part.end) for part in (scope.baseline, scope.window)]
    levels = [_middle(part.values) for part in parts if part.values.size]
    step_s = float(np.median(np.diff(one.times))) if unit == "/s" and one.times.size > 1 else 1.0
    return min(MOST_PER_SAMPLE, step_s * min(levels, default=0.0))


def _middle(values: Floats) -> float:
    ordered = np.sort(values)
    return float(ordered[(ordered.size - 1) // 2] + ordered[ordered.size // 2]) / 2

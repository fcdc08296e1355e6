"""How exactly a series can be known: differences below that are next to nothing.

A share of success is as exact as the requests that it is taken of are many: of five requests one more or less that
fails is a fifth. Other quantities are known well enough, but a twentieth of what is usual for all services matters to
nobody.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from bot.agents.quantities import quantity_of
from bot.agents.scope import Scope
from bot.telemetry.series import Floats, Series

GRAIN = 0.05
"""Of the middle of all services' levels: what is next to nothing."""
SHARE_GRAIN = 0.005
"""The same for shares of success: one in two hundred."""
MOST_PER_SAMPLE = 1e6
"""Requests beyond which more make no share more exact."""


def grains(series: Sequence[Series], scope: Scope) -> Callable[[Series], float]:
    """For each series the least difference that says something, in its unit."""
    levels: dict[str, list[float]] = defaultdict(list)
    highest: dict[str, float] = defaultdict(float)
    for one in series:
        known, metric = np.abs(one.finite().values), one.labels["metric"]
        if known.size:
            levels[metric] += [level] if (level := _middle(known)) > 0 else []
            highest[metric] = max(highest[metric], float(known.max()))
    usual = {metric: GRAIN * float(np.median(ones)) for metric, ones in levels.items() if ones}
    wholes = {
        metric: 1.0 if most <= 1 else 100.0
        for metric, most in highest.items()
        if quantity_of(metric).direction == "down" and most <= 100
    }
    requests = _requests(series, scope)

    def grain(one: Series) -> float:
        metric = one.labels["metric"]
        if metric not in wholes:
            return usual.get(metric, 0.0)
        return wholes[metric] * _share_error(one, wholes[metric], requests, scope)

    return grain


def _share_error(one: Series, whole: float, requests: Mapping[str, float], scope: Scope) -> float:
    """How exact the level of a share of success is, taken of the worse half of the window's requests: one of them at
    least, and the standard error at the usual share of failures."""
    known = one.finite()
    usual = known.between(scope.baseline.start, scope.baseline.end).values
    inside = known.between(scope.window.start, scope.window.end).values
    count = requests.get(one.labels["service"], 0.0) * math.ceil(inside.size / 2)
    if not count or not usual.size:
        return SHARE_GRAIN
    failing = min(1.0, max(0.0, 1 - float(usual.mean()) / whole))
    return min(1.0, max(SHARE_GRAIN, 1 / count, math.sqrt(failing * (1 - failing) / count)))


def _requests(series: Sequence[Series], scope: Scope) -> Mapping[str, float]:
    """Service → requests a sample, usually or in the window, whichever is less."""
    counts: dict[str, float] = {}
    for one in series:
        quantity = quantity_of(one.labels["metric"])
        if quantity.kind == "traffic" and not one.labels.get("peer"):
            service, many = one.labels["service"], _per_sample(one.finite(), quantity.unit, scope)
            counts[service] = max(counts.get(service, 0.0), many)
    return counts


def _per_sample(one: Series, unit: str, scope: Scope) -> float:
    parts = [one.between(part.start, part.end) for part in (scope.baseline, scope.window)]
    levels = [_middle(part.values) for part in parts if part.values.size]
    step_s = float(np.median(np.diff(one.times))) if unit == "/s" and one.times.size > 1 else 1.0
    return min(MOST_PER_SAMPLE, step_s * min(levels, default=0.0))


def _middle(values: Floats) -> float:
    ordered = np.sort(values)
    return float(ordered[(ordered.size - 1) // 2] + ordered[ordered.size // 2]) / 2

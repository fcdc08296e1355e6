"""Functions of the moment: histogram_quantile, and arithmetic on one vector."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Mapping

from bot.demo.metrics.series import NAME, Labels, drop
from bot.demo.metrics.values import Sample, Vector, divided

Buckets = list[tuple[float, float]]
"""Upper bounds and cumulative counts, by rising bound."""


def _logarithm(log: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: log(value) if value > 0 else (-math.inf if value == 0 else math.nan)


def _whole(turn: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: float(turn(value)) if math.isfinite(value) else value


SIMPLE: Mapping[str, Callable[[float], float]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "exp": lambda value: math.exp(value) if value < 709 else math.inf,
    "ln": _logarithm(math.log),
    "log2": _logarithm(math.log2),
    "log10": _logarithm(math.log10),
    "sqrt": lambda value: math.sqrt(value) if value >= 0 else math.nan,
}


def clamp(value: float, low: float, high: float) -> float:
    """The value, moved into the bounds; NaN stays."""
    return value if math.isnan(value) else max(low, min(high, value))


def rounded(value: float, nearest: float) -> float:
    """To the nearest multiple, halves upwards."""
    inverse = divided(1.0, nearest)
    return math.floor(value * inverse + 0.5) / inverse if math.isfinite(value) else value


def ordered(vector: Vector, *, descending: bool) -> Vector:
    """By value, NaN last."""
    sign = -1 if descending else 1
    return sorted(vector, key=lambda sample: (math.isnan(sample.value), sign * sample.value))


def histogram_quantile(wanted: float, vector: Vector) -> Vector:
    """The quantile of each histogram in the vector, by its `le` buckets."""
    histograms: dict[Labels, dict[float, float]] = {}
    for sample in vector:
        bound = _bound(dict(sample.labels).get("le"))
        if bound is not None:
            buckets = histograms.setdefault(drop(sample.labels, [NAME, "le"]), {})
            buckets[bound] = buckets.get(bound, 0.0) + sample.value
    return [Sample(labels, _quantile(wanted, sorted(buckets.items()))) for labels, buckets in histograms.items()]


def _bound(le: str | None) -> float | None:
    try:
        return float(le) if le else None
    except ValueError:
        return None


def _quantile(wanted: float, buckets: Buckets) -> float:
    """Linear within the bucket that holds the rank; the lowest bucket is taken to start at zero."""
    if math.isnan(wanted) or len(buckets) < 2 or buckets[-1][0] != math.inf:
        return math.nan
    if not 0 <= wanted <= 1:
        return math.copysign(math.inf, wanted)
    counts = _rising([count for _, count in buckets])
    if counts[-1] == 0 or math.isnan(counts[-1]):
        return math.nan
    rank = wanted * counts[-1]
    place = bisect_left(counts, rank, hi=len(counts) - 1)
    if place == len(buckets) - 1:
        return buckets[-2][0]
    upper = buckets[place][0]
    if place == 0 and upper <= 0:
        return upper
    lower, below = (buckets[place - 1][0], counts[place - 1]) if place else (0.0, 0.0)
    return lower + (upper - lower) * divided(rank - below, counts[place] - below)


def _rising(counts: list[float]) -> list[float]:
    """Scrapes that are not of one instant can make a cumulative count fall; it is held instead."""
    highest = -math.inf
    held = []
    for count in counts:
        highest = max(highest, count)
        held.append(highest)
    return held

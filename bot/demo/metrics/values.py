"""What a query yields: a scalar (a float), or a vector."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from bot.demo.metrics.series import NAME, Labels, drop
from bot.errors import BadInput


@dataclass(frozen=True)
class Sample:
    """One series' value at the moment that the query is about."""

    labels: Labels
    value: float

    def valued(self, value: float) -> Sample:
        """What a calculation makes of it: another value, and no longer the metric's name."""
        return Sample(drop(self.labels, [NAME]), value)


Vector = list[Sample]
Value = float | Vector


def distinct(vector: Vector) -> Vector:
    """The same vector.

    Raises:
        BadInput: two of its series have the same labels.
    """
    if len({sample.labels for sample in vector}) < len(vector):
        raise BadInput("vector cannot contain metrics with the same labelset")
    return vector


def divided(left: float, right: float) -> float:
    """Division as IEEE 754 has it, without an exception."""
    if right != 0:
        return left / right
    if left == 0 or math.isnan(left):
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1.0, right)


def quantile_of(values: Iterable[float], wanted: float) -> float:
    """The quantile of a list of values, interpolated between neighbours; -Inf and +Inf outside 0…1."""
    ordered = sorted(values)
    if not ordered or math.isnan(wanted):
        return math.nan
    if not 0 <= wanted <= 1:
        return math.copysign(math.inf, wanted)
    place = wanted * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    weight = place - below
    return ordered[below] * (1 - weight) + ordered[above] * weight

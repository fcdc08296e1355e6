"""One series, and how far it left its normal."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.agents.departure import Departure
from bot.agents.metered import Metered
from bot.agents.quantities import Quantity

SPREADING = frozenset({"latency", "error_rate"})
"""Kinds of quantities of which callers have as much as their callees."""
TRAFFIC = frozenset({"traffic"})
"""The kind of which callees have as much as their callers."""

SAME_REQUESTS = frozenset({"latency"})
"""Kinds of quantities of which all metrics of a service, means and quantiles, tell of the same requests."""


@dataclass(frozen=True, eq=False)
class Measure:
    """What one series says."""

    of: Metered
    departure: Departure
    weight: float
    """Signed deviations in the direction in which a fault moves the quantity, 0 the other way; what others explain
    is taken out."""
    felt: float = 0.0
    """The whole of them, where others explain a part."""

    @property
    def service(self) -> str:
        """Whose it is."""
        return self.of.service

    @property
    def peer(self) -> str | None:
        """The other end, of a call."""
        return self.of.peer

    @property
    def metric(self) -> str:
        """What the series is called."""
        return self.of.metric

    @property
    def quantity(self) -> Quantity:
        """What it measures."""
        return self.of.quantity

    @property
    def excess(self) -> float:
        """How much worse than normal, in the metric's own unit."""
        return abs(self.departure.level - self.departure.normal) if self.weight else 0.0


def agreed(measures: Sequence[Measure]) -> Measure:
    """The strongest of a service's measures of one kind, which comes first, as far as the others bear it out.

    Where they tell of the same requests, the two metrics that deviate most count by their geometric mean: the largest
    of several is large by chance more often than each, and a fault moves more than one of them.
    """
    first = measures[0]
    if first.quantity.kind not in SAME_REQUESTS:
        return first
    by_metric: dict[str, float] = defaultdict(float)
    for one in measures:
        by_metric[one.metric] = max(by_metric[one.metric], abs(one.weight))
    most = sorted(by_metric.values(), reverse=True)[:2]
    return replace(first, weight=math.copysign(math.prod(most) ** (1 / len(most)), first.weight))

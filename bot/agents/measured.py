"""One series, and how far it left its normal."""

from __future__ import annotations

from dataclasses import dataclass

from bot.agents.departure import Departure
from bot.agents.quantities import Quantity

SPREADING = frozenset({"latency", "error_rate"})
"""Kinds of quantities of which callers have as much as their callees."""
TRAFFIC = frozenset({"traffic"})
"""The kind of which callees have as much as their callers."""


@dataclass(frozen=True, eq=False)
class Measure:
    """What one series says."""

    service: str
    peer: str | None
    metric: str
    quantity: Quantity
    departure: Departure
    weight: float
    """Signed deviations in the direction in which a fault moves the quantity, 0 the other way; what others explain
    is taken out."""
    felt: float = 0.0
    """The whole of them, where others explain a part."""

    @property
    def excess(self) -> float:
        """How much worse than normal, in the metric's own unit."""
        return abs(self.departure.level - self.departure.normal) if self.weight else 0.0

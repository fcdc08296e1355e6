"""One series as it is measured: whose it is, what it measures, and what its source knows of it beyond the samples.

A recording names its series, and the name says all; a live server is asked for each, and then unit, exactness and the
way to ask again are known. Both are measured by the same code (`measures`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.agents.departure import Departure
from bot.agents.quantities import Quantity, quantity_of
from bot.models import Evidence
from bot.telemetry.series import Series


@dataclass(frozen=True)
class Told:
    """A deviation in the words of its source."""

    title: str
    indicator: str
    onset: datetime | None
    fact: Evidence


@dataclass(frozen=True, eq=False)
class Metered:
    """One series of one service, or of the calls between two."""

    series: Series
    """Labels: service, metric, and instance or peer where there is one. Deviations spread between services in what has
    the same metric."""
    quantity: Quantity
    grain: float = 0.0
    """The least difference that says something, in the series' unit, as far as its source knows it."""
    credit: float = 1.0
    """The part of its score that counts; less than all where earlier days were alike."""
    tell: Callable[[Departure], Told] | None = None
    """How its source tells a deviation; None: by its name."""

    @property
    def service(self) -> str:
        """Whose it is."""
        return self.series.labels["service"]

    @property
    def peer(self) -> str | None:
        """The other end, of a call."""
        return self.series.labels.get("peer")

    @property
    def metric(self) -> str:
        """What it is called."""
        return self.series.labels["metric"]


def by_name(series: Series) -> Metered:
    """A series of which all is known that its name says."""
    return Metered(series, quantity_of(series.labels["metric"]))

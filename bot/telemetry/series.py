"""What a metrics source answers: samples over time under one set of labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Series:
    """Samples of one series; a place without a finite value holds NaN."""

    labels: Mapping[str, str]
    times: Floats
    """Unix seconds, increasing."""
    values: Floats

    @property
    def last(self) -> float | None:
        """The latest finite value, None if there is none."""
        finite = self.values[np.isfinite(self.values)]
        return float(finite[-1]) if finite.size else None

    def between(self, start: datetime, end: datetime) -> Series:
        """The samples of [start, end)."""
        chosen = (self.times >= start.timestamp()) & (self.times < end.timestamp())
        return Series(self.labels, self.times[chosen], self.values[chosen])

    def finite(self) -> Series:
        """Without the places that hold no finite value."""
        chosen = np.isfinite(self.values)
        return Series(self.labels, self.times[chosen], self.values[chosen])


@dataclass(frozen=True, eq=False)
class Answer:
    """What came back for one query."""

    query: str
    series: tuple[Series, ...]
    warnings: tuple[str, ...] = ()
    step_s: float | None = None
    """Distance of the samples in a range answer."""

    @property
    def single(self) -> Series | None:
        """The only series; None where there is none or where there are several."""
        return self.series[0] if len(self.series) == 1 else None


class SeriesSource(Protocol):
    """Where ready-made series come from: each measures one thing of one service, with no query language between."""

    @property
    def name(self) -> str:
        """How gaps name it."""

    async def read(self) -> tuple[Series, ...]:
        """Every series of the incident's stretches; labels: service, metric, and instance or peer where there is one.

        Raises:
            SourceUnavailable: nothing can be read at all.
        """


def instant(seconds: float) -> datetime:
    """Unix seconds as a moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC)

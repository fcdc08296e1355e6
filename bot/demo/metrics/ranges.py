"""Functions over a stretch of time: rate and its kin, and the `_over_time` family."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from bot.demo.metrics.values import quantile_of


@dataclass(frozen=True)
class Stretch:
    """The samples of one series in a stretch of time."""

    times: list[int]
    """Unix milliseconds."""
    values: list[float]
    start_ms: int
    end_ms: int

    @property
    def length_s(self) -> float:
        """How long the stretch is."""
        return (self.end_ms - self.start_ms) / 1000


def _growth(stretch: Stretch, *, counter: bool) -> float | None:
    """How much it changed over the whole stretch, extrapolated to its ends as Prometheus does.

    The samples cover a part of the stretch. Where they begin or end within 1.1 of their mean distance from an end they
    are taken to go on to that end, else for half that distance; a counter is not extrapolated below zero.
    """
    times, values = stretch.times, stretch.values
    if len(values) < 2:
        return None
    grown = values[-1] - values[0]
    if counter:
        grown += sum(before for before, after in pairwise(values) if after < before)
    covered = (times[-1] - times[0]) / 1000
    between = covered / (len(values) - 1)
    before, after = (times[0] - stretch.start_ms) / 1000, (stretch.end_ms - times[-1]) / 1000
    if counter and grown > 0 and values[0] >= 0:
        before = min(before, covered * values[0] / grown)
    reach = covered + sum(gap if gap < between * 1.1 else between / 2 for gap in (before, after))
    return grown * reach / covered


def _rate(stretch: Stretch) -> float | None:
    grown = _growth(stretch, counter=True)
    return None if grown is None else grown / stretch.length_s


def _irate(stretch: Stretch) -> float | None:
    if len(stretch.values) < 2:
        return None
    before, after = stretch.values[-2:]
    return (after if after < before else after - before) / ((stretch.times[-1] - stretch.times[-2]) / 1000)


def _changes(stretch: Stretch) -> float:
    return sum(
        1.0
        for before, after in pairwise(stretch.values)
        if before != after and not (math.isnan(before) and math.isnan(after))
    )


def _resets(stretch: Stretch) -> float:
    return sum(1.0 for before, after in pairwise(stretch.values) if after < before)


RANGE_FUNCTIONS: Mapping[str, Callable[[Stretch], float | None]] = {
    "rate": _rate,
    "irate": _irate,
    "increase": lambda stretch: _growth(stretch, counter=True),
    "delta": lambda stretch: _growth(stretch, counter=False),
    "changes": _changes,
    "resets": _resets,
    "avg_over_time": lambda stretch: math.fsum(stretch.values) / len(stretch.values),
    "min_over_time": lambda stretch: min(stretch.values),
    "max_over_time": lambda stretch: max(stretch.values),
    "sum_over_time": lambda stretch: math.fsum(stretch.values),
    "count_over_time": lambda stretch: float(len(stretch.values)),
    "last_over_time": lambda stretch: stretch.values[-1],
    "present_over_time": lambda stretch: 1.0,  # noqa: ARG005 - it asks only whether there is a stretch
    "stddev_over_time": lambda stretch: statistics.pstdev(stretch.values),
    "stdvar_over_time": lambda stretch: statistics.pvariance(stretch.values),
}


def quantile_over_time(wanted: float, stretch: Stretch) -> float:
    """The quantile of the stretch's samples."""
    return quantile_of(stretch.values, wanted)

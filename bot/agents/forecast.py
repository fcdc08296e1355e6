"""When something that fills steadily will be full: a robust line through the latest samples, and how sure it is.

The slope is the median of the slopes between all pairs of samples (Theil 1950, Sen 1968), its interval the one that
follows from the ranks of those slopes (Sen 1968, with Kendall's variance). Samples of monitoring hang together, so the
interval alone would be too sure of itself: a trend is called steady only if both halves of the stretch rise alike and
the rise stands clear of the scatter around the line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from bot.telemetry.series import Floats, Series

LEAST_POINTS = 12
MOST_POINTS = 150
"""More are thinned out: the pairs grow with the square."""
ALIKE = 3.0
"""One half may rise at most so many times as fast as the other."""
CLEAR = 6.0
"""The rise over the stretch, in units of the scatter around the line."""
FAR = 6.0
"""A line is drawn on for at most so many times the stretch that it was seen over."""
Z_95 = 1.96


@dataclass(frozen=True)
class Forecast:
    """A steady rise towards a limit."""

    level: float
    """Where the line stands at the last sample."""
    per_s: float
    """The slope."""
    full_in_s: float
    """Seconds from the last sample until the line meets the limit."""
    soonest_s: float
    latest_s: float | None
    """The interval of 95 %; without an end where the slowest slope does not get there in sight."""


def forecast(series: Series, limit: float = 1.0) -> Forecast | None:
    """When the series reaches the limit from below; None where it does not rise steadily, or is not there in sight."""
    known = series.finite()
    if known.values.size < LEAST_POINTS:
        return None
    every = math.ceil(known.values.size / MOST_POINTS)
    times, values = known.times[::-1][::every][::-1], known.values[::-1][::every][::-1]
    times = times - times[-1]
    slopes = _slopes(times, values)
    slope = float(np.median(slopes))
    level = float(np.median(values - slope * times))  # the line's value at the last sample
    if slope <= 0 or level >= limit or not _steady(times, values, slope):
        return None
    slow, fast = _interval(slopes, times.size)
    full_in_s = (limit - level) / slope
    sight_s = FAR * -float(times[0])
    if full_in_s > sight_s:
        return None
    latest = (limit - level) / slow if slow > 0 else math.inf
    return Forecast(level, slope, full_in_s, (limit - level) / fast, latest if latest <= 2 * sight_s else None)


def _slopes(times: Floats, values: Floats) -> Floats:
    """Between all pairs, in order of size."""
    first, second = np.triu_indices(times.size, k=1)
    apart = times[second] - times[first]
    slopes = (values[second] - values[first])[apart > 0] / apart[apart > 0]
    ordered: Floats = np.sort(slopes)
    return ordered


def _interval(slopes: Floats, points: int) -> tuple[float, float]:
    """Sen's interval: the slopes whose ranks lie 1.96 standard deviations of Kendall's S from the middle."""
    spread = Z_95 * math.sqrt(points * (points - 1) * (2 * points + 5) / 18)
    low = max(0, math.floor((slopes.size - spread) / 2))
    high = min(slopes.size - 1, math.ceil((slopes.size + spread) / 2))
    return float(slopes[low]), float(slopes[high])


def _steady(times: Floats, values: Floats, slope: float) -> bool:
    """Whether both halves rise alike, and clear of the scatter: a step, a saw-tooth and noise do not."""
    middle = times.size // 2
    halves = [
        float(np.median(_slopes(times[part], values[part]))) for part in (slice(None, middle), slice(middle, None))
    ]
    if min(halves) <= 0 or max(halves) > ALIKE * min(halves):
        return False
    off_line = values - slope * times
    scatter = float(np.median(np.abs(off_line - np.median(off_line)))) / 0.6745
    return slope * -float(times[0]) > CLEAR * scatter

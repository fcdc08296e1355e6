"""How far durations of the window lie from those of the baselines, in standard deviations of their medians.

Each baseline is a normal of its own: what fits one of them, or lies between two of them, is normal.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from bot.telemetry.series import Floats

LEAST_CHANGE = 0.1
"""On a log scale: a change by a tenth counts as one deviation at most."""
LEAST_SAMPLES = 5
CHUNKS = 4
"""Parts of a baseline whose medians tell how much it moves by itself."""
TO_SIGMA = 1.4826
MEDIAN_ERROR = 1.2533
"""Standard error of a median against that of a mean, for a normal distribution."""


def nearest(deviations: Iterable[float]) -> float:
    """Of the deviations from several normals the smallest; 0 where the value lies between two of them."""
    known = list(deviations)
    if not known or min(known) <= 0 <= max(known):
        return 0.0
    return min(known, key=abs)


def level_deviation(now: Sequence[float], usual: Sequence[float], grain: float) -> float | None:
    """Two sets of durations compared by their medians on a log scale; None where there are too few.

    `grain`, above 0, is what is next to nothing: differences below it do not count.
    """
    if len(now) < LEAST_SAMPLES or len(usual) < LEAST_SAMPLES:
        return None
    window, before = np.log(np.asarray(now) + grain), np.log(np.asarray(usual) + grain)
    error = math.hypot(_error(window), _error(before))
    unit = math.hypot(max(error, _wandering(before)), LEAST_CHANGE)
    return float((np.median(window) - np.median(before)) / unit)


def _error(values: Floats) -> float:
    spread = TO_SIGMA * float(np.median(np.abs(values - np.median(values))))
    return MEDIAN_ERROR * spread / math.sqrt(values.size)


def _wandering(values: Floats) -> float:
    """How much the medians of consecutive parts move."""
    if values.size < CHUNKS * LEAST_SAMPLES:
        return 0.0
    medians = np.array([np.median(part) for part in np.array_split(values, CHUNKS)])
    return float(np.std(medians, ddof=1))

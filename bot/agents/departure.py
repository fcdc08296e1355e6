"""How far a series leaves its own normal, in units of its own fault-free variation, from few and unequal samples.

Where `change` watches a long window of dense samples, this is for what is recorded once in one to five minutes. The
upper (or lower) half of the window's samples is set against the median of the baselines, in robust standard deviations,
and that against what stretches as long as the window reach in quiet times: a series that swings by itself must swing
wider. Of several baselines the quietest counts, since any one of them may hold a disturbance of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bot.agents.change import HALF_WITHIN, MOST_WITHIN, NOTICEABLE
from bot.models import Window
from bot.telemetry.series import Floats, Series

LEAST_SHARE = 0.05
"""Of the normal level: the least standard deviation that matters in practice."""
LEAST_SAMPLES = 4
"""Of all baselines together."""
ENOUGH_QUIET = 8
"""Samples of a baseline from which it tells by itself what quiet times reach."""
ROUNDING = 1e-9
"""Of the window's peak: a variation below that is the arithmetic's."""
RARE = 0.98
"""The part of quiet stretches whose extremes are normal."""


@dataclass(frozen=True)
class Departure:
    """The window's level against the normal."""

    deviations: float
    """Signed; `NOTICEABLE` is what quiet times reach now and then."""
    level: float
    normal: float
    onset_s: float | None
    """Unix seconds of the first sample of the window outside the normal variation."""


def departure(
    series: Series, window: Window, baselines: Sequence[Window], grain: float = 0.0, share: float = LEAST_SHARE
) -> Departure | None:
    """Compare upwards and downwards; None where the window or the baselines have too few samples.

    Args:
        baselines: stretches to compare with.
        grain: the least standard deviation, in the series' unit.
        share: the same as a part of the normal level.
    """
    known = series.finite()
    inside = known.between(window.start, window.end)
    parts = [known.between(stretch.start, stretch.end).values for stretch in baselines]
    usual = np.sort(np.concatenate(parts))
    if not inside.values.size or usual.size < LEAST_SAMPLES:
        return None
    normal = _quantile(usual, 0.5)
    distances = np.sort(np.abs(usual - normal))
    half, most = _quantile(distances, 0.5), _quantile(distances, 0.8)
    unit = max(half / HALF_WITHIN, most / MOST_WITHIN, share * abs(normal), grain)
    peak = float(np.abs(inside.values).max())
    if unit <= ROUNDING * peak:  # never anything but 0 so far: the first is no miracle
        unit = LEAST_SHARE * peak or 1.0
    quiet = [part for part in parts if part.size >= ENOUGH_QUIET] or [usual]
    up, down = (_above(sign * inside.values, sign * normal, [sign * part for part in quiet], unit) for sign in (1, -1))
    sign = 1.0 if up >= down else -1.0
    level = sign * _upper_half(sign * inside.values)
    outside = np.flatnonzero(sign * (inside.values - normal) > NOTICEABLE * unit)
    onset_s = float(inside.times[outside[0]]) if outside.size else None
    return Departure(sign * max(up, down), level, normal, onset_s)


def _above(inside: Floats, normal: float, quiet: Sequence[Floats], unit: float) -> float:
    """How far the window lies above the normal, on the scale on which quiet times reach `NOTICEABLE`."""
    distance = (_upper_half(inside) - normal) / unit
    if distance <= 0:
        return 0.0
    reached = min(_reached(part, inside.size) for part in quiet) / unit
    return NOTICEABLE * distance / max(NOTICEABLE, reached)


def _reached(quiet: Floats, samples: int) -> float:
    """How far stretches of so many samples lie above the middle of a baseline, but for the rarest."""
    middle = _quantile(np.sort(quiet), 0.5)
    if quiet.size <= samples:
        return _upper_half(quiet) - middle
    stretches = np.sort(np.lib.stride_tricks.sliding_window_view(quiet, samples), axis=1)
    levels = np.sort(stretches[:, samples // 2 :].mean(axis=1))
    return _quantile(levels, RARE) - middle


def _upper_half(values: Floats) -> float:
    return float(np.sort(values)[values.size // 2 :].mean())


def _quantile(ordered: Floats, part: float) -> float:
    """Of sorted values, between neighbours in proportion: what `numpy.quantile` gives, ten times as fast on few."""
    place = part * (ordered.size - 1)
    low = int(place)
    high = min(low + 1, ordered.size - 1)
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))

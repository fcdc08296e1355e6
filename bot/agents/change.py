"""How far a series leaves its normal: robust, in units of the series' own variation.

Normal is the median of the baseline; its variation is taken from quantiles of the absolute deviations, of which the
median absolute deviation (Rousseeuw and Croux, 1993) is one, never below a floor of practical significance. What
counts is a *sustained* level: the extreme of a rolling median over the window. It is also compared with the most
extreme sustained level of the baseline itself, so that a series that swings every hour does not alarm when it swings
again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np

from bot.models import Window
from bot.telemetry.series import Floats, Series, instant

NOTICEABLE = 3.0
"""Deviations, in units of the variation, up to which a series is normal."""
LEAST_POINTS = 3
HALF_WITHIN, MOST_WITHIN = 0.6745, 1.2816
"""Standard deviations within which half, and four fifths, of normal noise stay."""

Direction = Literal["up", "down", "both"]


@dataclass(frozen=True)
class Change:
    """A window's most extreme sustained level against the baseline."""

    score: float
    """0 (within the normal variation) to 1."""
    baseline: float
    """Normal level: the median."""
    level: float
    """The most extreme sustained level in the window."""
    current: float
    """The level at the end of the window."""
    deviations: float
    """Signed distance from normal in units of the variation."""
    onset: datetime | None = None
    """When the series left its normal; None where it did not."""
    ended: datetime | None = None
    """When it was back in its normal, if it is."""

    @property
    def rising(self) -> bool:
        """Whether the level lies above normal."""
        return self.level >= self.baseline


def change(
    series: Series, baseline: Window, window: Window, *, floor: Callable[[float], float], direction: Direction = "both"
) -> Change | None:
    """Compare; None where either stretch has fewer than three samples.

    Args:
        floor: gives, for a normal level, the least variation that matters in practice, in the series' unit.
        direction: deviations the other way are normal.
    """
    known = series.finite()
    before = known.between(baseline.start, baseline.end)
    inside = known.between(window.start, window.end)
    if min(before.values.size, inside.values.size) < LEAST_POINTS:
        return None
    normal = float(np.median(before.values))
    scale = max(_variation(before.values - normal), floor(normal))
    span = _span(inside.values.size)
    sustained = _signed(_rolling_median(inside.values, span) - normal, direction)
    peak = int(np.argmax(np.abs(sustained)))
    usual = np.abs(_signed(_rolling_median(before.values, span) - normal, direction)).max()
    score = _score(abs(float(sustained[peak])), scale, float(usual))
    level = float(sustained[peak]) + normal
    current = float(np.median(inside.values[-span:]))
    if score <= 0:
        return Change(0.0, normal, current, current, (current - normal) / scale)
    onset, ended = _stretch(known, normal, scale, sign=float(np.sign(sustained[peak])), peak_at=inside.times[peak])
    return Change(score, normal, level, current, (level - normal) / scale, onset, ended)


def _variation(deviations: Floats) -> float:
    """The standard deviation that half, or four fifths, of the baseline speak for, whichever is larger.

    The second sees the bursts of a series that mostly rests; an earlier fault of a fifth of the baseline hides neither.
    """
    half, most = np.quantile(np.abs(deviations), [0.5, 0.8])
    return max(float(half) / HALF_WITHIN, float(most) / MOST_WITHIN)


def _span(points: int) -> int:
    """How many samples make a level sustained: a twentieth of the window, at least three."""
    return max(LEAST_POINTS, points // 20)


def _rolling_median(values: Floats, span: int) -> Floats:
    if values.size <= span:
        return np.array([np.median(values)])
    medians: Floats = np.median(np.lib.stride_tricks.sliding_window_view(values, span), axis=1)
    return medians


def _signed(deviations: Floats, direction: Direction) -> Floats:
    if direction == "up":
        return np.maximum(deviations, 0.0)
    return np.minimum(deviations, 0.0) if direction == "down" else deviations


def _score(deviation: float, scale: float, usual: float) -> float:
    """0 up to three variations, or to the baseline's own extreme, which counts half: it may hold an earlier fault."""
    normal = max(NOTICEABLE * scale, min(usual, deviation / 2))
    return max(0.0, 1.0 - normal / deviation) if deviation > 0 else 0.0


def _stretch(
    series: Series, normal: float, scale: float, *, sign: float, peak_at: float
) -> tuple[datetime, datetime | None]:
    """The uninterrupted stretch outside the normal around the peak; single samples inside do not interrupt it."""
    outside = sign * (series.values - normal) > NOTICEABLE * scale
    place = int(np.searchsorted(series.times, peak_at))
    later = np.flatnonzero(outside[place:])
    first = last = place + (int(later[0]) if later.size else 0)
    while first > 0 and outside[max(0, first - 2) : first].any():
        first -= 1
    while last + 1 < outside.size and outside[last + 1 : last + 3].any():
        last += 1
    while not outside[first] and first < last:
        first += 1
    over = last + 1 < outside.size
    return instant(float(series.times[first])), instant(float(series.times[last + 1])) if over else None

"""From a deviation to a finding's score."""

from __future__ import annotations

from bot.agents.change import NOTICEABLE


def score_of(deviations: float, least: float = NOTICEABLE) -> float:
    """0 up to what is noticeable, or to another least, then towards 1."""
    return max(0.0, 1.0 - least / abs(deviations)) if deviations else 0.0

"""From scores to an order: neighbours lend their score, several scores become one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from bot.memory.columns import Floats, Mask, Rows

NEIGHBOUR_SHARE = 0.5
"""How much of the best neighbour's score a message gets: an answer is found through what it answers."""


def smooth(scores: Floats, before: Rows, after: Rows) -> Floats:
    """Each score plus a share of the better of its two neighbours'."""
    padded = np.append(scores, np.float32(0))  # row -1, nobody, reads the last place
    best: Floats = np.maximum(padded[before], padded[after])
    return scores + NEIGHBOUR_SHARE * best


def scale(scores: Floats, allowed: Mask) -> Floats:
    """Scores in standard deviations over the allowed rows, so that several kinds can be added up."""
    spread = scores[allowed].std()
    return scores / spread if spread > 0 else scores


def fuse(weighted: Sequence[tuple[float, Floats]], *, allowed: Mask, before: Rows, after: Rows) -> Floats:
    """Several kinds of scores as one, each smoothed over the neighbours and weighted. Nothing in common gives 0."""
    total = np.zeros(len(allowed), dtype=np.float32)
    for weight, scores in weighted:
        total += np.float32(weight) * scale(smooth(scores, before, after), allowed)
    return total


def best(scores: Floats, allowed: Mask, limit: int) -> list[int]:
    """The allowed rows with the highest scores above 0, in no order."""
    rows = np.flatnonzero(allowed & (scores > 0))
    if len(rows) > limit:
        rows = rows[np.argpartition(-scores[rows], limit - 1)[:limit]]
    return [int(row) for row in rows]

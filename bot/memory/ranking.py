"""From scores to an order: the talk around a message lends it its words, several kinds of scores become one.

All weights were chosen by leaving one conversation out (`tests/bench/memory`); the figures hardly move around them.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bot.memory.columns import Floats, Mask, Rows
from bot.memory.lexical import Lexical, saturated
from bot.memory.timeline import Timeline

NEIGHBOUR_SHARE = 0.5
"""How much of the best neighbour's score a message gets: an answer is found through what it answers."""
AROUND = {2: 0.4, 8: 0.5}
"""Reach → weight of the words said within so many messages: a question's words are seldom all in one message."""
SPEAKER_BONUS = 2.0
"""Added to what a person said whom the question names, in units of BM25: about a rare word's worth."""
SUBJECT_BONUS = 2.0
"""Added to what names the service that the question is about, however common its name is there."""
DATE_BONUS = 2.0
"""Added to what was said in the time that the question names."""
EMPHASIS_GAIN = 2.0
"""How much more what is emphasised counts, at most."""
RECENCY_BONUS, RECENCY_FADES = 4.0, 15.0
"""Added to the last messages of the channel in which is asked, and after how many of them it has faded to a third."""
MEANING_WEIGHT = 1.0
"""Of the encoder's similarity, beside the wording, both in standard deviations."""


def wording(lexical: Lexical, timeline: Timeline, weights: Mapping[str, float]) -> tuple[Floats, Floats]:
    """BM25 of each message by itself, and together with the talk around it."""
    own = lexical.scores(weights)
    total = smooth(own, timeline.before, timeline.after)
    for term, weight in weights.items():
        rows, counts = lexical.hits(term)
        if len(rows):
            around = timeline.spread(rows, counts, list(AROUND))
            for share, held in zip(AROUND.values(), around, strict=True):
                touched = np.flatnonzero(held > 0)  # many times faster than over the floats themselves
                total[touched] += np.float32(share * weight * lexical.rarity(term)) * saturated(held[touched])
    return own, total


def smooth(scores: Floats, before: Rows, after: Rows) -> Floats:
    """Each score plus a share of the better of its two neighbours'."""
    padded = np.append(scores, np.float32(0))  # row -1, nobody, reads the last place
    best: Floats = np.maximum(padded[before], padded[after])
    return scores + np.float32(NEIGHBOUR_SHARE) * best


def fuse(worded: Floats, meant: Floats | None, allowed: Mask) -> Floats:
    """One score of two; nothing in common gives 0 or less."""
    if meant is None:
        return worded
    seen = meant[allowed & (meant != 0)]
    centred = np.where(meant == 0, 0, meant - seen.mean()) if len(seen) else meant
    return scale(worded, allowed) + np.float32(MEANING_WEIGHT) * scale(centred, allowed)


def scale(scores: Floats, allowed: Mask) -> Floats:
    """Scores in standard deviations over the allowed rows, so that several kinds can be added up."""
    spread = scores[allowed].std()
    return scores / spread if spread > 0 else scores


def best(scores: Floats, allowed: Mask, limit: int) -> list[int]:
    """The allowed rows with the highest scores above 0, in no order."""
    rows = np.flatnonzero(allowed & (scores > 0))
    if len(rows) > limit:
        rows = rows[np.argpartition(-scores[rows], limit - 1)[:limit]]
    return [int(row) for row in rows]


def recency(sent_at: Floats, allowed: Mask) -> Floats:
    """1 for the newest of the allowed rows, less and less for those before it."""
    fading = np.zeros(len(sent_at), dtype=np.float32)
    rows = np.flatnonzero(allowed)
    count = min(len(rows), int(4 * RECENCY_FADES))
    if count:
        newest = rows[np.argpartition(-sent_at[rows], count - 1)[:count]]
        newest = newest[np.argsort(-sent_at[newest], kind="stable")]
        fading[newest] = np.exp(-np.arange(count) / RECENCY_FADES)
    return fading

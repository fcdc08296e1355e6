"""From scores to an order: the talk around a message lends it its words, several kinds of scores become one.

All weights were chosen by leaving one conversation out (`tests/bench/memory`); the figures hardly move around them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from bot.memory.columns import Floats, Mask, Rows
from bot.memory.lexical import KIN_WEIGHT, Lexical, saturated
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
MEANING_WEIGHT = 1.3
"""Of the encoder's similarity, beside the wording, both in standard deviations."""
OUTSTANDING = 4.5
"""Standard deviations above the mean from which a similarity says by itself that a message bears on the question."""


@dataclass(frozen=True)
class Worded:
    """What wording says about every row."""

    own: Floats
    """BM25 of the message by itself."""
    total: Floats
    """The same together with the talk around it."""
    covers: Floats
    """Which share of the question, its rare words counting more, is said there or right beside it."""


def wording(lexical: Lexical, timeline: Timeline, terms: Collection[str], telling: Collection[str]) -> Worded:
    """Compare every row with the terms of a question; `telling` are those of them that it cannot do without."""
    families = {term: {term: 1.0} | _kin(lexical, term, terms) for term in terms}
    own = lexical.scores({term: weight for family in families.values() for term, weight in family.items()})
    total = smooth(own, timeline.before, timeline.after)
    covers = np.zeros(len(own), dtype=np.float32)
    for asked, family in families.items():
        beside = np.zeros(len(own), dtype=np.bool_)
        for term, weight in family.items():
            rows, counts = lexical.hits(term)
            if not len(rows):
                continue
            around = timeline.spread(rows, counts, list(AROUND))
            for share, held in zip(AROUND.values(), around, strict=True):
                touched = np.flatnonzero(held > 0)  # many times faster than over the floats themselves
                total[touched] += np.float32(share * weight * lexical.rarity(term)) * saturated(held[touched])
            beside |= around[0] > 0
        if asked in telling:
            covers[beside] += lexical.rarity(asked)
    asked_for = sum(lexical.rarity(term) for term in telling)
    return Worded(own, total, covers / np.float32(asked_for) if asked_for > 0 else covers)


def _kin(lexical: Lexical, term: str, terms: Collection[str]) -> dict[str, float]:
    """Words that stand in for the term, where the question does not name them itself."""
    return {other: KIN_WEIGHT for other in lexical.kin(term) if other not in terms}


def smooth(scores: Floats, before: Rows, after: Rows) -> Floats:
    """Each score plus a share of the better of its two neighbours'."""
    padded = np.append(scores, np.float32(0))  # row -1, nobody, reads the last place
    best: Floats = np.maximum(padded[before], padded[after])
    return scores + np.float32(NEIGHBOUR_SHARE) * best


def fuse(worded: Floats, meant: Floats | None, allowed: Mask) -> Floats:
    """One score of two; nothing in common gives 0 or less."""
    if meant is None:
        return worded
    return scale(worded, allowed) + np.float32(MEANING_WEIGHT) * scale(centred(meant, allowed), allowed)


def centred(meant: Floats, allowed: Mask) -> Floats:
    """Similarities as differences from their mean; 0, which stands for no vector, stays."""
    seen = meant[allowed & (meant != 0)]
    return np.where(meant == 0, np.float32(0), meant - seen.mean()) if len(seen) else meant


def scale(scores: Floats, allowed: Mask) -> Floats:
    """Scores in standard deviations over the allowed rows, so that several kinds can be added up."""
    spread = scores[allowed].std()
    return scores / spread if spread > 0 else scores


def outstanding(meant: Floats, allowed: Mask) -> Mask:
    """Rows whose meaning is nearer to the question than chance brings any, measured in the model's own spread."""
    stands_out: Mask = scale(centred(meant, allowed), allowed) >= OUTSTANDING
    return stands_out


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

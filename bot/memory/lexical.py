"""Lexical search: BM25 over an inverted index that takes and gives up one text at a time.

The formula is that of Robertson and Zaragoza, The Probabilistic Relevance Framework: BM25 and Beyond (2009), with the
inverse document frequency of Lucene, which is never negative.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bot.memory.columns import Column, Floats, Rows

K1, B = 1.2, 0.5
"""How soon repetitions stop counting, and how much a long text is held against it."""
KIN_STEM, KIN_SHARE, KIN_WEIGHT, MOST_KIN = 5, 0.6, 0.7, 4
"""Words that a stemmer keeps apart ('photo', 'photograph'): they begin with the same letters, at least so many and such
a share of the longer one. They stand in for each other with less weight, the most used first."""


@dataclass(slots=True)
class _Postings:
    """The rows that hold a term, ascending, and how often each does."""

    term: str
    rows: array[int] = field(default_factory=lambda: array("i"))
    counts: array[int] = field(default_factory=lambda: array("H"))

    def add(self, row: int, count: int) -> None:
        if not self.rows or row > self.rows[-1]:
            self.rows.append(row)
            self.counts.append(count)
        else:
            place = bisect_left(self.rows, row)
            self.rows.insert(place, row)
            self.counts.insert(place, count)

    def drop(self, row: int) -> None:
        place = bisect_left(self.rows, row)
        del self.rows[place]
        del self.counts[place]


class Lexical:
    """An inverted index over rows. A removed row leaves no term behind."""

    def __init__(self) -> None:
        self._postings: dict[str, _Postings] = {}
        self._kin: dict[str, set[str]] = {}
        """First letters → the terms that begin with them."""
        self._lengths = Column(np.float32)
        self._terms_of: dict[int, tuple[str, ...]] = {}
        self._total = 0.0

    def __len__(self) -> int:
        return len(self._terms_of)

    def __contains__(self, term: str) -> bool:
        return term in self._postings

    def add(self, row: int, terms: Iterable[str]) -> None:
        """Index a row that is not in the index yet."""
        counts = Counter(terms)
        held = [self._postings_of(term) for term in counts]
        for postings, count in zip(held, counts.values(), strict=True):
            postings.add(row, min(count, 65535))
        self._terms_of[row] = tuple(postings.term for postings in held)  # one string a term, however many rows hold it
        while len(self._lengths) <= row:
            self._lengths.append(0)
        self._lengths[row] = counts.total()
        self._total += counts.total()

    def remove(self, row: int) -> None:
        """Take a row out; a term that only it held is gone."""
        for term in self._terms_of.pop(row):
            postings = self._postings[term]
            postings.drop(row)
            if not postings.rows:
                self._drop_term(term)
        self._total -= float(self._lengths[row])
        self._lengths[row] = 0

    def terms(self, row: int) -> tuple[str, ...]:
        """The different terms of a row."""
        return self._terms_of.get(row, ())

    def rarity(self, term: str) -> float:
        """Inverse document frequency, highest for a term that nothing holds."""
        postings = self._postings.get(term)
        held = len(postings.rows) if postings is not None else 0
        return math.log(1 + (len(self) - held + 0.5) / (held + 0.5))

    def _postings_of(self, term: str) -> _Postings:
        postings = self._postings.get(term)
        if postings is None:
            postings = self._postings[term] = _Postings(term)
            if _has_kin(term):
                self._kin.setdefault(term[:KIN_STEM], set()).add(term)
        return postings

    def _drop_term(self, term: str) -> None:
        del self._postings[term]
        if _has_kin(term):
            family = self._kin[term[:KIN_STEM]]
            family.discard(term)
            if not family:
                del self._kin[term[:KIN_STEM]]

    def kin(self, term: str) -> list[str]:
        """Indexed terms of the same family as this one, the most used first, and in the order of letters."""
        family = self._kin.get(term[:KIN_STEM], ()) if _has_kin(term) else ()
        near = [other for other in family if other != term and _alike(term, other)]
        return sorted(near, key=lambda other: (-len(self._postings[other].rows), other))[:MOST_KIN]

    def hits(self, term: str) -> tuple[Rows, Floats]:
        """The rows that hold a term and how often each does."""
        postings = self._postings.get(term)
        if postings is None:
            return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.float32)
        return np.array(postings.rows, dtype=np.int32), np.array(postings.counts, dtype=np.float32)

    def scores(self, weights: Mapping[str, float]) -> Floats:
        """BM25 of every row for the weighted terms of a query."""
        scores = np.zeros(len(self._lengths), dtype=np.float32)
        if not self._terms_of:
            return scores
        average = self._total / len(self._terms_of)
        norms: Floats = (K1 * (1 - B + B * self._lengths.view / average)).astype(np.float32)
        for term, weight in weights.items():
            rows, counts = self.hits(term)
            scores[rows] += weight * self.rarity(term) * saturated(counts, norms[rows])
        return scores


def _has_kin(term: str) -> bool:
    return len(term) >= KIN_STEM and term.isascii() and term.isalpha()


def _alike(term: str, other: str) -> bool:
    shared = math.ceil(KIN_SHARE * max(len(term), len(other)))
    return term[:shared] == other[:shared]


def saturated(counts: Floats, norms: Floats | float = K1) -> Floats:
    """How much a term counts for that stands there so often: the second time less than the first."""
    gained: Floats = counts * (K1 + 1) / (counts + norms)
    return gained

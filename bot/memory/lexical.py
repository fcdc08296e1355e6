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

from bot.memory.columns import Column, Floats


@dataclass
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

    def __init__(self, *, k1: float = 1.2, b: float = 0.5) -> None:
        self._k1, self._b = k1, b
        self._postings: dict[str, _Postings] = {}
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
                del self._postings[term]
        self._total -= float(self._lengths[row])
        self._lengths[row] = 0

    def terms(self, row: int) -> tuple[str, ...]:
        """The different terms of a row."""
        return self._terms_of.get(row, ())

    def rarity(self, term: str) -> float:
        """Inverse document frequency; 0 for a term that nothing holds."""
        postings = self._postings.get(term)
        if postings is None:
            return 0.0
        held = len(postings.rows)
        return math.log(1 + (len(self) - held + 0.5) / (held + 0.5))

    def _postings_of(self, term: str) -> _Postings:
        postings = self._postings.get(term)
        if postings is None:
            postings = self._postings[term] = _Postings(term)
        return postings

    def scores(self, weights: Mapping[str, float]) -> Floats:
        """BM25 of every row for the weighted terms of a query."""
        scores = np.zeros(len(self._lengths), dtype=np.float32)
        if not self._terms_of:
            return scores
        average = self._total / len(self._terms_of)
        norms = self._k1 * (1 - self._b + self._b * self._lengths.view / average)
        for term, weight in weights.items():
            postings = self._postings.get(term)
            if postings is not None:
                rows = np.array(postings.rows, dtype=np.int32)
                counts = np.array(postings.counts, dtype=np.float32)
                scores[rows] += weight * self.rarity(term) * counts * (self._k1 + 1) / (counts + norms[rows])
        return scores

"""Meaning in context: how near a message is to a question together with what was said around it.

What a talk is about is seldom all in one of its messages. The vectors of the messages around one are added to its own,
each half as much as the one before, and the sum is compared with the question. The sum is never kept: it is made from
the messages' own vectors whenever somebody asks, so nothing of a forgotten message stays in its neighbours.
"""

from __future__ import annotations

import numpy as np

from bot.memory.columns import Column, Floats, Rows
from bot.memory.timeline import NOBODY, Timeline
from bot.memory.vectors import Vector, Vectors

REACH, FADES = 4, 0.5
"""So many messages on both sides of its session, and what is left of the weight with every step away."""
MENDED_AT_ONCE = 4096


class Surroundings:
    """Similarity of every row in its context. Tell it of every change by `touch`."""

    def __init__(self, vectors: Vectors, timeline: Timeline) -> None:
        self._vectors = vectors
        self._timeline = timeline
        self._lengths = Column(np.float32, fill=1)
        """Of the sums, so that a long session is not nearer for being long."""
        self._stale: set[int] = set()

    def touch(self, row: int) -> None:
        """The row's vector or its place is about to change, or has changed: so have the sums around it."""
        self._stale.add(row)
        for links in (self._timeline.before, self._timeline.after):
            here = row
            for _ in range(REACH):
                here = int(links[here]) if here < len(links) else NOBODY
                if here == NOBODY:
                    break
                self._stale.add(here)

    def similarity(self, query: Vector, rows: int) -> Floats:
        """Cosine of every row's context to the question, for an index of so many rows; 0 for a row without a vector."""
        self._mend(rows)
        own = self._vectors.scores(query, rows)
        total = own.copy()
        padded = np.append(own, np.float32(0))  # row -1, nobody, reads the last place
        for share, around in self._steps(np.arange(rows, dtype=np.int32)):
            total += share * padded[around]
        near: Floats = np.where(own == 0, np.float32(0), total / self._lengths.view[:rows])
        return near

    def _mend(self, rows: int) -> None:
        """Measure again what has changed."""
        while len(self._lengths) < rows:
            self._lengths.append(1)
        stale = np.array(sorted(row for row in self._stale if row < rows), dtype=np.int32)
        for start in range(0, len(stale), MENDED_AT_ONCE):
            some = stale[start : start + MENDED_AT_ONCE]
            total = self._vectors.of(some)
            for share, around in self._steps(some):
                total += share * self._vectors.of(around)
            length = np.linalg.norm(total, axis=1)
            self._lengths.view[some] = np.where(length > 0, length, 1)
        self._stale.clear()

    def _steps(self, rows: Rows) -> list[tuple[np.float32, Rows]]:
        """For every step away from the rows, on both sides: its weight, and who stands there (or nobody)."""
        steps: list[tuple[np.float32, Rows]] = []
        for links in (self._timeline.before, self._timeline.after):
            ending = np.append(links, np.int32(NOBODY))  # nobody is followed by nobody
            here = rows
            for step in range(1, REACH + 1):
                here = ending[here]
                steps.append((np.float32(FADES**step), here))
        return steps

"""Dense search: how near every row's vector is to a question's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bot.memory.columns import Column, Floats, Rows

Vector = npt.NDArray[np.float16]
CHUNK = 8192
"""Rows that are widened to 32 bits at a time: half-precision halves the memory, but processors do not multiply it."""


class Vectors:
    """Normalised float16 vectors by row; a row without one scores 0."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._vectors = Column(np.float16, width=width)
        self._filled = Column(np.bool_)

    def put(self, row: int, vector: Vector) -> None:
        """Set a row's vector."""
        while len(self._vectors) <= row:
            self._vectors.append(0)
            self._filled.append(False)
        self._vectors[row] = vector
        self._filled[row] = True

    def remove(self, row: int) -> None:
        """Forget a row's vector."""
        if row < len(self._vectors):
            self._vectors[row] = 0
            self._filled[row] = False

    def holds(self, row: int) -> bool:
        """Whether the row has a vector."""
        return row < len(self._filled) and bool(self._filled[row])

    def of(self, rows: Rows) -> Floats:
        """The vectors of the rows, widened; zeros for a row without one, and for -1, nobody."""
        known = (rows >= 0) & (rows < len(self._vectors))
        found = np.zeros((len(rows), self._width), dtype=np.float32)
        found[known] = self._vectors.view[rows[known]]
        return found

    def scores(self, query: Vector, rows: int) -> Floats:
        """Cosine similarity of every row, for an index of so many rows."""
        scores = np.zeros(rows, dtype=np.float32)
        widened = query.astype(np.float32)
        for start in range(0, len(self._vectors), CHUNK):
            chunk = self._vectors.view[start : start + CHUNK].astype(np.float32)
            scores[start : start + len(chunk)] = chunk @ widened
        return scores

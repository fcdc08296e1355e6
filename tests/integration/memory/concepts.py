"""A model small enough to read: a word's vector is its concept, so that meaning can be told from wording."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

CONCEPTS = {
    "database": 0, "postgres": 0, "db": 0, "outage": 1, "down": 1, "broken": 1, "deploy": 2, "release": 2, "rollout": 2,
    "certificate": 3, "tls": 3, "disk": 4, "storage": 4,
}  # fmt: skip
WIDTH = 8


class ConceptModel:
    """Speaks the part of sentence-transformers that the encoder uses."""

    max_seq_length = 512

    def __init__(self, name: str) -> None:
        self.name = name
        self.encoded: list[str] = []

    def get_embedding_dimension(self) -> int:
        """The width of the vectors."""
        return WIDTH

    def encode_document(self, texts: Sequence[str], **options: object) -> npt.NDArray[np.float32]:
        """One vector a text."""
        self.encoded += texts
        return self._encode(texts)

    def encode_query(self, texts: Sequence[str], **options: object) -> npt.NDArray[np.float32]:
        """The same for questions, which are not counted."""
        return self._encode(texts)

    def _encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        vectors = np.full((len(texts), WIDTH), 0.01, dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.casefold().split():
                vectors[row, CONCEPTS.get(word.strip(".,?!"), WIDTH - 1)] += 1 if word in CONCEPTS else 0.05
        normalised: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return normalised

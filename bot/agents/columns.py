"""Many log lines in little memory, and in few objects: by request, time and template."""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np


class Columns:
    """Lines as they come: the number of their request, their time and their template."""

    def __init__(self) -> None:
        self._requests, self._at, self._templates = array("i"), array("d"), array("i")

    def __len__(self) -> int:
        """How many lines."""
        return len(self._at)

    def add(self, request: int, at: float, template: int) -> None:
        """One more line."""
        self._requests.append(request)
        self._at.append(at)
        self._templates.append(template)

    def only(self, place: Mapping[int, int]) -> Columns:
        """The lines of these requests, under their new numbers."""
        kept = Columns()
        for request, at, template in zip(self._requests, self._at, self._templates, strict=True):
            if request in place:
                kept.add(place[request], at, template)
        return kept

    def in_order(self) -> Lines:
        """By request, then by time; lines of one moment stay as they came."""
        requests = np.frombuffer(self._requests, dtype=np.int32)
        at = np.frombuffer(self._at, dtype=np.float64)
        order = np.lexsort((at, requests))
        edges = np.searchsorted(requests[order], np.arange(int(requests.max(initial=-1)) + 2))
        templates = np.frombuffer(self._templates, dtype=np.int32)
        return Lines(at[order].tolist(), templates[order].tolist(), edges.tolist())


@dataclass(frozen=True)
class Lines:
    """All lines, request after request."""

    at: list[float]
    template: list[int]
    edges: list[int]
    """Where each request begins, and where the last one ends."""

    def of(self, request: int) -> range:
        """The places of a request's lines."""
        return range(self.edges[request], self.edges[request + 1])

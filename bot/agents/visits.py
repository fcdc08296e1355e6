"""The spans of one stretch as visits: which request entered which service by which way, and what was done there.

A *visit* is one time that a request enters a service: a span whose parent belongs to another service or is unknown,
with the spans of the same service below it. Its *context* is what had led to it: the caller's visit, and what that one
had already asked of others. Visits of one operation in one context are alike, whatever the mix of requests; what comes
after a visit is its effect, and so no part of its context.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property

from bot.telemetry.spans import Span

Operation = tuple[str, str]
"""Service and operation."""
Context = Hashable
ROOT: Context = "root"


class Visits:
    """One stretch, its spans joined into trees. Spans are named by their place in `spans`, which is by start."""

    def __init__(self, spans: Sequence[Span]) -> None:
        once = dict.fromkeys(spans)  # an exporter that sends again doubles some
        self.spans = sorted(once, key=lambda span: (span.start_s, -span.duration_s))
        places = {(span.trace, span.id): place for place, span in enumerate(self.spans)}
        self.parents = [
            places.get((span.trace, span.parent), -1) if span.parent and span.parent != span.id else -1
            for span in self.spans
        ]
        self.children: dict[int, list[int]] = defaultdict(list)
        for place, parent in enumerate(self.parents):
            if parent >= 0:
                self.children[parent].append(place)
        self.entries = self._entries()

    def operation(self, place: int) -> Operation:
        """Service and operation of a span."""
        return self.spans[place].service, self.spans[place].operation

    def visits(self) -> Iterator[int]:
        """The spans by which requests enter services."""
        return (place for place, entry in enumerate(self.entries) if place == entry)

    def calls(self) -> Iterator[tuple[int, int]]:
        """Caller's span and entered span, for each visit whose caller is known."""
        return ((self.parents[entry], entry) for entry in self.visits() if self.parents[entry] >= 0)

    @cached_property
    def contexts(self) -> dict[int, Context]:
        """Visit → its context."""
        asked: dict[int, list[int]] = defaultdict(list)
        contexts: dict[int, Context] = {}
        for entry in self.visits():
            parent = self.parents[entry]
            if parent < 0:
                contexts[entry] = ROOT
                continue
            caller = self.entries[parent]
            before = frozenset(self.operation(other) for other in asked[caller])
            contexts[entry] = (self.operation(caller), before)
            asked[caller].append(entry)
        return contexts

    def _entries(self) -> list[int]:
        """For each span the one by which its request entered the service."""
        entries = [-1] * len(self.spans)
        for place in range(len(self.spans)):
            path: list[int] = []
            above = place
            while entries[above] < 0:
                path.append(above)
                parent = self.parents[above]
                if parent < 0 or self.spans[parent].service != self.spans[above].service or parent in path:
                    entries[above] = above
                    break
                above = parent
            for span in path:
                entries[span] = entries[above]
        return entries

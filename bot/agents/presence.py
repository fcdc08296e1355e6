"""How often something is present where it may be, in the window against before, context by context.

The Cochran-Mantel-Haenszel statistic: within each context the window's count is compared with what it would be if
window and baseline were alike; the differences are added over contexts and divided by their standard deviation. A
different mix of contexts changes nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Subject = TypeVar("Subject", bound=Hashable)
"""Where a feature may be present: an operation of a service."""
Feature = TypeVar("Feature", bound=Hashable)


@dataclass(frozen=True)
class Shift(Generic[Subject, Feature]):
    """A feature that is present more or less often than it was."""

    subject: Subject
    feature: Feature
    deviations: float
    """Standard deviations; positive: more often."""
    share: float
    """Part of the window's occasions with the feature."""
    usual: float
    occasions: int
    """In the window."""


class Presence(Generic[Subject, Feature]):
    """Counts occasions of both sides by subject and context."""

    def __init__(self) -> None:
        self._whole: dict[Subject, dict[Hashable, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
        self._having: dict[tuple[Subject, Feature], dict[Hashable, list[int]]] = defaultdict(
            lambda: defaultdict(lambda: [0, 0])
        )

    def add(self, subject: Subject, context: Hashable, features: Iterable[Feature], *, window: bool) -> None:
        """One occasion, with the features that it has."""
        self._whole[subject][context][window] += 1
        for feature in features:
            self._having[subject, feature][context][window] += 1

    def shifts(self) -> Iterator[Shift[Subject, Feature]]:
        """Every feature whose presence changed at all."""
        for (subject, feature), having in self._having.items():
            whole = self._whole[subject]
            deviations = _mantel_haenszel([(whole[context], having.get(context, (0, 0))) for context in whole])
            if deviations:
                before, now = (sum(counts[side] for counts in whole.values()) for side in (0, 1))
                had, has = (sum(counts[side] for counts in having.values()) for side in (0, 1))
                yield Shift(subject, feature, deviations, has / now, had / before, now)


def _mantel_haenszel(strata: Iterable[tuple[Iterable[int], Iterable[int]]]) -> float:
    """The signed square root of the statistic; 0 where no stratum has both sides."""
    difference = variance = 0.0
    for (before, now), (had, has) in strata:
        total, present = before + now, had + has
        if before and now and total > 1:
            difference += has - now * present / total
            variance += before * now * present * (total - present) / (total * total * (total - 1))
    return difference / math.sqrt(variance) if variance > 0 else 0.0


def two_shares(part: int, whole: int, usual_part: int, usual_whole: int) -> float:
    """Two shares compared, in standard deviations of their pooled share."""
    pooled = (part + usual_part) / (whole + usual_whole)
    if not whole or not usual_whole or not 0 < pooled < 1:
        return 0.0
    return (part / whole - usual_part / usual_whole) / math.sqrt(pooled * (1 - pooled) * (1 / whole + 1 / usual_whole))

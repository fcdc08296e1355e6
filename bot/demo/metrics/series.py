"""What is kept: samples of the last hour, by series."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Labels = tuple[tuple[str, str], ...]
"""Sorted pairs of name and value; the metric's own name is `__name__`."""
NAME = "__name__"
LOOKBACK_MS = 300_000
KEPT_MS = 3_600_000


def labels_of(pairs: Mapping[str, str]) -> Labels:
    """Labels from a mapping; an empty value is no label."""
    return tuple(sorted((name, value) for name, value in pairs.items() if value))


def keep(labels: Labels, names: Iterable[str]) -> Labels:
    """Only these labels."""
    wanted = set(names)
    return tuple(pair for pair in labels if pair[0] in wanted)


def drop(labels: Labels, names: Iterable[str]) -> Labels:
    """All labels but these."""
    unwanted = set(names)
    return tuple(pair for pair in labels if pair[0] not in unwanted)


@dataclass(frozen=True)
class Matcher:
    """One condition on a label."""

    label: str
    operator: str
    value: str

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with these labels fits; a label that is not there is empty."""
        return self._test(labels.get(self.label, ""))

    @property
    def narrows(self) -> bool:
        """Whether it excludes a series without the label; a selector needs one that does."""
        return not self._test("")

    def _test(self, found: str) -> bool:
        if self.operator in {"=", "!="}:
            return (found == self.value) == (self.operator == "=")
        return (re.fullmatch(self.value, found) is not None) == (self.operator == "=~")


@dataclass
class Series:
    """Samples of one series, oldest first. None marks that the series ended there."""

    labels: Labels
    times: list[int] = field(default_factory=list)
    """Unix milliseconds."""
    values: list[float | None] = field(default_factory=list)

    def append(self, at_ms: int, value: float | None) -> None:
        """Add a sample; one that is not newer than the last is dropped, as Prometheus does."""
        if not self.times or at_ms > self.times[-1]:
            self.times.append(at_ms)
            self.values.append(value)

    def at(self, at_ms: int) -> tuple[int, float] | None:
        """The newest sample at that moment, unless it is too old or the series has ended."""
        place = bisect_right(self.times, at_ms) - 1
        if place < 0 or self.times[place] <= at_ms - LOOKBACK_MS:
            return None
        value = self.values[place]
        return None if value is None else (self.times[place], value)

    def between(self, start_ms: int, end_ms: int) -> tuple[list[int], list[float]]:
        """The samples after the start, up to and including the end."""
        first, last = bisect_right(self.times, start_ms), bisect_right(self.times, end_ms)
        kept = [(at, value) for at, value in zip(self.times[first:last], self.values[first:last], strict=True)
                if value is not None]  # fmt: skip
        return [at for at, _ in kept], [value for _, value in kept]

    def forget(self, before_ms: int) -> None:
        """Drop old samples."""
        place = bisect_left(self.times, before_ms)
        del self.times[:place], self.values[:place]


class Store:
    """All series in memory."""

    def __init__(self) -> None:
        self._series: dict[Labels, Series] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        """Metric name → its type, help and unit, as the targets state them."""

    def __iter__(self) -> Iterator[Series]:
        return iter(self._series.values())

    def add(self, labels: Labels, at_ms: int, value: float | None) -> None:
        """Keep one sample."""
        series = self._series.get(labels)
        if series is None:
            series = self._series[labels] = Series(labels)
        series.append(at_ms, value)

    def select(self, matchers: Sequence[Matcher]) -> list[Series]:
        """The series that fit all conditions."""
        fits: Callable[[Mapping[str, str]], bool] = lambda labels: all(one.holds(labels) for one in matchers)  # noqa: E731
        return [series for series in self if fits(dict(series.labels))]

    def forget(self, before_ms: int) -> None:
        """Drop old samples, and series that have none left."""
        for series in list(self):
            series.forget(before_ms)
            if not series.times:
                del self._series[series.labels]

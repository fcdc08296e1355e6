"""Which series a service has, and which questions they answer: by the catalogue, else by the usual labels."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.agents.scope import Scope
from bot.agents.signals import (
    CODE_LABELS,
    GRPC_LABELS,
    OUTCOME_LABELS,
    Shapes,
    Signal,
    host_matchers,
    host_signals,
    hosts_of,
    shapes_of,
    signals_of,
)
from bot.errors import SourceUnavailable
from bot.models import Window
from bot.telemetry.prometheus import MOST_SERIES, Prometheus
from bot.telemetry.promql import selector
from bot.telemetry.series import Answer

AT_ONCE = 8
"""Queries under way at a time."""
SERVICE_LABELS = ("service", "job", "app", "service_name", "app_kubernetes_io_name", "container")
TELLING_LABELS = tuple(dict.fromkeys((*CODE_LABELS, *GRPC_LABELS, *OUTCOME_LABELS)))
"""Of a service with too many series to list, those labels are asked for that tell failures from successes."""
DEFAULT_SCRAPE_S = 15.0


@dataclass(frozen=True)
class Questions:
    """What can be asked about one service."""

    signals: tuple[Signal, ...]
    rate_s: float
    """The length of rates' ranges: it holds at least four scrapes."""


class Discovery:
    """Asks a metrics server what it has; no more than a few questions are under way at a time.

    Args:
        note: hears what could not be seen whole.
    """

    def __init__(self, prometheus: Prometheus, scope: Scope, note: Callable[[str], None]) -> None:
        self.prometheus = prometheus
        self.scope = scope
        self._note = note
        self._slots = asyncio.Semaphore(AT_ONCE)

    @property
    def span(self) -> Window:
        """Baseline and window together."""
        return Window(start=self.scope.baseline.start, end=self.scope.window.end)

    async def questions(
        self, service: str, types: Awaitable[Mapping[str, str]] | None, step_s: float
    ) -> Questions | None:
        """Every question that the service's series, and those of its hosts, answer; None where it has no series.

        Raises:
            SourceUnavailable: the server did not answer.
            BadInput: a selector of the catalogue is none.
        """
        chosen, shapes = await self._shapes(service)
        if not shapes:
            return None
        rate_s = max(4 * await self._scrape_s(shapes, chosen), step_s)
        own = signals_of(service, shapes, chosen, await types if types else {})
        return Questions((*own, *await self._on_hosts(service, shapes)), float(math.ceil(rate_s)))

    async def now(self, promql: str, moment: Window | None = None) -> Answer:
        """The answer at the end of the window, or of another stretch.

        Raises:
            SourceUnavailable: as `Prometheus.query`.
        """
        async with self._slots:
            return await self.prometheus.query(promql, (moment or self.scope.window).end)

    async def over(self, promql: str, stretch: Window, step_s: float) -> Answer:
        """The answer over a stretch.

        Raises:
            SourceUnavailable: as `Prometheus.query_range`.
        """
        async with self._slots:
            return await self.prometheus.query_range(promql, stretch, step_s)

    async def listed(self, selectors: Sequence[str]) -> tuple[Mapping[str, str], ...]:
        """The label sets of the series that any of the selectors matches; of very many the first.

        Raises:
            SourceUnavailable: as `Prometheus.series`.
        """
        async with self._slots:
            listing = await self.prometheus.series(selectors, self.span)
        if not listing.whole:
            self._note(f"more than {MOST_SERIES:,} series fit {selectors[0]}: the first of them were looked at")
        return listing.label_sets

    async def types(self) -> Mapping[str, str]:
        """Metric family → type; a server that does not keep them leaves the names to tell."""
        try:
            async with self._slots:
                return await self.prometheus.metric_types()
        except SourceUnavailable:
            return {}

    async def _shapes(self, service: str) -> tuple[Mapping[str, str], Shapes]:
        """The matchers that choose the service's series, and these series."""
        entry = self.scope.catalog.services.get(service)
        if entry and entry.selectors:
            choices: list[Mapping[str, str]] = [entry.selectors]
        else:
            names = (service, *(entry.aliases if entry else ()))
            choices = [{label: name} for name in names for label in SERVICE_LABELS]
        if await self._count(" or ".join(selector(None, choice) for choice in choices)) > MOST_SERIES:
            return await self._condensed(service, choices)
        found = await self.listed([selector(None, choice) for choice in choices])
        counted = [(sum(choice.items() <= labels.items() for labels in found), choice) for choice in choices]
        _, best = max(counted, key=lambda pair: pair[0])
        return best, shapes_of(labels for labels in found if best.items() <= labels.items())

    async def _condensed(self, service: str, choices: Sequence[Mapping[str, str]]) -> tuple[Mapping[str, str], Shapes]:
        """The series by name and by the labels that tell failures: of a hundred thousand a few hundred are left."""
        counts = await asyncio.gather(*(self._count(selector(None, choice)) for choice in choices))
        most = max(counts)
        best = choices[counts.index(most)]
        self._note(f"{service} has {most:,} series: only labels that are known to tell failures were looked at")
        asked = f"count by (__name__, {', '.join(TELLING_LABELS)}) ({selector(None, best)})"
        answers = [await self.now(asked, stretch) for stretch in (self.scope.window, self.scope.baseline)]
        return best, shapes_of(series.labels for answer in answers for series in answer.series[:MOST_SERIES])

    async def _count(self, promql: str) -> int:
        answer = await self.now(f"count({promql})")
        return int(answer.single.last or 0) if answer.single else 0

    async def _on_hosts(self, service: str, shapes: Shapes) -> tuple[Signal, ...]:
        """What the exporters on the service's hosts tell; nothing where there are none."""
        hosts = hosts_of(shapes)
        if not hosts:
            return ()
        chosen = selector(None, {}, '__name__=~"node_.*"', host_matchers(hosts))
        answer = await self.now(f"count by (__name__) ({chosen})")
        return host_signals(service, [series.labels.get("__name__", "") for series in answer.series], hosts)

    async def _scrape_s(self, shapes: Shapes, chosen: Mapping[str, str]) -> float:
        """The distance of raw samples, seen on the metric with the fewest series."""
        fewest = "up" if "up" in shapes else min(shapes, key=lambda name: len(shapes[name]))
        look_s = min(300, math.ceil(self.span.seconds))
        answer = await self.now(f"{selector(fewest, chosen)}[{look_s}s]", self.span)
        gaps = [float(np.median(np.diff(series.times))) for series in answer.series if series.times.size > 1]
        return max(1.0, min(gaps)) if gaps else DEFAULT_SCRAPE_S

"""Reads /metrics pages, again and again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from bot.demo.metrics.series import KEPT_MS, NAME, Labels, Store, labels_of

TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Target:
    """One page."""

    job: str
    url: str

    @property
    def labels(self) -> dict[str, str]:
        """What every series of the page gets."""
        return {"job": self.job, "instance": self.url.split("/")[2]}


class Scraper:
    """Fills a store from its targets."""

    def __init__(self, store: Store, targets: tuple[Target, ...], *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._targets = targets
        self._clock = clock
        self._seen: dict[Target, set[Labels]] = {}

    async def run(self, interval_s: float) -> None:
        """Scrape until cancelled."""
        timeout = aiohttp.ClientTimeout(total=min(TIMEOUT_S, 5 * interval_s))
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                started = time.monotonic()
                await asyncio.gather(*(self._scrape(session, target) for target in self._targets))
                self._store.forget(int(self._clock() * 1000) - KEPT_MS)
                await asyncio.sleep(max(0.0, interval_s - (time.monotonic() - started)))

    async def _scrape(self, session: aiohttp.ClientSession, target: Target) -> None:
        at_ms, started = int(self._clock() * 1000), time.monotonic()
        try:
            async with session.get(target.url) as answer:
                answer.raise_for_status()
                page = await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            page = None
        up = {} if page is None else self.read(page, target)
        meta: Mapping[str, float] = {
            "up": float(page is not None),
            "scrape_duration_seconds": time.monotonic() - started,
        }
        self._keep(
            target, at_ms, up | {labels_of({NAME: name, **target.labels}): value for name, value in meta.items()}
        )

    def read(self, page: str, target: Target) -> dict[Labels, float]:
        """The samples of a page; what it says about its metrics goes to the store's metadata."""
        found: dict[Labels, float] = {}
        for family in text_string_to_metric_families(page):
            named = family.name + "_total" if family.type == "counter" else family.name
            self._store.metadata[named] = {"type": family.type, "help": family.documentation, "unit": family.unit}
            for sample in family.samples:
                found[labels_of({**sample.labels, **target.labels, NAME: sample.name})] = float(sample.value)
        return found

    def _keep(self, target: Target, at_ms: int, samples: dict[Labels, float]) -> None:
        for labels in self._seen.get(target, set()) - samples.keys():
            self._store.add(labels, at_ms, None)
        for labels, value in samples.items():
            self._store.add(labels, at_ms, value)
        self._seen[target] = set(samples)

"""A made-up system and what befalls it: as a Prometheus has scraped it, and as a recorded case holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from bot.catalog import Catalog, Service
from bot.models import Window
from bot.telemetry.recorded import Case, open_case
from bot.telemetry.series import Floats
from tests.recorded import ALERT, stretch, write_table, write_topology
from tests.servers.prometheus import History

END = datetime(2025, 3, 12, 3, 22, tzinfo=UTC)
WINDOW = Window(start=END - timedelta(minutes=15), end=END)
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
ONSET = END - timedelta(minutes=9)
BEGAN = END - timedelta(minutes=6)
"""When the alert says that it began."""
SCRAPE_S, A_MINUTE = 15, 4
CALLS = (("web", "cart"), ("web", "pay"), ("web", "search"), ("pay", "bank"), ("pay", "fraud"), ("cart", "stock"))
SERVICES = ("web", "cart", "pay", "search", "bank", "fraud", "stock")
BUCKETS_S = tuple(0.01 * 1.4**place for place in range(24))
P95 = float(-np.log(0.05))
"""Of exponentially distributed times, in means."""
CATALOG = Catalog(services={name: Service(depends_on=tuple(to for by, to in CALLS if by == name)) for name in SERVICES})
EVENT = {**ALERT["alerts"][0], "startsAt": BEGAN.isoformat()}


@dataclass(frozen=True)
class Fault:
    """What differs from the onset on; services that are not named are as ever."""

    delay_s: Mapping[str, float] = field(default_factory=dict)
    """Added to the mean time of a request."""
    failing: Mapping[str, float] = field(default_factory=dict)
    """The share of requests that fail."""
    cores: Mapping[str, float] = field(default_factory=dict)
    """Added to the use of processors."""
    gone: frozenset[str] = frozenset()
    """Services that answer nobody, not even who collects their samples."""


@dataclass(frozen=True)
class Kept:
    """One service at each scrape."""

    requests: Floats
    """Per second."""
    failing: Floats
    """Failed requests since the last scrape."""
    mean_s: Floats
    cores: Floats
    there: Floats
    """1 where it answers, else 0."""


class MadeUp:
    """The system with this fault, the same every time.

    Args:
        restless: service → how much its times vary by themselves, as a part of them.
        before: the same fault was there in this stretch as well.
    """

    def __init__(
        self, fault: Fault, *, restless: Mapping[str, float] | None = None, before: Window | None = None, seed: int = 1
    ) -> None:
        first = (BASELINE.start - timedelta(minutes=3)).timestamp()
        self.times = np.arange(first, END.timestamp() + 1, SCRAPE_S)
        again = (self.times >= before.start.timestamp()) & (self.times < before.end.timestamp()) if before else False
        self._late = ((self.times >= ONSET.timestamp()) | again).astype(np.float64)
        chance = np.random.default_rng(seed)
        self.kept = {name: self._service(name, fault, (restless or {}).get(name, 0.03), chance) for name in SERVICES}

    def history(self) -> History:
        """What Prometheus has scraped."""
        found = History()
        for name, kept in self.kept.items():
            job, there = f'job="{name}"', kept.there
            came = np.cumsum(kept.requests * SCRAPE_S)
            failed = np.cumsum(kept.failing)
            self._put(found, f'http_requests_total{{{job},code="200"}}', came - failed, there)
            self._put(found, f'http_requests_total{{{job},code="500"}}', failed, there)
            for upto_s in (*BUCKETS_S, np.inf):
                within = np.cumsum(kept.requests * SCRAPE_S * (1 - np.exp(-upto_s / kept.mean_s)))
                upto = "+Inf" if upto_s == np.inf else f"{upto_s:.4f}"
                self._put(found, f'http_request_duration_seconds_bucket{{{job},le="{upto}"}}', within, there)
            self._put(found, f"process_cpu_seconds_total{{{job}}}", np.cumsum(kept.cores * SCRAPE_S), there)
            self._put(found, f"up{{{job}}}", kept.there, np.ones_like(there))
        return found

    def case(self, folder: Path) -> Case:
        """What was recorded once a minute."""
        folder.mkdir(parents=True, exist_ok=True)
        alert = {**ALERT, "alerts": [EVENT]}
        told = {"id": "madeup", "alert": alert, "window": stretch((WINDOW.start, WINDOW.end)),
                "baselines": [stretch((BASELINE.start, BASELINE.end))]}  # fmt: skip
        (folder / "case.json").write_text(json.dumps(told))
        write_topology(folder, *CALLS)
        write_table(folder / "metrics.csv.gz", ("time", "service", "metric", "value"), self._rows())
        return open_case(folder)

    def _service(self, name: str, fault: Fault, restless: float, chance: np.random.Generator) -> Kept:
        size, late = self.times.size, self._late
        requests = 20.0 * (1 + 0.03 * chance.standard_normal(size))
        mean_s = 0.08 * (1 + restless * chance.standard_normal(size)) + fault.delay_s.get(name, 0.0) * late
        share = 0.002 + fault.failing.get(name, 0.0) * late
        return Kept(
            requests=requests,
            failing=chance.poisson(requests * SCRAPE_S * share).astype(np.float64),
            mean_s=np.maximum(mean_s, 0.01),
            cores=0.4 * (1 + 0.05 * chance.standard_normal(size)) + fault.cores.get(name, 0.0) * late,
            there=1.0 - late * (name in fault.gone),
        )

    def _put(self, history: History, series: str, values: Floats, there: Floats) -> None:
        history.samples[series] = [
            (float(at), float(value)) for at, value, seen in zip(self.times, values, there, strict=True) if seen > 0
        ]

    def _rows(self) -> Iterator[Sequence[object]]:
        for name, kept in self.kept.items():
            for start in range(0, self.times.size - A_MINUTE, A_MINUTE):
                minute = slice(start, start + A_MINUTE)
                if not kept.there[minute].all():
                    continue
                moment = datetime.fromtimestamp(self.times[minute][-1], UTC).isoformat()
                requests = float(kept.requests[minute].mean())
                failed = float(kept.failing[minute].sum()) / (requests * SCRAPE_S * A_MINUTE)
                yield moment, name, "requests_per_second", requests
                yield moment, name, "error_ratio", failed
                yield moment, name, "latency_p95_seconds", P95 * float(kept.mean_s[minute].mean())
                yield moment, name, "cpu_usage", float(kept.cores[minute].mean())

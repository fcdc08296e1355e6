"""Whether a live triage measures as the bench of recordings does: `python -m tests.bench.live [--incidents N]`.

A made-up system of seven services, with slow swings of which a part is shared, and with requests that come by chance,
suffers N random incidents and has as many stretches without any. Each is scraped by a real Prometheus and recorded once
a minute, and the first cause of either is compared with the one that was made. The baseline, in the same run, are the
answers of the same Prometheus told with scores alone, each service by itself. Printed are the shares that are right,
Brier scores, how far the confidences are apart where the same cause is named, and the seconds of a look.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bot.agents.commander import rank
from bot.agents.metrics import metrics_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.diagnosis import diagnose, scope_of
from bot.models import Hypothesis
from bot.telemetry.prometheus import Prometheus
from bot.telemetry.series import Floats
from tests.bench.tables import table
from tests.madeup import CATALOG, SCRAPE_S, SERVICES, Fault, Kept, MadeUp
from tests.servers.prometheus import prometheus_server

HEALTHY = "healthy"
TRAFFIC: Mapping[str, float] = {
    "web": 2.0,
    "cart": 0.75,
    "pay": 0.4,
    "search": 1.0,
    "bank": 0.4,
    "fraud": 0.4,
    "stock": 0.75,
}
"""Of the made-up requests a second."""
KINDS = ("slow", "failing", "busy", "gone")
WAYS = ("recorded", "live", "told")


class Restless(MadeUp):
    """The system on a day like any other: all swings slowly, a part of it together, and requests come by chance."""

    def __init__(self, fault: Fault, seed: int, traffic: float) -> None:
        self._traffic = traffic
        self._shared: Floats | None = None
        super().__init__(fault, seed=seed)

    def _service(self, name: str, fault: Fault, restless: float, chance: np.random.Generator) -> Kept:
        calm = super()._service(name, fault, restless, chance)
        if self._shared is None:
            self._shared = swings(chance, self.times.size, 0.99)
        slowly = [swings(chance, self.times.size, 0.97) for _ in range(3)]
        expected = calm.requests * TRAFFIC[name] * self._traffic * np.exp(0.1 * self._shared + 0.05 * slowly[0])
        came = chance.poisson(expected * SCRAPE_S)
        share = np.clip(0.002 + fault.failing.get(name, 0.0) * self._late, 0.0, 1.0)
        return replace(
            calm,
            requests=came / SCRAPE_S + 1e-9,
            failing=chance.binomial(came, share).astype(np.float64),
            mean_s=calm.mean_s * np.exp(0.15 * slowly[1] + 0.05 * self._shared),
            cores=calm.cores * np.exp(0.1 * self._shared + 0.1 * slowly[2]),
        )


@dataclass(frozen=True)
class Judged:
    """One stretch, and what each way names first, and how surely."""

    truth: str
    first: Mapping[str, tuple[str, float]]
    seconds: float


def swings(chance: np.random.Generator, size: int, memory: float) -> Floats:
    """Noise of variance 1 that remembers what it was."""
    steps = chance.standard_normal(size) * np.sqrt(1 - memory**2)
    found = np.empty(size)
    level = float(chance.standard_normal())
    for place, step in enumerate(steps):
        found[place] = level = memory * level + step
    return found


def incident(seed: int) -> tuple[str, Fault]:
    """Who is at fault, and how it and those who stand on it fare."""
    chance = np.random.default_rng(seed)
    who, kind = str(chance.choice(SERVICES[1:])), str(chance.choice(KINDS))
    path = (who, *CATALOG.dependants(who))
    if kind == "slow":
        delay_s = chance.uniform(0.1, 0.5)
        return who, Fault(delay_s={name: delay_s * chance.uniform(0.8, 1.0) for name in path})
    if kind == "failing":
        share = chance.uniform(0.1, 0.5)
        return who, Fault(failing={name: share * 0.7**place for place, name in enumerate(path)})
    if kind == "busy":
        delay_s = chance.uniform(0.03, 0.15)
        return who, Fault(cores={who: chance.uniform(0.3, 1.0)}, delay_s=dict.fromkeys(path, delay_s))
    return who, Fault(gone=frozenset({who}), failing={name: 0.5 * 0.6**place for place, name in enumerate(path[1:])})


async def judged(truth: str, made: MadeUp) -> Judged:
    """The same stretch seen in all ways."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        case = made.case(folder / "case")
        recorded = (await diagnose(case)).hypotheses
        made.history().load_into(folder / "prometheus")
        with prometheus_server(folder / "prometheus", {}) as url:
            async with Prometheus(url) as prometheus:
                tools, scope = Toolbox(metrics_tools(prometheus)), replace(scope_of(case), service="web")
                report = await tools.use("metrics.look", {}, scope)
                told = await _told(tools, scope)
    live = rank(report.findings, report.gaps, CATALOG)
    ways = zip(WAYS, (recorded, live, told), strict=True)
    return Judged(truth, {way: _first(hypotheses) for way, hypotheses in ways}, report.seconds)


async def _told(tools: Toolbox, scope: Scope) -> Sequence[Hypothesis]:
    alone = [{"service": name, "dependencies": False} for name in SERVICES]
    reports = [await tools.use("metrics.golden_signals", asked, scope) for asked in alone]
    return rank([finding for one in reports for finding in one.findings], (), CATALOG)


def _first(hypotheses: Sequence[Hypothesis]) -> tuple[str, float]:
    return hypotheses[0].service or hypotheses[0].kind, hypotheses[0].confidence


def right(judged: Sequence[Judged], way: str) -> str:
    """The share that is right."""
    return f"{statistics.mean(one.first[way][0] == one.truth for one in judged):.2f}"


def brier(judged: Sequence[Judged], way: str) -> str:
    """The mean square of how far the confidence is from being right."""
    return f"{statistics.mean((one.first[way][1] - (one.first[way][0] == one.truth)) ** 2 for one in judged):.3f}"


async def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--incidents", type=int, default=40)
    parser.add_argument("--traffic", type=float, default=1.0, help="of 8 to 40 requests a second of each service")
    given = parser.parse_args()
    seeds = range(given.incidents)
    bad = [await judged(who, Restless(fault, seed, given.traffic)) for seed in seeds for who, fault in [incident(seed)]]
    good = [await judged(HEALTHY, Restless(Fault(), seed + 1000, given.traffic)) for seed in seeds]
    rows = [(way, right(bad, way), brier(bad, way), right(good, way)) for way in WAYS]
    table(("", "right cause first", "Brier", "healthy said of a healthy hour"), rows)
    alike = [one.first for one in bad if one.first["recorded"][0] == one.first["live"][0]]
    apart = statistics.mean(abs(first["recorded"][1] - first["live"][1]) for first in alike)
    print(f"{len(alike)} of {len(bad)} incidents name the same cause live and recorded, {apart:.3f} apart on average.")
    seconds = sorted(one.seconds for one in [*bad, *good])
    print(f"A look takes {statistics.median(seconds):.2f} s, at most {seconds[-1]:.2f} s.")


if __name__ == "__main__":
    asyncio.run(main())

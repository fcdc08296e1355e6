"""What is measured is what runs: a triage that asks a Prometheus ranks as the diagnosis of a recording of the same."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.agents.changes import changes_tools
from bot.agents.commander import rank
from bot.agents.database import database_tools
from bot.agents.logs import logs_tools
from bot.agents.metrics import metrics_tools
from bot.agents.requests import request_tools
from bot.agents.tools import Toolbox
from bot.agents.traces import traces_tools
from bot.alerts import alertmanager
from bot.canvas import parse
from bot.diagnosis import diagnose, scope_of
from bot.models import Finding, Hypothesis, Incident, Window
from bot.settings import Settings
from bot.telemetry.prometheus import Prometheus
from bot.work.world import Rooms
from tests.integration.work.night import Night, night_as
from tests.madeup import BASELINE, CATALOG, END, EVENT, ONSET, WINDOW, Fault, MadeUp
from tests.recorded import ALERT
from tests.servers.prometheus import prometheus_server

GENERAL = parse(Path("playbooks/general-triage.md").read_text(encoding="utf-8"))
CLOSE = 0.1
SLOW = Fault(delay_s={"bank": 0.3, "pay": 0.3, "web": 0.3})
FAILING = Fault(failing={"bank": 0.4, "pay": 0.3, "web": 0.15})
BUSY = Fault(cores={"cart": 0.8}, delay_s={"cart": 0.1, "web": 0.05})
GONE = Fault(gone=frozenset({"bank"}), failing={"pay": 0.5, "web": 0.3})


class Tonight(Night):
    """A night at whose end the alert comes."""

    def _rooms(self) -> Rooms:
        lengths = {"window_s": WINDOW.seconds, "baseline_s": BASELINE.seconds}
        return replace(super()._rooms(), clock=lambda: END, settings=Settings.model_validate({"triage": lengths}))


@dataclass(frozen=True)
class Both:
    """The same incident as it was recorded and as it was lived."""

    recorded: tuple[Hypothesis, ...]
    lived: Incident

    @property
    def first(self) -> tuple[Hypothesis, Hypothesis]:
        """What each names first."""
        return self.recorded[0], self.lived.hypotheses[0]

    def of_metrics(self, service: str) -> list[Finding]:
        """What the live metrics agent found out about a service and thinks worth telling."""
        found = (one for one in self.lived.findings if one.agent == "metrics" and one.score > 0)
        return [finding for finding in found if finding.service == service]


async def both(made: MadeUp, folder: Path, redis_url: str) -> Both:
    recorded = await diagnose(made.case(folder / "case"))
    made.history().load_into(folder / "prometheus")
    with prometheus_server(folder / "prometheus", {}) as url:
        async with tonight(url, redis_url) as night:
            (alert,) = alertmanager.parse({**ALERT, "alerts": [EVENT]})
            return Both(recorded.hypotheses, await night.triage(GENERAL, alert))


@asynccontextmanager
async def tonight(url: str, redis_url: str) -> AsyncIterator[Night]:
    async with Prometheus(url) as prometheus, night_as(Tonight, redis_url, None) as night:
        night.catalog = CATALOG
        others = (*logs_tools(()), *request_tools((), ()), *traces_tools(()), *database_tools({}), *changes_tools(()))
        night.toolbox = Toolbox((*metrics_tools(prometheus), *others))
        yield night


@pytest.mark.parametrize(
    ("fault", "service", "kind"),
    [(SLOW, "bank", "latency"), (FAILING, "bank", "errors"), (BUSY, "cart", "cpu")],
    ids=["slow", "failing", "busy"],
)
async def test_the_same_cause_is_named_live_and_from_a_recording_and_with_the_same_confidence(
    fault: Fault, service: str, kind: str, tmp_path: Path, redis_url: str
) -> None:
    recorded, lived = (await both(MadeUp(fault), tmp_path, redis_url)).first
    assert (recorded.service, recorded.kind) == (lived.service, lived.kind) == (service, kind)
    assert lived.confidence == pytest.approx(recorded.confidence, abs=CLOSE)
    assert lived.confidence > 0.7


async def test_the_callee_is_named_though_the_front_door_deviates_most(tmp_path: Path, redis_url: str) -> None:
    """The bank's own times vary by a third at any time, so that it is less far out than whoever waits for it."""
    seen = await both(MadeUp(SLOW, restless={"bank": 0.3}), tmp_path, redis_url)
    (bank,) = seen.of_metrics("bank")
    felt = max(finding.facts.get("felt_deviations", 0.0) for finding in seen.lived.findings)
    assert felt > 3 * abs(bank.deviations or 0.0)
    recorded, lived = seen.first
    assert recorded.service == lived.service == "bank"
    assert lived.confidence == pytest.approx(recorded.confidence, abs=CLOSE)


async def test_what_is_measured_live_can_be_asked_again_and_says_when_it_began(tmp_path: Path, redis_url: str) -> None:
    seen = await both(MadeUp(SLOW), tmp_path, redis_url)
    (bank,) = seen.of_metrics("bank")
    assert bank.title.startswith("HTTP request duration p95 rose from ")
    assert bank.title.endswith(f" at {ONSET:%H:%M} UTC (bank)")
    (fact,) = bank.evidence
    assert fact.query is not None
    assert fact.query.startswith("histogram_quantile(0.95, ")
    assert fact.url is not None
    assert fact.unit == "s"


async def test_a_service_that_is_gone_is_named_and_not_those_who_ask_it_in_vain(tmp_path: Path, redis_url: str) -> None:
    seen = await both(MadeUp(GONE), tmp_path, redis_url)
    for best in seen.first:
        assert (best.service, best.kind) == ("bank", "outage")
        assert best.confidence > 0.85


async def test_what_fires_again_within_the_hour_is_no_more_normal_than_the_first_time(
    tmp_path: Path, redis_url: str
) -> None:
    before = Window(start=ONSET - timedelta(minutes=40), end=ONSET - timedelta(minutes=28))
    best = (await both(MadeUp(SLOW, before=before), tmp_path, redis_url)).lived.hypotheses[0]
    assert (best.service, best.kind) == ("bank", "latency")
    assert best.confidence > 0.6


@pytest.mark.parametrize("restless", [{}, {"bank": 0.3, "web": 0.1}], ids=["calm", "restless"])
async def test_a_healthy_hour_is_called_healthy_live_as_well(restless: dict[str, float], tmp_path: Path) -> None:
    """As far as metrics tell; with other sources that nobody asked, a triage says that it cannot know."""
    made = MadeUp(Fault(), restless=restless)
    case = made.case(tmp_path / "case")
    made.history().load_into(tmp_path / "prometheus")
    with prometheus_server(tmp_path / "prometheus", {}) as url:
        async with Prometheus(url) as prometheus:
            scope = replace(scope_of(case), service="web")
            report = await Toolbox(metrics_tools(prometheus)).use("metrics.look", {}, scope)
    assert report.gaps == ()
    best = rank(report.findings, report.gaps, CATALOG)[0]
    assert (best.kind, best.confidence) == ("healthy", (await diagnose(case)).hypotheses[0].confidence)

"""The metrics agent: golden signals of a service and of what it stands on, against their own normal."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal, Protocol

import structlog
from pydantic import Field, model_validator

from bot.agents.answered import Answered, answered
from bot.agents.capacity import (
    FORECAST_FACTS,
    SATURATION_FACTS,
    CapacityAgent,
    Forecasting,
    PrometheusItems,
    Saturation,
    name_items,
)
from bot.agents.edges import FACTS as EDGE_FACTS
from bot.agents.edges import Seen, edge_findings, read_edges
from bot.agents.exporters import SignalKind
from bot.agents.looks import Look
from bot.agents.metrics_findings import FACT_NAMES, findings_of, foretold
from bot.agents.pictures import pictures
from bot.agents.scope import Scope
from bot.agents.seasons import weigh_by_season
from bot.agents.survey import Survey
from bot.agents.tools import Parameters, Tool
from bot.models import Chart, Gap, Report, Window
from bot.models.base import as_utc
from bot.telemetry.prometheus import Prometheus

log = structlog.get_logger(__name__)

QUESTIONS_SHARE = 0.65
"""The part of the deadline in which questions about the incident are asked …"""
SEASONS_SHARE = 0.15
"""… about earlier days …"""
NAMES_SHARE = 0.05
"""… and which disk it is; the rest is for the picture."""
NO_PROMETHEUS = "no Prometheus configured: set NIGHTDESK_PROMETHEUS_URL"

SignalName = Literal["error_ratio", "latency_p95_s", "traffic_rps", "saturation", "up_ratio"]

FACTS: Mapping[str, str] = {
    "error_ratio": "failing part of the service's calls at its worst in the window, 0 to 1",
    "latency_p95_s": "95th percentile of the service's durations at its worst, seconds",
    "traffic_rps": "the service's calls a second where they differ most from normal",
    "saturation": "how full the service's fullest pool or queue is: 0 to 1, or a count where no capacity is known",
    "up_ratio": "part of the service's instances that answer scrapes, 0 to 1",
    **{f"{name}_baseline": f"normal level of {name}" for name in FACT_NAMES.values()},
    **{f"{name}_now": f"{name} at the end of the window" for name in FACT_NAMES.values()},
    **{f"dependency_{name}": f"{name} of the dependency that deviates most in it" for name in FACT_NAMES.values()},
    "worst_service": "catalogue name of the service that deviates most",
    "worst_kind": "kind of its finding: error_rate, latency, cpu, memory, saturation, silence, traffic_drop, …",
    "worst_score": "its score, 0 to 1",
    "full_in_s": "seconds until something that fills steadily is full, where that is within hours",
    "full_what": "what that is, in words",
    **EDGE_FACTS,
}


VALUE_FACTS: Mapping[str, str] = {
    **FACTS,
    "value": "the signal at its most extreme sustained level in the window",
    "value_now": "the signal at the end of the window",
    "value_baseline": "its normal level",
    "deviates": "whether it left its normal variation",
}


class GoldenSignals(Parameters):
    """Which service."""

    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")
    dependencies: bool = Field(default=True, description="look at what the service stands on, too")


class NamedQuery(Parameters):
    """One named signal of one service."""

    signal: SignalName
    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")


class Compare(NamedQuery):
    """One named signal against the same time earlier, or against a stretch that is known to have been good."""

    against: Literal["yesterday", "last week", "known good"] = "yesterday"
    good_from: datetime | None = Field(default=None, description="known good: its start, ISO 8601")
    good_until: datetime | None = Field(default=None, description="known good: its end")

    @model_validator(mode="after")
    def _whole(self) -> Compare:
        good = (self.good_from, self.good_until)
        if (self.against == "known good") != all(good) or any(good) != all(good):
            raise ValueError("good_from and good_until belong to against: known good, both of them")
        if self.good_from and self.good_until and as_utc(self.good_from) >= as_utc(self.good_until):
            raise ValueError("good_from must be before good_until")
        return self

    def stretch(self, window: Window) -> Window:
        """The baseline."""
        if self.good_from and self.good_until:
            return Window(start=self.good_from, end=self.good_until)
        back = timedelta(days=1 if self.against == "yesterday" else 7)
        around = timedelta(seconds=window.seconds)
        return Window(start=window.start - back - around, end=window.end - back + around)


class Edges(Parameters):
    """Which service's calls."""

    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")


class SignalsAgent(Protocol):
    """Looks at golden signals, wherever their figures come from."""

    async def look(self, _: Look, scope: Scope) -> Report:
        """Everything that matters to the incident."""

    async def golden_signals(self, asked: GoldenSignals, scope: Scope) -> Report:
        """All signals of one service."""

    async def query(self, asked: NamedQuery, scope: Scope) -> Report:
        """One signal."""

    async def compare(self, asked: Compare, scope: Scope) -> Report:
        """One signal against another time."""

    async def edges(self, asked: Edges, scope: Scope) -> Report:
        """Calls between services."""


def metrics_tools(prometheus: Prometheus | None, *, traced: bool = False) -> tuple[Tool, ...]:
    """The agent's tools; without a Prometheus each of them answers with that gap. `traced`: spans tell of calls."""
    return signal_tools(MetricsAgent(prometheus, traced=traced), CapacityAgent(PrometheusItems(prometheus)), FACTS)


def signal_tools(agent: SignalsAgent, capacity: CapacityAgent, look_facts: Mapping[str, str]) -> tuple[Tool, ...]:
    """What can be asked about metrics, whoever answers it."""
    return (
        Tool("metrics.look", "metrics", "Golden signals of the service and of everything that it stands on.",
             Look, look_facts, agent.look),
        Tool("metrics.golden_signals", "metrics", "Traffic, errors, latency and saturation of a service.",
             GoldenSignals, FACTS, agent.golden_signals),
        Tool("metrics.query", "metrics", "One named signal of a service, against its baseline.",
             NamedQuery, VALUE_FACTS, agent.query),
        Tool("metrics.compare", "metrics", "One named signal of a service, against the same time earlier.",
             Compare, VALUE_FACTS, agent.compare),
        Tool("metrics.edges", "metrics", "Calls of a service to and from others: errors, latency, traffic of each.",
             Edges, EDGE_FACTS, agent.edges),
        Tool("metrics.saturation", "metrics", "How full CPU, memory, disks, connections, … are, each item by itself.",
             Saturation, SATURATION_FACTS, capacity.saturation),
        Tool("metrics.forecast", "metrics", "What fills steadily and when it is full; certificates that run out.",
             Forecasting, FORECAST_FACTS, capacity.forecast),
    )  # fmt: skip


class MetricsAgent:
    """Looks through one Prometheus."""

    def __init__(self, prometheus: Prometheus | None, *, traced: bool) -> None:
        self._prometheus = prometheus
        self._traced = traced

    async def look(self, _: Look, scope: Scope) -> Report:
        """The incident's service and its dependencies."""
        return await self.golden_signals(GoldenSignals(), scope)

    async def golden_signals(self, asked: GoldenSignals, scope: Scope) -> Report:
        """A service, and with it its dependencies."""
        service = _service(asked.service, scope)
        if service is None:
            return _nothing(_unknown(asked.service))
        if not asked.dependencies:
            return await self._report(service, (service,), scope)
        services = (service, *scope.catalog.dependencies(service))
        return await self._report(service, services, scope, whole=True)

    async def query(self, asked: NamedQuery, scope: Scope) -> Report:
        """One signal."""
        service = _service(asked.service, scope)
        if service is None:
            return _nothing(_unknown(asked.service))
        kind = next(kind for kind, name in FACT_NAMES.items() if name == asked.signal)
        return with_value(await self._report(service, (service,), scope, kinds=(kind,)), asked.signal)

    async def compare(self, asked: Compare, scope: Scope) -> Report:
        """One signal, the baseline being the time of the window a day or a week ago, or a stretch that is named."""
        earlier = against(scope, asked.stretch(scope.window))
        return await self.query(NamedQuery(signal=asked.signal, service=asked.service), earlier)

    async def edges(self, asked: Edges, scope: Scope) -> Report:
        """Calls of one service to and from others."""
        service = _service(asked.service, scope)
        if service is None or self._prometheus is None:
            return _nothing(_unknown(asked.service) if service is None else NO_PROMETHEUS)
        survey = Survey(self._prometheus, scope)
        seen = await _edges_in_time(survey, service, scope.deadline_s * QUESTIONS_SHARE)
        findings = edge_findings(survey, seen, service)
        if not seen:
            survey.note(f"no metric counts calls of {service} by caller and callee: see docs/metrics.md")
        return Report(agent="metrics", findings=findings, gaps=tuple(survey.gaps))

    async def _report(
        self,
        service: str,
        services: Sequence[str],
        scope: Scope,
        kinds: Collection[SignalKind] | None = None,
        *,
        whole: bool = False,
    ) -> Report:
        """What is seen; measured where the `whole` of what the service stands on is, as one explains the other."""
        if self._prometheus is None:
            return _nothing(NO_PROMETHEUS)
        clock_now = asyncio.get_running_loop().time
        began = clock_now()
        survey = Survey(self._prometheus, scope, kinds)
        seen, _ = await asyncio.gather(
            _edges_in_time(survey, service, scope.deadline_s * QUESTIONS_SHARE) if kinds is None else _no_edges(),
            survey.of(services, scope.deadline_s * QUESTIONS_SHARE),
        )
        if kinds is None:
            await weigh_by_season(survey, service, scope.deadline_s * SEASONS_SHARE)
            survey.readings[:] = await asyncio.to_thread(foretold, survey.readings)
            await name_items(survey, scope.deadline_s * NAMES_SHARE)
        found = await asyncio.to_thread(self._found, survey, seen, service, whole=whole)
        gaps = [*survey.gaps, *_unasked(survey, service)]
        charts: tuple[Chart, ...] = ()
        try:
            async with asyncio.timeout(scope.deadline_s * 0.95 - (clock_now() - began)):
                charts = await pictures(survey, found.readings)
        except TimeoutError:
            # No gap: nothing that was asked is left unanswered.
            log.info("metrics.no_chart", incident=scope.incident_id, service=service)
        return Report(
            agent="metrics", findings=found.findings, gaps=tuple(gaps), charts=charts, seconds=clock_now() - began
        )

    def _found(self, survey: Survey, seen: Sequence[Seen], service: str, *, whole: bool) -> Answered:
        if whole:
            return answered(survey, seen, service, traced=self._traced)
        readings = (*survey.readings, *(reading for one in seen for reading in one.readings))
        return Answered((*findings_of(survey, service), *edge_findings(survey, seen, service)), readings)


async def _edges_in_time(survey: Survey, service: str, within_s: float) -> list[Seen]:
    try:
        async with asyncio.timeout(within_s):
            return await read_edges(survey, service)
    except TimeoutError:
        survey.note(f"calls of {service} were not answered within {within_s:.1f} s")
        return []


async def _no_edges() -> list[Seen]:
    return []


def _service(named: str | None, scope: Scope) -> str | None:
    return (scope.catalog.resolve(named) if named else scope.service) or None


def _unknown(named: str | None) -> str:
    return f"'{named}' is not in the service catalogue" if named else "the alert names no service of the catalogue"


def _nothing(reason: str) -> Report:
    return Report(agent="metrics", gaps=(Gap(source="prometheus", reason=reason),))


def against(scope: Scope, baseline: Window) -> Scope:
    """The same assignment with another stretch to compare with."""
    return replace(scope, baseline=baseline)


def with_value(report: Report, name: str) -> Report:
    """The facts of the one signal under the names that any signal has."""
    facts = report.facts
    if name not in facts:
        return report
    first, *others = report.findings
    value = {"value": facts[name], "value_now": facts[f"{name}_now"], "value_baseline": facts[f"{name}_baseline"],
             "deviates": first.score > 0}  # fmt: skip
    return report.model_copy(
        update={"findings": (first.model_copy(update={"facts": {**first.facts, **value}}), *others)}
    )


def _unasked(survey: Survey, service: str) -> list[Gap]:
    """Signals that the asked service does not expose."""
    if service not in survey.known:
        return []
    seen = {reading.signal.kind for reading in survey.readings if reading.signal.service == service}
    wanted: Iterable[SignalKind] = survey.kinds or ("error_rate", "latency", "traffic", "saturation")
    return [
        Gap(
            source="prometheus",
            reason=f"{service} has no series in both stretches that tell its {kind.replace('_', ' ')}",
        )
        for kind in wanted
        if kind not in seen
    ]

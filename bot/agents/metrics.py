"""The metrics agent: golden signals of a service and of what it stands on, against their own normal."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field

from bot.agents.scope import Scope
from bot.agents.signals import SignalKind
from bot.agents.survey import Reading, Survey
from bot.agents.tools import Parameters, Tool
from bot.agents.wording import clock, figure, sentence
from bot.models import Chart, Evidence, Finding, Gap, Report, Window
from bot.telemetry.prometheus import Prometheus

QUESTIONS_SHARE = 0.8
"""The part of the deadline in which questions are asked; the rest is for the picture."""
MOST_FINDINGS: Mapping[SignalKind, int] = {
    "error_rate": 3, "latency": 2, "saturation": 2, "traffic": 2, "target_down": 1,
}  # fmt: skip
FACT_NAMES: Mapping[SignalKind, str] = {
    "error_rate": "error_ratio", "latency": "latency_p95_s", "traffic": "traffic_rps", "saturation": "saturation",
    "target_down": "up_ratio",
}  # fmt: skip
NEAR_FULL, NEAR_FULL_SCORE = 0.9, 0.3

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
    "worst_kind": "kind of its finding: error_rate, latency, saturation, traffic_drop, traffic_surge, target_down",
    "worst_score": "its score, 0 to 1",
}


VALUE_FACTS: Mapping[str, str] = {
    **FACTS,
    "value": "the signal at its most extreme sustained level in the window",
    "value_now": "the signal at the end of the window",
    "value_baseline": "its normal level",
    "deviates": "whether it left its normal variation",
}


class Look(Parameters):
    """No choice: the incident's service and everything that it stands on."""


class GoldenSignals(Parameters):
    """Which service."""

    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")
    dependencies: bool = Field(default=True, description="look at what the service stands on, too")


class NamedQuery(Parameters):
    """One named signal of one service."""

    signal: SignalName
    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")


class Compare(NamedQuery):
    """One named signal against the same time earlier."""

    against: Literal["yesterday", "last week"] = "yesterday"


def metrics_tools(prometheus: Prometheus | None) -> tuple[Tool, ...]:
    """The agent's tools; without a Prometheus each of them answers with that gap."""
    agent = MetricsAgent(prometheus)
    return (
        Tool("metrics.look", "metrics", "Golden signals of the service and of everything that it stands on.",
             Look, FACTS, agent.look),
        Tool("metrics.golden_signals", "metrics", "Traffic, errors, latency and saturation of a service.",
             GoldenSignals, FACTS, agent.golden_signals),
        Tool("metrics.query", "metrics", "One named signal of a service, against its baseline.",
             NamedQuery, VALUE_FACTS, agent.query),
        Tool("metrics.compare", "metrics", "One named signal of a service, against the same time earlier.",
             Compare, VALUE_FACTS, agent.compare),
    )  # fmt: skip


class MetricsAgent:
    """Looks through one Prometheus."""

    def __init__(self, prometheus: Prometheus | None) -> None:
        self._prometheus = prometheus

    async def look(self, _: Look, scope: Scope) -> Report:
        """The incident's service and its dependencies."""
        return await self.golden_signals(GoldenSignals(), scope)

    async def golden_signals(self, asked: GoldenSignals, scope: Scope) -> Report:
        """A service, and with it its dependencies."""
        service = _service(asked.service, scope)
        if service is None:
            return _nothing(_unknown(asked.service))
        services = (service, *(scope.catalog.dependencies(service) if asked.dependencies else ()))
        return await self._report(service, services, scope)

    async def query(self, asked: NamedQuery, scope: Scope) -> Report:
        """One signal."""
        service = _service(asked.service, scope)
        if service is None:
            return _nothing(_unknown(asked.service))
        kind = next(kind for kind, name in FACT_NAMES.items() if name == asked.signal)
        return _with_value(await self._report(service, (service,), scope, kinds=(kind,)), asked.signal)

    async def compare(self, asked: Compare, scope: Scope) -> Report:
        """One signal, the baseline being the hour of the window a day or a week ago."""
        back = timedelta(days=1 if asked.against == "yesterday" else 7)
        around = timedelta(seconds=scope.window.seconds)
        earlier = Window(start=scope.window.start - back - around, end=scope.window.end - back + around)
        return await self.query(NamedQuery(signal=asked.signal, service=asked.service), _against(scope, earlier))

    async def _report(
        self, service: str, services: Sequence[str], scope: Scope, kinds: Collection[SignalKind] | None = None
    ) -> Report:
        if self._prometheus is None:
            return _nothing("no Prometheus configured: set NIGHTDESK_PROMETHEUS_URL")
        clock_now = asyncio.get_running_loop().time
        began = clock_now()
        survey = Survey(self._prometheus, scope, kinds)
        await survey.of(services, scope.deadline_s * QUESTIONS_SHARE)
        findings = _findings(survey, service)
        gaps = [*survey.gaps, *_unasked(survey, service)]
        charts: tuple[Chart, ...] = ()
        try:
            async with asyncio.timeout(scope.deadline_s * 0.95 - (clock_now() - began)):
                charts = await _pictures(survey)
        except TimeoutError:
            gaps.append(Gap(source="chart", reason="no time was left to draw"))
        return Report(agent="metrics", findings=findings, gaps=tuple(gaps), charts=charts, seconds=clock_now() - began)


def _service(named: str | None, scope: Scope) -> str | None:
    return (scope.catalog.resolve(named) if named else scope.service) or None


def _unknown(named: str | None) -> str:
    return f"'{named}' is not in the service catalogue" if named else "the alert names no service of the catalogue"


def _nothing(reason: str) -> Report:
    return Report(agent="metrics", gaps=(Gap(source="prometheus", reason=reason),))


def _against(scope: Scope, baseline: Window) -> Scope:
    return replace(scope, baseline=baseline)


def score_of(reading: Reading) -> float:
    """The change's score; what is nearly full is worth a look even if it always is."""
    full = reading.signal.kind == "saturation" and reading.signal.bounded and reading.change.current >= NEAR_FULL
    return max(reading.change.score, NEAR_FULL_SCORE if full else 0.0)


def _findings(survey: Survey, asked: str) -> tuple[Finding, ...]:
    """Per service and kind: each deviation up to a limit, or one finding that says 'looked, and normal'."""
    found: list[Finding] = []
    for service in sorted(survey.known):
        for kind, most in MOST_FINDINGS.items():
            readings = _strongest(survey.readings, service, kind)
            deviating = [reading for reading in readings if score_of(reading) > 0][:most]
            prefix = "" if service == asked else "dependency_"
            for place, reading in enumerate(deviating or readings[:1]):
                facts = _facts(reading, prefix) if place == 0 else {}
                found.append(_finding(survey, reading, facts))
    found.sort(key=lambda finding: -finding.score)
    if found and found[0].score > 0:
        worst = found[0]
        facts = {"worst_service": worst.service, "worst_kind": worst.kind, "worst_score": worst.score}
        found[0] = worst.model_copy(update={"facts": {**worst.facts, **facts}})
    return tuple(found)


def _strongest(readings: Iterable[Reading], service: str, kind: SignalKind) -> list[Reading]:
    """Strongest first; among normal ones the busiest, since it says most."""
    own = [reading for reading in readings if reading.signal.service == service and reading.signal.kind == kind]
    return sorted(own, key=lambda reading: (-score_of(reading), -abs(reading.change.baseline), reading.signal.metric))


def _finding(survey: Survey, reading: Reading, facts: Mapping[str, Any]) -> Finding:
    signal, change = reading.signal, reading.change
    said = sentence(signal.noun, signal.service, change, signal.unit)
    return Finding(
        agent="metrics",
        title=said[0].upper() + said[1:],
        service=signal.service,
        indicator=signal.metric,
        kind=_kind(reading),
        score=round(score_of(reading), 4),
        started_at=change.onset,
        evidence=(_evidence(survey, reading, said),),
        facts=facts,
    )


def _kind(reading: Reading) -> str:
    if reading.signal.kind != "traffic":
        return reading.signal.kind
    return "traffic_surge" if reading.change.level > reading.change.baseline else "traffic_drop"


def _evidence(survey: Survey, reading: Reading, said: str) -> Evidence:
    scope = survey.scope
    asked = f"{reading.query}|{scope.baseline.start:%s}|{scope.window.end:%s}"
    return Evidence(
        id=f"metrics-{hashlib.sha256(asked.encode()).hexdigest()[:8]}",
        statement=said,
        query=reading.query,
        url=survey.prometheus.graph_url(reading.query, survey.span),
        observed_at=scope.window.end,
        value=reading.change.level,
        baseline=reading.change.baseline,
        unit=reading.signal.unit,
    )


def _facts(reading: Reading, prefix: str) -> dict[str, Any]:
    name = prefix + FACT_NAMES[reading.signal.kind]
    change = reading.change
    if prefix:
        return {name: change.level}
    return {name: change.level, f"{name}_now": change.current, f"{name}_baseline": change.baseline}


def _with_value(report: Report, name: str) -> Report:
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


async def _pictures(survey: Survey) -> tuple[Chart, ...]:
    """The series that deviates most; nothing where all is normal."""
    worst = max(survey.readings, key=lambda reading: reading.change.score, default=None)
    if worst is None or worst.change.onset is None:
        return ()
    return (await asyncio.to_thread(_picture, worst, survey),)


def _picture(worst: Reading, survey: Survey) -> Chart:
    from bot.agents.chart import Picture, draw  # noqa: PLC0415 – matplotlib takes a second to import

    signal, change = worst.signal, worst.change
    onset = change.onset or survey.scope.window.start
    title = sentence(signal.noun, signal.service, change, signal.unit)
    picture = Picture(title, worst.series, signal.unit, survey.scope.baseline, change.baseline, onset)
    alt = (
        f"Line chart of {signal.noun} of {signal.service} from {clock(survey.span.start)} to {clock(survey.span.end)}: "
        f"normally {figure(change.baseline, signal.unit)}, {figure(change.level, signal.unit)} from "
        f"{clock(onset)} on."
    )
    return Chart(title=title, alt=alt, png=draw(picture))

"""How full the service's resources are, and when what fills steadily will be full."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, Protocol

from pydantic import Field

from bot.agents.certificates import ending_certificates, told
from bot.agents.forecast import Forecast, forecast
from bot.agents.metrics_findings import NEAR_FULL, NEAR_FULL_SCORE, score_of, soon_score, when_full
from bot.agents.scope import Scope
from bot.agents.signals import Signal, at_rate
from bot.agents.survey import Reading, Survey
from bot.agents.tools import Parameters
from bot.agents.wording import figure
from bot.errors import BadInput, SourceUnavailable
from bot.models import Finding, Gap, Report, Window
from bot.telemetry.prometheus import Prometheus, step_for
from bot.telemetry.series import Series

Asked = Literal["any", "cpu", "memory", "disk", "inodes", "network", "connections", "files", "certificates"]
SHARE = 0.9
"""The part of the deadline in which questions are asked."""
MOST_NAMED = 6
"""Readings of a look that say which item is the fullest; each costs a question."""
MOST_ITEMS = 50
"""Disks, pods, pools of one signal that are looked at, the fullest first."""
SHOWN = 5
SATURATION_FACTS: Mapping[str, str] = {
    "fullest": "what is fullest, in words",
    "fullest_ratio": "how full it is, 0 to 1",
    "fullest_resource": "cpu, memory, disk, inodes, network, connections or files",
    "near_full_count": f"how many resources are {NEAR_FULL:.0%} full or more",
}
FORECAST_FACTS: Mapping[str, str] = {
    "full_in_s": "seconds until the first of them is full, if it goes on as it does",
    "full_soonest_s": "the lower end of the interval of 95 %",
    "full_what": "what will be full, in words",
    "full_resource": "its resource",
    "full_level": "how full it is now, 0 to 1",
    "filling_count": "how many fill steadily and are full within the horizon",
    "certificate_ends_in_s": "seconds until the first certificate runs out",
}


class Saturation(Parameters):
    """Which service, and of which resource."""

    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")
    resource: Asked = "any"
    dependencies: bool = Field(default=True, description="look at what the service stands on, too")


class Forecasting(Saturation):
    """How far back the trend is seen, and how far ahead it is of interest."""

    hours: float = Field(default=6, gt=0, le=168, description="the stretch that the trend is seen over")
    horizon_hours: float = Field(default=24, gt=0, le=720, description="what is full later is not told")


@dataclass(frozen=True)
class Item:
    """One disk, pod, pool, … with its samples."""

    signal: Signal
    query: str
    words: str
    series: Series

    @property
    def noun(self) -> str:
        return f"{self.signal.noun} {self.words}".rstrip()


class Items(Protocol):
    """Where the resources are seen."""

    async def full(self, asked: Saturation, scope: Scope, stretch: Window) -> tuple[list[Item], tuple[Gap, ...]]:
        """Every disk, pod, pool, … with how full it was over the stretch, and what could not be seen."""

    async def certificates(self, asked: Saturation, scope: Scope) -> tuple[list[Finding], tuple[Gap, ...]]:
        """Certificates that run out soon, the soonest first."""

    def graph_url(self, query: str, stretch: Window) -> str | None:
        """Where a person sees it drawn."""


class CapacityAgent:
    """Judges how full resources are, and when they will be."""

    def __init__(self, items: Items) -> None:
        self._items = items

    async def saturation(self, asked: Saturation, scope: Scope) -> Report:
        """How full each resource is now, the fullest first."""
        return await _timed(self._saturation(asked, scope))

    async def forecast(self, asked: Forecasting, scope: Scope) -> Report:
        """What fills steadily, the soonest first, and certificates that run out."""
        return await _timed(self._forecast(asked, scope))

    async def _saturation(self, asked: Saturation, scope: Scope) -> Report:
        recent = Window(
            start=scope.window.end - timedelta(seconds=max(300.0, scope.window.seconds / 3)), end=scope.window.end
        )
        items, gaps = await self._items.full(asked, scope, recent)
        levels = [(level, item) for item in items if (level := item.series.last) is not None]
        levels.sort(key=lambda pair: -pair[0])
        if not levels:
            return Report(agent="metrics", gaps=(*gaps, _nothing(asked)))
        fullest_level, fullest = levels[0]
        facts = {
            "fullest": fullest.noun, "fullest_ratio": fullest_level, "fullest_resource": fullest.signal.resource,
            "near_full_count": sum(level >= NEAR_FULL for level, _ in levels),
        }  # fmt: skip
        findings = [
            self._finding(
                item, scope, recent, f"{item.noun} at {figure(level, 'ratio')} ({item.signal.service})",
                NEAR_FULL_SCORE if level >= NEAR_FULL else 0.0, level, facts if place == 0 else {},
            )
            for place, (level, item) in enumerate(levels[:SHOWN])
        ]  # fmt: skip
        return Report(agent="metrics", findings=tuple(findings), gaps=gaps)

    async def _forecast(self, asked: Forecasting, scope: Scope) -> Report:
        stretch = Window(start=scope.window.end - timedelta(hours=asked.hours), end=scope.window.end)
        (items, gaps), (ending, more) = await asyncio.gather(
            self._items.full(asked, scope, stretch), self._items.certificates(asked, scope)
        )
        found = await asyncio.to_thread(_filling, items, asked.horizon_hours * 3600)
        findings = [
            self._finding(
                item, scope, stretch, _fills(seen, item), soon_score(seen.full_in_s), seen.level,
                _forecast_facts(found) if place == 0 else {},
            )
            for place, (seen, item) in enumerate(found[:SHOWN])
        ]  # fmt: skip
        findings += ending
        if not findings and (items or asked.resource == "certificates"):
            findings.append(_calm(asked, scope, len(items)))
        return Report(agent="metrics", findings=tuple(findings), gaps=(*gaps, *more))

    def _finding(
        self,
        item: Item,
        scope: Scope,
        stretch: Window,
        said: str,
        score: float,
        level: float,
        facts: Mapping[str, Any],
    ) -> Finding:
        url = self._items.graph_url(item.query, stretch)
        finding = told(said, item.signal.service, f"{item.signal.metric} {item.words}".rstrip(), score, scope,
                        item.query, url, facts)  # fmt: skip
        (fact,) = finding.evidence
        return finding.model_copy(update={"evidence": (fact.model_copy(update={"value": level, "unit": "ratio"}),)})


class PrometheusItems:
    """Implements `Items` on one Prometheus; without one there is only that gap."""

    def __init__(self, prometheus: Prometheus | None) -> None:
        self._prometheus = prometheus

    async def certificates(self, asked: Saturation, scope: Scope) -> tuple[list[Finding], tuple[Gap, ...]]:
        """Those that a label of theirs gives to the services."""
        services, problem = _services(asked, scope)
        if asked.resource not in {"any", "certificates"} or self._prometheus is None or problem:
            return [], ()  # what is missing, the items say
        return await ending_certificates(Survey(self._prometheus, scope), services, scope.deadline_s * SHARE)

    async def full(self, asked: Saturation, scope: Scope, stretch: Window) -> tuple[list[Item], tuple[Gap, ...]]:
        """Every item of every bounded signal, with its samples over the stretch."""
        services, problem = _services(asked, scope)
        if self._prometheus is None or problem:
            return [], (_gap(problem or "no Prometheus configured: set NIGHTDESK_PROMETHEUS_URL"),)
        if asked.resource == "certificates":
            return [], ()
        survey = Survey(self._prometheus, scope)
        items: list[Item] = []
        try:
            async with asyncio.timeout(scope.deadline_s * SHARE), asyncio.TaskGroup() as group:
                for service in services:
                    group.create_task(_of_service(survey, service, asked.resource, stretch, items))
        except TimeoutError:
            survey.note(f"not every resource answered within {scope.deadline_s * SHARE:.1f} s")
        return items, tuple(survey.gaps)

    def graph_url(self, query: str, stretch: Window) -> str | None:
        """In the server's own pages."""
        return self._prometheus.graph_url(query, stretch) if self._prometheus else None


async def name_items(survey: Survey, within_s: float) -> None:
    """Let the readings that fold several disks, pods or pools into one figure say which of them is the fullest."""
    folded = [
        (place, reading) for place, reading in enumerate(survey.readings)
        if reading.signal.items and (score_of(reading) > 0 or reading.filling)
    ][:MOST_NAMED]  # fmt: skip
    try:
        async with asyncio.timeout(within_s):
            words = await asyncio.gather(*(_fullest(survey, reading) for _, reading in folded))
    except TimeoutError:
        return
    for (place, reading), said in zip(folded, words, strict=True):
        survey.readings[place] = replace(reading, item=said)


async def _fullest(survey: Survey, reading: Reading) -> str:
    items = at_rate(reading.signal.items or "", reading.rate_s)
    try:
        answer = await survey.discovery.now(f"topk(1, {items})")
    except SourceUnavailable:
        return ""  # the figure stands without a name
    return _words(answer.single) if answer.single else ""


async def _timed(answer: Awaitable[Report]) -> Report:
    now = asyncio.get_running_loop().time
    began = now()
    report = await answer
    return report.model_copy(update={"seconds": now() - began})


async def _of_service(survey: Survey, service: str, resource: Asked, stretch: Window, into: list[Item]) -> None:
    step_s = step_for(stretch)
    try:
        questions = await survey.discovery.questions(service, None, step_s)
    except (SourceUnavailable, BadInput) as error:
        survey.note(f"{service}: {error}")
        return
    if questions is None:
        return
    signals = [one for one in questions.signals if one.bounded and one.kind == "saturation"]
    wanted = [one for one in signals if resource in {"any", one.resource}]
    async with asyncio.TaskGroup() as group:
        for signal in wanted:
            group.create_task(_of_signal(survey, signal, questions.rate_s, stretch, step_s, into))


async def _of_signal(
    survey: Survey, signal: Signal, rate_s: float, stretch: Window, step_s: float, into: list[Item]
) -> None:
    query = at_rate(signal.items or signal.promql, rate_s)
    try:
        answer = await survey.discovery.over(query, stretch, step_s)
    except SourceUnavailable as error:
        survey.note(f"{signal.noun} of {signal.service}: {error}")
        return
    for warning in answer.warnings:
        survey.note(f"warned: {warning}")
    ranked = sorted(answer.series, key=lambda series: -(series.last or 0.0))
    if len(ranked) > MOST_ITEMS:
        survey.note(f"{signal.noun} of {signal.service}: the fullest {MOST_ITEMS} of {len(ranked)} were looked at")
    into += [Item(signal, query, _words(series), series) for series in ranked[:MOST_ITEMS]]


def _filling(items: Sequence[Item], horizon_s: float) -> list[tuple[Forecast, Item]]:
    found = [(seen, item) for item in items if (seen := forecast(item.series)) and seen.full_in_s <= horizon_s]
    return sorted(found, key=lambda pair: pair[0].full_in_s)


def _fills(seen: Forecast, item: Item) -> str:
    return f"{item.noun} at {figure(seen.level, 'ratio')}, {when_full(seen)} ({item.signal.service})"


def _forecast_facts(found: Sequence[tuple[Forecast, Item]]) -> dict[str, Any]:
    seen, item = found[0]
    return {
        "full_in_s": seen.full_in_s, "full_soonest_s": seen.soonest_s, "full_what": item.noun,
        "full_resource": item.signal.resource, "full_level": seen.level, "filling_count": len(found),
    }  # fmt: skip


def _calm(asked: Forecasting, scope: Scope, looked: int) -> Finding:
    what = "no certificate runs out soon" if asked.resource == "certificates" else (
        f"nothing of {looked} resources fills steadily and is full within {asked.horizon_hours:g} hours"
    )  # fmt: skip
    return Finding(
        agent="metrics", title=f"looked, and calm: {what}", service=scope.service, indicator="forecast",
        kind="saturation", score=0.0, facts={"filling_count": 0},
    )  # fmt: skip


def _services(asked: Saturation, scope: Scope) -> tuple[tuple[str, ...], str]:
    """The services to look at, or why there is none."""
    service = scope.catalog.resolve(asked.service) if asked.service else scope.service
    if service is None:
        named = f"'{asked.service}' is not in the service catalogue"
        return (), named if asked.service else "the alert names no service of the catalogue"
    return (service, *(scope.catalog.dependencies(service) if asked.dependencies else ())), ""


def _words(series: Series) -> str:
    """'/var of db-1:9100'."""
    labels = dict(series.labels)
    host = labels.pop("instance", "")
    rest = "/".join(value for _, value in sorted(labels.items()) if value)
    return f"{rest} of {host}" if rest and host else rest or (f"of {host}" if host else "")


def _gap(reason: str) -> Gap:
    return Gap(source="prometheus", reason=reason)


def _nothing(asked: Saturation) -> Gap:
    what = "resources" if asked.resource == "any" else asked.resource
    return _gap(f"no exporter tells how full {what} are: see docs/metrics.md for those that are known")

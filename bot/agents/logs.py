"""The logs agent: which lines are new, which surge, which stay away, and how many are errors."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import Field

from bot.agents.census import Census, Service
from bot.agents.redaction import redacted
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.agents.verdicts import Share, Verdict, VerdictKind, shares, verdicts
from bot.agents.wording import clock, figure
from bot.errors import SourceUnavailable
from bot.models import Evidence, Finding, Gap, Report, Window
from bot.telemetry.loglines import LogLine
from bot.telemetry.logs import LogSource

READING_SHARE = 0.85
"""The part of the deadline in which logs are read: half of it for the window, the rest for the baseline."""
MOST: Mapping[VerdictKind, int] = {"new_error": 5, "surging_error": 3, "vanished_log": 3, "silent": 3, "new_log": 2}
LONGEST_TEMPLATE = 160

FACTS: Mapping[str, str] = {
    "new_error_count": "templates of errors or warnings that the baseline did not have",
    "new_template_count": "templates of any level that the baseline did not have",
    "surging_error_count": "templates of errors or warnings that come far more often than in the baseline",
    "vanished_count": "templates that came regularly and stay away, and services that stopped logging",
    "error_share": "part of the service's log lines that are errors, 0 to 1",
    "error_share_baseline": "normal level of error_share",
    "top_template": "the template that deviates most",
    "top_kind": "its kind: new_error, surging_error, vanished_log, silent, new_log",
    "top_service": "its service by catalogue name",
    "top_score": "its score, 0 to 1",
    "lines_read": "log lines that were looked at",
}


class LookAtLogs(Parameters):
    """No choice: the incident's service and everything that it stands on."""


class OfService(Parameters):
    """Which service."""

    service: str | None = Field(default=None, description="catalogue name or alias; empty: the incident's service")
    dependencies: bool = Field(default=True, description="look at what the service stands on, too")


def logs_tools(sources: Sequence[LogSource]) -> tuple[Tool, ...]:
    """The agent's tools; without a source each of them answers with that gap."""
    agent = LogsAgent(sources)
    return (
        Tool("logs.look", "logs", "New, surging and missing log lines, and the share of errors.",
             LookAtLogs, FACTS, agent.look),
        Tool("logs.new_templates", "logs", "Log lines of kinds that the baseline did not have, or far fewer of.",
             OfService, FACTS, agent.new_templates),
        Tool("logs.error_share", "logs", "The part of a service's log lines that are errors.",
             OfService, FACTS, agent.error_share),
    )  # fmt: skip


@dataclass
class Reading:
    """What has been read so far; it grows, so that a deadline costs only what is missing."""

    census: Census
    gaps: list[Gap] = field(default_factory=list)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def gap(self, source: str, reason: str) -> None:
        """Note once what could not be read."""
        gap = Gap(source=source, reason=reason)
        if gap not in self.gaps:
            self.gaps.append(gap)

    def miss(self, source: str, reason: str, *, of_window: bool) -> None:
        """Note what a source could not give; where it is of the window, absence proves nothing any more."""
        self.gap(source, reason)
        if of_window:
            self.census.window_complete = False


class LogsAgent:
    """Looks through the configured log sources."""

    def __init__(self, sources: Sequence[LogSource]) -> None:
        self._sources = tuple(sources)

    async def look(self, _: LookAtLogs, scope: Scope) -> Report:
        """Everything, of the incident's service and its dependencies; of all services where none is known."""
        return await self._report(scope.neighbourhood or None, scope, MOST)

    async def new_templates(self, asked: OfService, scope: Scope) -> Report:
        """What is new or surges."""
        services = _services(asked, scope)
        kinds: dict[VerdictKind, int] = {kind: MOST[kind] for kind in ("new_error", "surging_error", "new_log")}
        return await self._report(services, scope, kinds) if services else _nothing(asked.service)

    async def error_share(self, asked: OfService, scope: Scope) -> Report:
        """How many lines are errors."""
        services = _services(asked, scope)
        return await self._report(services, scope, {}) if services else _nothing(asked.service)

    async def _report(self, services: Collection[str] | None, scope: Scope, kinds: Mapping[VerdictKind, int]) -> Report:
        if not self._sources:
            gap = Gap(source="logs", reason="no log source configured: set NIGHTDESK_LOGS")
            return Report(agent="logs", gaps=(gap,))
        loop = asyncio.get_running_loop()
        began = loop.time()
        reading = await self._read(services, scope)
        found = await asyncio.to_thread(_findings, reading.census, scope, services, kinds)
        if not reading.census.lines:
            reading.gap("logs", "no log line of these services in the window or in the baseline")
        return Report(agent="logs", findings=found, gaps=tuple(reading.gaps), seconds=loop.time() - began)

    async def _read(self, services: Collection[str] | None, scope: Scope) -> Reading:
        """The window first: without it the baseline says nothing."""
        reading = Reading(Census(scope.window, scope.baseline))
        names = _spoken(services, scope) if services is not None else None
        budget_s = scope.deadline_s * READING_SHARE
        began = asyncio.get_running_loop().time()
        if not await self._stretch(reading, scope, scope.window, names, budget_s / 2):
            reading.census.window_complete = False
            reading.gap("logs", "there was no time to read the whole window: counts are lower than they are")
        spent_s = asyncio.get_running_loop().time() - began
        if not await self._stretch(reading, scope, scope.baseline, names, budget_s - spent_s):
            reading.gap(
                "logs", "there was no time to read the whole baseline: rates are taken from the part that was read"
            )
            reading.census.close()
            reading.census.cut_short()
        return reading

    async def _stretch(
        self, reading: Reading, scope: Scope, stretch: Window, names: Collection[str] | None, within_s: float
    ) -> bool:
        """Read all sources; whether there was time for everything."""
        try:
            async with asyncio.timeout(within_s), asyncio.TaskGroup() as group:
                for source in self._sources:
                    group.create_task(_drain(source, reading, scope, stretch, names))
        except TimeoutError:
            return False
        return True


async def _drain(
    source: LogSource, reading: Reading, scope: Scope, stretch: Window, names: Collection[str] | None
) -> None:
    try:
        async with aclosing(source.read(stretch, names)) as batches:
            async for batch in batches:
                for reason in batch.gaps:
                    reading.miss(source.name, reason, of_window=stretch == scope.window)
                async with reading.turn:
                    await asyncio.to_thread(_count, reading.census, batch.lines, scope)
    except SourceUnavailable as error:
        reading.miss(source.name, str(error), of_window=stretch == scope.window)


def _count(census: Census, lines: Sequence[LogLine], scope: Scope) -> None:
    """Under catalogue names, where the catalogue knows the name that the line carries."""
    names = {line.service: scope.catalog.resolve(line.service) or line.service for line in lines}
    census.add(
        line if names[line.service] == line.service else replace(line, service=names[line.service]) for line in lines
    )


def _spoken(services: Collection[str], scope: Scope) -> set[str]:
    """Names and aliases."""
    known = scope.catalog.services
    return {name for service in services for name in (service, *(known[service].aliases if service in known else ()))}


def _services(asked: OfService, scope: Scope) -> tuple[str, ...]:
    service = scope.catalog.resolve(asked.service) if asked.service else scope.service
    if service is None:
        return ()
    return (service, *(scope.catalog.dependencies(service) if asked.dependencies else ()))


def _nothing(named: str | None) -> Report:
    reason = f"'{named}' is not in the service catalogue" if named else "the alert names no service of the catalogue"
    return Report(agent="logs", gaps=(Gap(source="logs", reason=reason),))


def _findings(
    census: Census, scope: Scope, services: Collection[str] | None, kinds: Mapping[VerdictKind, int]
) -> tuple[Finding, ...]:
    census.close()
    judged = verdicts(census)
    found: list[Finding] = []
    for kind, most in kinds.items():
        found += [_of_verdict(verdict, scope) for verdict in judged if verdict.kind == kind][:most]
    found += [_of_share(share, scope) for share in shares(census) if share.lines]
    found.sort(key=lambda finding: -finding.score)
    if found:
        facts = _facts(census, judged, services)
        found[0] = found[0].model_copy(update={"facts": {**found[0].facts, **facts}})
    return tuple(found)


def _facts(census: Census, judged: Sequence[Verdict], services: Collection[str] | None) -> dict[str, Any]:
    counted = {kind: sum(1 for verdict in judged if verdict.kind == kind and verdict.score > 0) for kind in MOST}
    facts: dict[str, Any] = {
        "new_error_count": counted["new_error"],
        "new_template_count": counted["new_error"] + counted["new_log"],
        "surging_error_count": counted["surging_error"],
        "vanished_count": counted["vanished_log"] + counted["silent"],
        "lines_read": census.lines,
    }
    if judged and judged[0].score > 0:
        top = judged[0]
        facts |= {"top_template": redacted(top.template, LONGEST_TEMPLATE), "top_kind": top.kind,
                  "top_service": top.service, "top_score": top.score}  # fmt: skip
    if asked := _asked_share(census, services):
        facts |= {"error_share": asked.share, "error_share_baseline": asked.baseline or 0.0}
    return facts


def _asked_share(census: Census, services: Collection[str] | None) -> Share | None:
    """Of the service that was asked about, or of the lines that name no service; of the worst where none was."""
    known = {share.service: share for share in shares(census)}
    if services is None:
        return next(iter(known.values()), None)
    return known.get(next(iter(services), None)) or known.get(None)


def _of_verdict(verdict: Verdict, scope: Scope) -> Finding:
    template = redacted(verdict.template, LONGEST_TEMPLATE)
    said = _sentence(verdict, template)
    return Finding(
        agent="logs",
        title=said,
        service=verdict.service,
        indicator=template,
        kind="vanished_log" if verdict.kind == "silent" else verdict.kind,
        score=round(verdict.score, 4),
        started_at=verdict.started_at,
        evidence=(
            _evidence(
                scope,
                said if not verdict.example else f"{said}. For example: {redacted(verdict.example)}",
                question=f"lines like: {template}",
                service=verdict.service,
                value=verdict.count,
                baseline=verdict.expected,
                unit="lines",
            ),
        ),
    )


def _sentence(verdict: Verdict, template: str) -> str:
    at, who = clock(verdict.started_at), _whose(verdict.service)
    count, expected = f"{verdict.count:,.0f}", f"{verdict.expected:,.0f}"
    if verdict.kind == "silent":
        return f"Logs stopped at {at}, about {expected} lines are missing since{who}"
    if verdict.kind == "vanished_log":
        return f"Missing since {at}, about {expected} lines by now: “{template}”{who}"
    if verdict.kind == "surging_error":
        return f"Surged at {at} to {count} lines, where {expected} are usual: “{template}”{who}"
    return f"New at {at}, {count} {'line' if verdict.count == 1 else 'lines'}: “{template}”{who}"


def _of_share(share: Share, scope: Scope) -> Finding:
    said = _share_sentence(share)
    return Finding(
        agent="logs",
        title=said,
        service=share.service,
        indicator="log_error_share",
        kind="error_rate",
        score=round(share.score, 4),
        evidence=(
            _evidence(
                scope, said, question="error lines / all lines", service=share.service, value=share.share,
                baseline=share.baseline, unit="ratio",
            ),
        ),
    )  # fmt: skip


def _share_sentence(share: Share) -> str:
    now, who = figure(share.share, "ratio"), _whose(share.service)
    if share.baseline is None:
        return f"{now} of {share.lines:,.0f} log lines are errors; nothing to compare with{who}"
    usual = figure(share.baseline, "ratio")
    if share.score > 0:
        return f"Errors make {now} of the log lines, usually {usual}{who}"
    return f"Log errors: looked, and normal – {now} of {share.lines:,.0f} lines, usually {usual}{who}"


def _whose(service: Service) -> str:
    return f" ({service})" if service else ""


def _evidence(
    scope: Scope, statement: str, *, question: str, service: Service, value: float, baseline: float | None, unit: str
) -> Evidence:
    stretch = f"{scope.window.start:%Y-%m-%dT%H:%M:%SZ} to {scope.window.end:%Y-%m-%dT%H:%M:%SZ}"
    asked = f"logs{' of ' + service if service else ''}, {stretch}, {question}"
    return Evidence(
        id=f"logs-{hashlib.sha256(asked.encode()).hexdigest()[:8]}",
        statement=statement,
        query=asked,
        observed_at=scope.window.end,
        value=value,
        baseline=baseline,
        unit=unit,
    )

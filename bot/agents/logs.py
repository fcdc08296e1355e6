"""The logs agent: lines that are new, surge or stay away, requests off their usual path, and the share of errors."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from pydantic import Field

from bot.agents.census import Census
from bot.agents.logs_findings import MOST, LogKind, findings
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.errors import SourceUnavailable
from bot.models import Gap, Report, Window
from bot.telemetry.loglines import LogLine
from bot.telemetry.logs import LogSource

READING_SHARE = 0.85
"""The part of the deadline in which logs are read: half of it for the window, the rest for the baseline."""
FACTS: Mapping[str, str] = {
    "new_error_count": "templates of errors or warnings that the baseline did not have",
    "new_template_count": "templates of any level that the baseline did not have",
    "surging_error_count": "templates of errors or warnings that come far more often than in the baseline",
    "vanished_count": "templates that came regularly and stay away, and services that stopped logging",
    "turned_count": "places at which requests leave the usual order of their lines: cut short, skipped, reordered",
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
        Tool("logs.paths", "logs", "Where requests leave the usual order of their log lines, as by an early return.",
             OfService, FACTS, agent.paths),
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
        return await self._report(scope.neighbourhood or None, scope, list(MOST))

    async def new_templates(self, asked: OfService, scope: Scope) -> Report:
        """What is new or surges."""
        services = _services(asked, scope)
        kinds: list[LogKind] = ["new_error", "surging_error", "new_log", "error_share"]
        return await self._report(services, scope, kinds) if services else _nothing(asked.service)

    async def paths(self, asked: OfService, scope: Scope) -> Report:
        """Where requests turn off."""
        services = _services(asked, scope)
        return await self._report(services, scope, ["turn", "error_share"]) if services else _nothing(asked.service)

    async def error_share(self, asked: OfService, scope: Scope) -> Report:
        """How many lines are errors."""
        services = _services(asked, scope)
        return await self._report(services, scope, ["error_share"]) if services else _nothing(asked.service)

    async def _report(self, services: Collection[str] | None, scope: Scope, kinds: Collection[LogKind]) -> Report:
        if not self._sources:
            gap = Gap(source="logs", reason="no log source configured: set NIGHTDESK_LOGS")
            return Report(agent="logs", gaps=(gap,))
        loop = asyncio.get_running_loop()
        began = loop.time()
        reading = await self._read(services, scope)
        found = await asyncio.to_thread(findings, reading.census, scope, services, kinds)
        if not reading.census.lines and not reading.gaps:  # what was not answered is no absence
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

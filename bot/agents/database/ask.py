"""The database agent: the same read-only questions to databases of every engine, at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime

from pydantic import Field

from bot.agents.database.mysql import mysql_visit
from bot.agents.database.postgres import postgres_visit
from bot.agents.database.redis import redis_visit
from bot.agents.database.subject import Subject, exhausted
from bot.agents.database.topics import TOPICS, Topic
from bot.agents.database.visit import Question, Visit
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.errors import ConnectionsExhausted, SourceUnavailable
from bot.models import Finding, Gap, Report
from bot.telemetry.mysql import MySql
from bot.telemetry.postgres import Postgres
from bot.telemetry.redis_server import RedisServer
from bot.unanswered import LATE

Clock = Callable[[], datetime]
Observed = Postgres | MySql | RedisServer

SAMPLE_S = 1.0
"""How long totals are watched, at most a tenth of the deadline."""


class DatabaseParameters(Parameters):
    """Which database."""

    database: str | None = Field(default=None, description="catalogue name; None: every one of the alert's service")


class LookParameters(Parameters):
    """Nothing: the alert's service decides."""


def database_tools(databases: Mapping[str, Observed], *, clock: Clock = lambda: datetime.now(UTC)) -> tuple[Tool, ...]:
    """The tools of the database agent: one a topic, and `database.look` for all of them.

    Args:
        databases: catalogue name → where to look.
    """

    def tool(
        name: str, summary: str, facts: Mapping[str, str], topics: Sequence[Topic], given: type[Parameters]
    ) -> Tool:
        async def run(parameters: Parameters, scope: Scope) -> Report:
            return await ask(databases, getattr(parameters, "database", None), topics, scope, clock)

        return Tool(f"database.{name}", "database", summary, given, facts, run)

    everything = {name: meaning for topic in TOPICS.values() for name, meaning in topic.meanings.items()}
    summary = "All of it, for all databases of the service."
    return (
        *(tool(topic, about.summary, about.meanings, (topic,), DatabaseParameters) for topic, about in TOPICS.items()),
        tool("look", summary, everything, tuple(TOPICS), LookParameters),
    )


async def ask(
    databases: Mapping[str, Observed], database: str | None, topics: Sequence[Topic], scope: Scope, clock: Clock
) -> Report:
    """Put the questions to one database, or to all of the service's at the same time, within the deadline."""
    started = time.monotonic()
    findings: list[Finding] = []
    gaps: list[Gap] = []
    async with asyncio.TaskGroup() as group:
        for name in _wanted(databases, database, scope):
            if name in databases:
                call = _Call(databases[name], Subject(name, clock()), scope.deadline_s, findings, gaps)
                group.create_task(call.make(topics, named=database is not None))
            else:
                gaps.append(Gap(source=f"database {name}", reason=_why_not(name, scope, databases)))
    findings.sort(key=lambda finding: finding.score, reverse=True)
    return Report(
        agent="database",
        findings=tuple(findings),
        gaps=tuple(dict.fromkeys(gaps)),
        seconds=round(time.monotonic() - started, 3),
    )


def _wanted(databases: Mapping[str, Observed], database: str | None, scope: Scope) -> tuple[str, ...]:
    if database is not None:
        return (database,)
    return scope.catalog.databases_of(scope.service) if scope.service else tuple(databases)


def _why_not(name: str, scope: Scope, databases: Mapping[str, Observed]) -> str:
    entry = scope.catalog.databases.get(name)
    if entry is None:
        return f"there is no such database in the catalogue; there are: {', '.join(sorted(databases)) or 'none'}"
    return f"it has no connection string: set the variable {entry.dsn_env}"


def _visit(database: Observed, subject: Subject, sample_s: float) -> AbstractAsyncContextManager[Visit]:
    """Connect in the engine's own way.

    Raises:
        SourceUnavailable: unreachable, refused, too old, or too slow.
    """
    match database:
        case Postgres():
            return postgres_visit(database, subject, sample_s)
        case MySql():
            return mysql_visit(database, subject, sample_s)
        case RedisServer():
            return redis_visit(database, subject, sample_s)


class _Call:
    """One visit to one database; what it finds is kept even if its time runs out."""

    def __init__(
        self, database: Observed, subject: Subject, deadline_s: float, findings: list[Finding], gaps: list[Gap]
    ) -> None:
        self._database = database
        self._subject = subject
        self._deadline_s = deadline_s
        self._findings = findings
        self._gaps = gaps

    async def make(self, topics: Sequence[Topic], *, named: bool) -> None:
        """Ask what the engine knows of; a database that was asked for by name also says what it does not know of."""
        sample_s = min(SAMPLE_S, self._deadline_s / 10)
        try:
            # a tenth is left for the answer's way back
            async with (
                asyncio.timeout(self._deadline_s * 0.9),
                _visit(self._database, self._subject, sample_s) as visit,
            ):
                await self._ask(visit, topics, named=named)
        except ConnectionsExhausted as full:
            self._findings.append(exhausted(self._subject, str(full), self._database.refusals.since))
        except SourceUnavailable as error:
            self._gap(str(error))
        except TimeoutError:
            self._gap(f"not everything was answered within {self._deadline_s:g} s ({LATE})")

    async def _ask(self, visit: Visit, topics: Sequence[Topic], *, named: bool) -> None:
        if visit.compared & set(topics):
            await self._put(visit, visit.begin)
        for topic in sorted(topics, key=lambda one: one in visit.compared):
            if question := visit.questions.get(topic):
                await self._put(visit, question)
            elif named:
                self._gap(f"a database of this engine cannot be asked for {topic.replace('_', ' ')}")

    async def _put(self, visit: Visit, question: Question) -> None:
        """One question; that it fails is no reason not to ask the next, unless the connection is lost."""
        try:
            told = await question()
        except SourceUnavailable as error:
            if visit.lost():
                raise
            self._gap(str(error))
        else:
            self._findings.extend(one for one in told if isinstance(one, Finding))
            self._gaps.extend(one for one in told if isinstance(one, Gap))

    def _gap(self, reason: str) -> None:
        self._gaps.append(self._subject.gap(reason))

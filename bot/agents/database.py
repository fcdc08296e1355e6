"""The database agent: read-only questions about locks, transactions, connections, statements and copies."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import Field

from bot.agents import database_findings as judge
from bot.agents.database_locks import blocking
from bot.agents.database_subject import Subject
from bot.agents.scope import Scope
from bot.agents.tools import Parameters, Tool
from bot.errors import SourceUnavailable
from bot.models import Finding, Gap, Report
from bot.postgres import ConnectionsExhausted
from bot.telemetry.postgres import Look, Postgres

Clock = Callable[[], datetime]

SAMPLE_S = 1.0
"""How long statements are counted, at most a tenth of the deadline."""


class DatabaseParameters(Parameters):
    """Which database."""

    database: str | None = Field(default=None, description="catalogue name; None: every one of the alert's service")


class LookParameters(Parameters):
    """Nothing: the alert's service decides."""


@dataclass
class Visit:
    """The questions that are asked over one connection; what one has told, the next does not tell again."""

    look: Look
    subject: Subject
    sample_s: float

    def __post_init__(self) -> None:
        self._told: set[int] = set()

    async def locks(self) -> tuple[Finding, ...]:
        """Who blocks whom."""
        seen = await self.look.locks()
        self._told |= {blocker.session.pid for blocker in seen.blockers}
        return blocking(self.subject, seen)

    async def transactions(self) -> tuple[Finding, ...]:
        """Transactions that stay open; those who only wait are the victims of another."""
        seen = await self.look.transactions(judge.LONG_TRANSACTION_S)
        sessions = [one for one in seen if one.pid not in self._told and one.wait_event_type != "Lock"]
        self._told |= {session.pid for session in sessions}
        return judge.transactions(self.subject, sessions)

    async def connections(self) -> tuple[Finding, ...]:
        """How many connections are left."""
        return (judge.connections(self.subject, await self.look.connections(), await self.look.holders()),)

    async def statements(self) -> tuple[Finding, ...]:
        """What runs for long, and what has become slow."""
        seen = await self.look.active(judge.SLOW_STATEMENT_S)
        active = [session for session in seen if session.pid not in self._told]
        counted = await self.look.statements(self.sample_s)
        return judge.slow_statements(self.subject, active, counted, self.sample_s)

    async def replication(self) -> tuple[Finding, ...]:
        """How far copies are behind."""
        return (judge.replication(self.subject, await self.look.replication()),)

    async def totals(self) -> tuple[Finding, ...]:
        """Deadlocks and other totals, against an earlier look."""
        now = await self.look.counters()
        return judge.totals(self.subject, now, self.look.earlier_counters)


Question = Callable[[Visit], Awaitable[tuple[Finding, ...]]]
EVERYTHING: tuple[Question, ...] = (
    Visit.locks,
    Visit.transactions,
    Visit.connections,
    Visit.statements,
    Visit.replication,
    Visit.totals,
)

LOCK_FACTS = {
    "database": "the database that was looked at",
    "blocked_count": "sessions that wait behind the worst blocker; 0 where nobody waits",
    "directly_blocked_count": "those of them that wait for it directly",
    "longest_wait_s": "how long the first of them has waited",
    "root_pid": "backend that blocks them; 0 where there is none",
    "root_backend_start": "when that session began, ISO 8601; with the pid it names the session",
    "root_transaction_start": "when its transaction began, ISO 8601",
    "root_age_s": "age of its transaction",
    "root_statement": "its last statement, literals masked",
    "root_state": "such as 'idle in transaction'",
    "root_application": "its application name",
    "relation": "the table that most of them want",
}
TRANSACTION_FACTS = {
    "long_transaction_count": "transactions older than a minute",
    "idle_in_transaction_count": "those of them that do nothing",
    "oldest_transaction_age_s": "age of the oldest; 0 where there is none",
    "oldest_transaction_pid": "its backend; 0 where there is none",
    "oldest_transaction_backend_start": "when that session began, ISO 8601",
}
CONNECTION_FACTS = {
    "connections_used": "connections to the server in use",
    "connections_limit": "connections that ordinary roles may use",
    "connections_share": "use of the tightest limit of server, database and role; 1 is full",
}
STATEMENT_FACTS = {
    "slow_statement_count": "statements that have run for more than ten seconds and do not wait for a lock",
    "longest_statement_s": "how long the longest of them has run",
    "slower_count": "statements that take several times longer than usual",
}
REPLICATION_FACTS = {
    "replication_lag_s": "how far the furthest copy is behind",
    "retained_bytes": "log that unread slots keep on disk",
    "is_standby": "whether the server is itself a copy",
}
TOTAL_FACTS = {
    "new_deadlocks": "deadlocks since an earlier look",
    "spilled_bytes": "bytes that statements spilled to disk since then",
}
ALL_FACTS = {
    **LOCK_FACTS, **TRANSACTION_FACTS, **CONNECTION_FACTS, **STATEMENT_FACTS, **REPLICATION_FACTS, **TOTAL_FACTS,
}  # fmt: skip


def database_tools(databases: Mapping[str, Postgres], *, clock: Clock = lambda: datetime.now(UTC)) -> tuple[Tool, ...]:
    """The tools of the database agent.

    Args:
        databases: catalogue name → where to look.
    """

    def tool(
        name: str, summary: str, facts: Mapping[str, str], *questions: Question, parameters: type[Parameters]
    ) -> Tool:
        async def run(given: Parameters, scope: Scope) -> Report:
            return await ask(databases, getattr(given, "database", None), questions, scope, clock)

        return Tool(
            name=f"database.{name}", agent="database", summary=summary, parameters=parameters, facts=facts, run=run
        )

    one = DatabaseParameters
    return (
        tool("blocking_sessions", "Who blocks whom, and who is at the root.", LOCK_FACTS, Visit.locks, parameters=one),
        tool(
            "long_transactions", "Transactions that stay open.", TRANSACTION_FACTS, Visit.transactions, parameters=one
        ),
        tool("connections", "How many connections are left.", CONNECTION_FACTS, Visit.connections, parameters=one),
        tool(
            "slow_statements",
            "What runs for long or slower than usual.",
            STATEMENT_FACTS,
            Visit.statements,
            parameters=one,
        ),
        tool("replication", "How far copies are behind.", REPLICATION_FACTS, Visit.replication, parameters=one),
        tool("look", "All of it, for all databases of the service.", ALL_FACTS, *EVERYTHING, parameters=LookParameters),
    )


async def ask(
    databases: Mapping[str, Postgres], database: str | None, questions: Sequence[Question], scope: Scope, clock: Clock
) -> Report:
    """Put the questions to one database, or to all of the service's at the same time, within the deadline."""
    started = time.monotonic()
    findings: list[Finding] = []
    gaps: list[Gap] = []
    async with asyncio.TaskGroup() as group:
        for name in _wanted(databases, database, scope):
            if name in databases:
                group.create_task(_visit(databases[name], questions, scope, clock(), findings, gaps))
            else:
                gaps.append(Gap(source=f"database {name}", reason=_why_not(name, scope, databases)))
    findings.sort(key=lambda finding: finding.score, reverse=True)
    return Report(
        agent="database", findings=tuple(findings), gaps=tuple(gaps), seconds=round(time.monotonic() - started, 3)
    )


def _wanted(databases: Mapping[str, Postgres], database: str | None, scope: Scope) -> tuple[str, ...]:
    if database is not None:
        return (database,)
    return scope.catalog.databases_of(scope.service) if scope.service else tuple(databases)


def _why_not(name: str, scope: Scope, databases: Mapping[str, Postgres]) -> str:
    entry = scope.catalog.databases.get(name)
    if entry is None:
        return f"there is no such database in the catalogue; there are: {', '.join(sorted(databases)) or 'none'}"
    return f"it has no connection string: set the variable {entry.dsn_env}"


async def _visit(
    postgres: Postgres,
    questions: Sequence[Question],
    scope: Scope,
    at: datetime,
    findings: list[Finding],
    gaps: list[Gap],
) -> None:
    source, subject = f"database {postgres.name}", Subject(postgres.name, at)
    try:
        # a tenth is left for the answer's way back
        async with asyncio.timeout(scope.deadline_s * 0.9), postgres.look() as look:
            visit = Visit(look, subject, min(SAMPLE_S, scope.deadline_s / 10))
            for question in questions:
                await _put(question, visit, source, findings, gaps)
    except ConnectionsExhausted as full:
        findings.append(judge.exhausted(subject, str(full)))
    except SourceUnavailable as error:
        gaps.append(Gap(source=source, reason=str(error)))
    except TimeoutError:
        gaps.append(Gap(source=source, reason=f"not everything was answered within {scope.deadline_s:g} s"))


async def _put(question: Question, visit: Visit, source: str, findings: list[Finding], gaps: list[Gap]) -> None:
    """One question; that it fails is no reason not to ask the next, unless the connection is lost."""
    try:
        findings.extend(await question(visit))
    except SourceUnavailable as error:
        if visit.look.closed:
            raise
        gaps.append(Gap(source=source, reason=str(error)))

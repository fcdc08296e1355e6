"""A visit to a MySQL or MariaDB."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.agents.database import mysql_server as server
from bot.agents.database import mysql_sessions as sessions
from bot.agents.database.mysql_statements import slow_statements
from bot.agents.database.subject import Subject
from bot.agents.database.thresholds import LONG_TRANSACTION_S
from bot.agents.database.visit import Told, Visit
from bot.telemetry.mysql import MySql, MySqlLook
from bot.telemetry.mysql_rows import MySqlTotals
from bot.telemetry.readings import Sample


@asynccontextmanager
async def mysql_visit(mysql: MySql, subject: Subject, sample_s: float) -> AsyncIterator[Visit]:
    """Connect, and offer what can be asked.

    Raises:
        SourceUnavailable: unreachable, refused, too old, or too slow.
    """
    async with mysql.look() as look:
        sample = Sample(look.totals, mysql.kept, over_s=sample_s, pause=mysql.pause, clock=time.monotonic)
        visitor = _Visitor(look, subject, sample)
        yield Visit(
            questions={
                "blocking_sessions": visitor.blocking_sessions,
                "long_transactions": visitor.long_transactions,
                "connections": visitor.connections,
                "slow_statements": visitor.slow_statements,
                "replication": visitor.replication,
                "deadlocks": visitor.deadlocks,
                "vacuum": visitor.vacuum,
                "storage": visitor.storage,
            },
            compared=frozenset({"connections", "slow_statements", "deadlocks", "vacuum", "storage"}),
            begin=visitor.begin,
            lost=lambda: look.closed,
        )


class _Visitor:
    def __init__(self, look: MySqlLook, subject: Subject, sample: Sample[MySqlTotals]) -> None:
        self._look = look
        self._subject = subject
        self._sample = sample
        self._told: set[int] = set()

    async def begin(self) -> Told:
        await self._sample.begin()
        return ()

    async def blocking_sessions(self) -> Told:
        seen = await self._look.locks()
        self._told |= {blocker.session.pid for blocker in seen.blockers}
        return sessions.blocking(self._subject, seen)

    async def long_transactions(self) -> Told:
        """Those who only wait are the victims of another."""
        seen = [one for one in await self._look.sessions() if not one.waits and one.pid not in self._told]
        told = sessions.transactions(self._subject, seen)
        self._told |= {one.pid for one in seen if (one.transaction_age_s or 0) > LONG_TRANSACTION_S}
        return told

    async def connections(self) -> Told:
        spans = await self._sample.spans()
        used, holders, ages = await self._look.connections(), await self._look.holders(), await self._look.ages()
        return (sessions.connections(self._subject, used, holders, spans, ages),)

    async def slow_statements(self) -> Told:
        active = [one for one in await self._look.sessions() if not one.waits and one.pid not in self._told]
        spans = await self._sample.spans()
        gaps = [self._subject.gap(why)] if (why := spans.last.no_digests) else []
        return [*slow_statements(self._subject, active, spans), *gaps]

    async def replication(self) -> Told:
        return (server.replication(self._subject, await self._look.replication()),)

    async def deadlocks(self) -> Told:
        spans = await self._sample.spans()
        latest = await self._look.latest_deadlock() if spans.last.deadlocks else None
        return (server.deadlocks(self._subject, spans, latest),)

    async def vacuum(self) -> Told:
        return (server.history(self._subject, await self._sample.spans()),)

    async def storage(self) -> Told:
        return server.storage(self._subject, await self._sample.spans(), await self._look.size_bytes())

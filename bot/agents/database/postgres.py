"""A visit to a PostgreSQL."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bot.agents.database import postgres_sessions as sessions
from bot.agents.database.fullness import FULL
from bot.agents.database.postgres_copies import replication
from bot.agents.database.postgres_locks import blocking
from bot.agents.database.postgres_statements import Load, slow_statements, table_scans
from bot.agents.database.postgres_storage import deadlocks, storage
from bot.agents.database.postgres_upkeep import vacuum
from bot.agents.database.subject import Subject
from bot.agents.database.thresholds import LONG_TRANSACTION_S, SLOW_STATEMENT_S
from bot.agents.database.visit import Told, Visit
from bot.models import Finding
from bot.telemetry.postgres import Look, Postgres
from bot.telemetry.postgres_totals import StatementDelta, Totals, statement_deltas
from bot.telemetry.readings import Sample

TEXTS = 20
"""Statements whose texts are asked for: those with the most time."""


@asynccontextmanager
async def postgres_visit(postgres: Postgres, subject: Subject, sample_s: float) -> AsyncIterator[Visit]:
    """Connect, and offer what can be asked.

    Raises:
        SourceUnavailable: unreachable, refused, too old, or too slow.
    """
    async with postgres.look() as look:
        sample = Sample(look.totals, postgres.kept, over_s=sample_s, pause=postgres.pause, clock=time.monotonic)
        visitor = _Visitor(postgres, look, subject, sample)
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
            compared=frozenset({"slow_statements", "deadlocks", "storage"}),
            begin=visitor.begin,
            lost=lambda: look.closed,
        )


class _Visitor:
    def __init__(self, postgres: Postgres, look: Look, subject: Subject, sample: Sample[Totals]) -> None:
        self._postgres = postgres
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
        return blocking(self._subject, seen)

    async def long_transactions(self) -> Told:
        """Those who only wait are the victims of another."""
        seen = await self._look.transactions(LONG_TRANSACTION_S)
        open_ones = [one for one in seen if one.pid not in self._told and one.wait_event_type != "Lock"]
        self._told |= {session.pid for session in open_ones}
        return sessions.transactions(self._subject, open_ones)

    async def connections(self) -> Told:
        used, holders = await self._look.connections(), await self._look.holders()
        begun = await self._look.beginnings() if sessions.fullness(used, holders) >= FULL else ()
        return (sessions.connections(self._subject, used, holders, begun),)

    async def slow_statements(self) -> Told:
        active = [one for one in await self._look.active(SLOW_STATEMENT_S) if one.pid not in self._told]
        spans = await self._sample.spans()
        load = Load(spans, await self._statements())
        told: list[Finding] = list(slow_statements(self._subject, active, load, table_scans(load)))
        return [*told, *([self._subject.gap(why)] if (why := spans.last.no_statements) else [])]

    async def replication(self) -> Told:
        return (replication(self._subject, await self._look.replication()),)

    async def deadlocks(self) -> Told:
        return (deadlocks(self._subject, await self._sample.spans()),)

    async def vacuum(self) -> Told:
        return vacuum(self._subject, await self._look.upkeep())

    async def storage(self) -> Told:
        spans = await self._sample.spans()
        space = await self._look.space()
        before = self._postgres.kept_space.before(space)
        self._postgres.kept_space.add(space)
        spilling = [delta for delta in await self._statements() if delta.temp_blocks > 0]
        return storage(self._subject, spans, space, before, spilling)

    async def _statements(self) -> tuple[StatementDelta, ...]:
        """What the most expensive statements did: the last moment's, then those of the longer stretch."""
        spans = await self._sample.spans()
        found: dict[int, StatementDelta] = {}
        for before, after in spans.pairs:
            for delta in _top(statement_deltas(before.statements or (), after.statements or ())):
                known = found.setdefault(delta.queryid, delta)
                if delta.slowdown > known.slowdown or delta.temp_blocks > known.temp_blocks:
                    found[delta.queryid] = delta
        return await self._look.texts(list(found.values()))


def _top(deltas: Sequence[StatementDelta]) -> Sequence[StatementDelta]:
    return deltas[:TEXTS]

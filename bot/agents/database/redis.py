"""A visit to a Redis."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.agents.database import redis_memory as memory
from bot.agents.database import redis_server as server
from bot.agents.database.subject import Subject
from bot.agents.database.visit import Told, Visit
from bot.models import Finding
from bot.telemetry.readings import Sample
from bot.telemetry.redis_rows import RedisTotals
from bot.telemetry.redis_server import RedisLook, RedisServer


@asynccontextmanager
async def redis_visit(redis: RedisServer, subject: Subject, sample_s: float) -> AsyncIterator[Visit]:
    """Connect, and offer what can be asked.

    Raises:
        SourceUnavailable: unreachable, refused, or too slow.
    """
    async with redis.look() as look:
        sample = Sample(look.totals, redis.kept, over_s=sample_s, pause=redis.pause, clock=time.monotonic)
        visitor = _Visitor(look, subject, sample)
        yield Visit(
            questions={
                "connections": visitor.connections,
                "slow_statements": visitor.slow_statements,
                "replication": visitor.replication,
                "storage": visitor.storage,
                "memory": visitor.memory,
            },
            compared=frozenset({"connections", "slow_statements", "replication", "storage", "memory"}),
            begin=visitor.begin,
            lost=lambda: look.lost,
        )


class _Visitor:
    def __init__(self, look: RedisLook, subject: Subject, sample: Sample[RedisTotals]) -> None:
        self._look = look
        self._subject = subject
        self._sample = sample

    async def begin(self) -> Told:
        await self._sample.begin()
        return ()

    async def connections(self) -> Told:
        spans = await self._sample.spans()
        return (server.connections(self._subject, spans, await self._look.holders(spans.last.clients)),)

    async def slow_statements(self) -> Told:
        spans = await self._sample.spans()
        return server.slow_commands(self._subject, spans, await self._look.slow_commands(), await self._look.latency())

    async def replication(self) -> Told:
        return (server.replication(self._subject, await self._sample.spans()),)

    async def storage(self) -> Told:
        return (server.persistence(self._subject, (await self._sample.spans()).last),)

    async def memory(self) -> Told:
        spans = await self._sample.spans()
        found: list[Finding] = list(memory.memory(self._subject, spans))
        if spans.last.blocked:
            waiting = await self._look.waiting_in(spans.last.clients)
            found += memory.blocked(self._subject, spans, waiting)
        return found

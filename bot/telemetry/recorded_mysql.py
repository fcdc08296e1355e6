"""A MySQL or MariaDB of a recorded case: its sessions and who waits for whom, as the server told them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

from pydantic import Field

from bot.models import Noun
from bot.telemetry.mysql import MySql, MySqlLook
from bot.telemetry.mysql_rows import (
    Deadlock,
    LockWait,
    MySqlAge,
    MySqlConnections,
    MySqlHolder,
    MySqlLocks,
    MySqlReplication,
    MySqlSession,
    MySqlTotals,
    lock_tree,
)
from bot.telemetry.recorded_answers import NO_DSN, Turns, at_once, known


class MySqlAnswers(Noun):
    """What a MySQL or MariaDB answered."""

    engine: Literal["mysql"]
    sessions: tuple[MySqlSession, ...] | None = Field(default=None, description="that work or have a transaction open")
    waits: tuple[LockWait, ...] = Field(default=(), description="who waits for whom, as far as the server tells")
    connections: MySqlConnections | None = None
    holders: tuple[MySqlHolder, ...] = ()
    ages: tuple[MySqlAge, ...] = Field(default=(), description="of all sessions")
    totals: tuple[MySqlTotals, ...] = Field(default=(), description="in order of time; the last two are a moment apart")
    deadlock: Deadlock | None = Field(default=None, description="the latest that the server remembers")
    replication: MySqlReplication | None = None
    size_bytes: int | None = None


class RecordedMySql(MySql):
    """A MySQL whose answers were kept."""

    def __init__(self, name: str, kept: MySqlAnswers) -> None:
        super().__init__(name, NO_DSN, pause=at_once)
        self._answers = kept
        for earlier in kept.totals[:-2]:
            self.kept.add(earlier)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[MySqlLook]:
        """Nothing is connected to."""
        yield RecordedMySqlLook(self.name, self._answers)


class RecordedMySqlLook(MySqlLook):
    """The questions, answered from the recording."""

    def __init__(self, name: str, kept: MySqlAnswers) -> None:
        self._name = name
        self._kept = kept
        self._totals = Turns(kept.totals[-2:])

    @property
    def closed(self) -> bool:
        """A recording never goes away."""
        return False

    async def sessions(self) -> tuple[MySqlSession, ...]:
        """All sessions that work or have a transaction open."""
        return known(self._kept.sessions, self._name, "sessions")

    async def locks(self) -> MySqlLocks:
        """Who blocks whom."""
        return lock_tree(await self.sessions(), self._kept.waits)

    async def connections(self) -> MySqlConnections:
        """How many connections are used."""
        return known(self._kept.connections, self._name, "connections")

    async def holders(self) -> tuple[MySqlHolder, ...]:
        """Who holds the most connections."""
        return self._kept.holders

    async def ages(self) -> tuple[MySqlAge, ...]:
        """How long each session has been there at least."""
        return self._kept.ages

    async def totals(self) -> MySqlTotals:
        """One reading, then the next."""
        return known(self._totals.next(), self._name, "totals")

    async def latest_deadlock(self) -> Deadlock | None:
        """What the server remembered of it."""
        return self._kept.deadlock

    async def replication(self) -> MySqlReplication:
        """Whom it follows, and who follows it."""
        return known(self._kept.replication, self._name, "replication")

    async def size_bytes(self) -> int:
        """How large InnoDB's files are."""
        return known(self._kept.size_bytes, self._name, "size_bytes")

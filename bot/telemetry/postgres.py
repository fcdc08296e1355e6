"""A read-only view into one PostgreSQL: fixed questions about its own state, never about its tables."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection, Error
from psycopg.errors import InsufficientPrivilege, QueryCanceled
from psycopg.rows import class_row, dict_row
from psycopg.sql import SQL, Composed, Identifier
from pydantic import SecretStr

from bot.errors import SourceUnavailable
from bot.models import Noun
from bot.postgres import connect, first_line
from bot.telemetry import postgres_queries as queries
from bot.telemetry.postgres_rows import (
    Connections,
    Counters,
    Holder,
    LockedSession,
    Locks,
    Prepared,
    Replication,
    Role,
    Session,
    Slot,
    Standby,
    StatementCounts,
    StatementDelta,
    deltas,
    lock_tree,
)

Row = TypeVar("Row", bound=Noun)
Pause = Callable[[float], Awaitable[None]]

OLDEST_VERSION = 140000
CONNECTIONS_AT_ONCE = 2
COMPARED_S = 3600.0
"""How far back totals are compared."""


class Look:
    """One connection's questions. Each is a read-only transaction of its own, so that none sees stale statistics."""

    def __init__(
        self, name: str, connection: AsyncConnection[Any], pause: Pause, history: deque[Counters] | None = None
    ) -> None:
        self._name = name
        self._connection = connection
        self._pause = pause
        self._history: deque[Counters] = deque() if history is None else history

    @property
    def closed(self) -> bool:
        """Whether the connection is lost."""
        return self._connection.closed

    async def role(self) -> Role:
        """As whom we look."""
        return (await self._rows(Role, queries.ROLE))[0]

    async def locks(self) -> Locks:
        """Who blocks whom."""
        sessions = await self._rows(LockedSession, queries.LOCKS)
        behind_nobody = any(0 in (session.blocked_by or ()) for session in sessions)
        prepared = await self._rows(Prepared, queries.PREPARED) if behind_nobody else []
        return lock_tree(sessions, tuple(prepared))

    async def transactions(self, older_than_s: float) -> tuple[Session, ...]:
        """Sessions whose transaction is older, the oldest first."""
        return tuple(await self._rows(Session, queries.TRANSACTIONS, older_than_s=older_than_s))

    async def active(self, older_than_s: float) -> tuple[Session, ...]:
        """Sessions that have worked on one statement for longer, the longest first."""
        return tuple(await self._rows(Session, queries.ACTIVE, older_than_s=older_than_s))

    async def connections(self) -> Connections:
        """How many connections are used."""
        return (await self._rows(Connections, queries.CONNECTIONS))[0]

    async def holders(self) -> tuple[Holder, ...]:
        """Who holds the most connections."""
        return tuple(await self._rows(Holder, queries.HOLDERS))

    async def counters(self) -> Counters:
        """Running totals of this database; they are kept for later looks to compare with."""
        counters = (await self._rows(Counters, queries.COUNTERS))[0]
        while self._history and (counters.at - self._history[0].at).total_seconds() > COMPARED_S:
            self._history.popleft()
        self._history.append(counters)
        return counters

    @property
    def earlier_counters(self) -> Counters | None:
        """The oldest totals, before the last ones, that are not too old to compare with."""
        return self._history[0] if len(self._history) > 1 else None

    async def size_bytes(self) -> int:
        """How large the database is on disk."""
        return int((await self._dicts(SQL(queries.SIZE)))[0]["bytes"])

    async def replication(self) -> Replication:
        """How far copies are behind."""
        recovery = (await self._dicts(SQL(queries.RECOVERY)))[0]
        return Replication(
            **recovery,
            standbys=tuple(await self._rows(Standby, queries.STANDBYS)),
            slots=tuple(await self._rows(Slot, queries.SLOTS)),
        )

    async def statements(self, over_s: float, *, limit: int = 5) -> tuple[StatementDelta, ...] | None:
        """What pg_stat_statements counted within the next `over_s` seconds; None where the extension is missing."""
        found = await self._dicts(SQL(queries.STATEMENTS_SCHEMA))
        if not found:
            return None
        schema = Identifier(found[0]["nspname"])
        counts = SQL(queries.STATEMENT_COUNTS).format(schema=schema)
        before = await self._rows(StatementCounts, counts)
        await self._pause(over_s)
        after = await self._rows(StatementCounts, counts)
        top = deltas(before, after, {})[:limit]
        asked = SQL(queries.STATEMENT_TEXTS).format(schema=schema)
        rows = await self._dicts(asked, queryids=[delta.queryid for delta in top])
        texts = {row["queryid"]: row["query"] for row in rows}
        return deltas(before, after, texts)[:limit]

    async def _rows(self, row: type[Row], query: LiteralString | Composed, **parameters: Any) -> list[Row]:
        asked = query if isinstance(query, Composed) else SQL(query)
        with _failures(self._name):
            async with self._connection.transaction(), self._connection.cursor(row_factory=class_row(row)) as cursor:
                return await (await cursor.execute(asked, parameters)).fetchall()

    async def _dicts(self, query: SQL | Composed, **parameters: Any) -> list[dict[str, Any]]:
        with _failures(self._name):
            async with self._connection.transaction(), self._connection.cursor(row_factory=dict_row) as cursor:
                return await (await cursor.execute(query, parameters)).fetchall()


class Postgres:
    """One database, looked at through a read-only role (a member of `pg_monitor`).

    Args:
        name: its name in the catalogue.
        dsn: connection string; it never appears in an error or in a log.
        statement_timeout_s: the server ends a question that takes longer.
        pause: how to wait between two readings.
    """

    def __init__(
        self,
        name: str,
        dsn: SecretStr,
        *,
        connect_timeout_s: int = 3,
        statement_timeout_s: float = 5.0,
        pause: Pause = asyncio.sleep,
    ) -> None:
        self.name = name
        self._dsn = dsn
        self._connect_timeout_s = connect_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self._pause = pause
        self._history: deque[Counters] = deque(maxlen=64)
        self._seats = asyncio.Semaphore(CONNECTIONS_AT_ONCE)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Look]:
        """Connect, ask, leave. A database in trouble is not burdened with more than a few of our connections.

        Raises:
            SourceUnavailable: unreachable, refused, too old, or too slow; without the password.
            ConnectionsExhausted: no connection is left.
        """
        async with self._seats:
            connection = await self._connected()
            try:
                self._check_version(connection.info.server_version)
                yield Look(self.name, connection, self._pause, self._history)
            finally:
                await connection.close()

    async def _connected(self) -> AsyncConnection[Any]:
        timeout = int(self._statement_timeout_s * 1000)
        connection = await connect(
            self.name,
            self._dsn,
            application="nightdesk",
            timeout_s=self._connect_timeout_s,
            parameters={
                "default_transaction_read_only": "on",
                "statement_timeout": timeout,
                "lock_timeout": timeout,
                "idle_in_transaction_session_timeout": timeout,
            },
        )
        await connection.set_read_only(True)
        return connection

    def _check_version(self, version: int) -> None:
        if version < OLDEST_VERSION:
            raise SourceUnavailable(
                f"Database {self.name} runs PostgreSQL {version // 10000}; version 14 or newer is needed."
            )


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """Say a driver's error in a sentence of ours."""
    try:
        yield
    except QueryCanceled as error:
        raise SourceUnavailable(f"Database {name} did not answer a catalogue question in time.") from error
    except InsufficientPrivilege as error:
        raise SourceUnavailable(
            f"Database {name} refused a question: grant pg_monitor to the read-only role ({first_line(error)})."
        ) from error
    except Error as error:
        raise SourceUnavailable(f"Database {name} answered with an error: {first_line(error)}") from error

"""A read-only view into one PostgreSQL: fixed questions about its own state, never about its tables."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString, TypeVar

from psycopg import AsyncConnection, Error, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from psycopg.errors import InsufficientPrivilege, QueryCanceled
from psycopg.rows import class_row, dict_row
from psycopg.sql import SQL, Composed, Identifier
from pydantic import SecretStr

from bot.errors import SourceUnavailable
from bot.models import Noun
from bot.telemetry import postgres_queries as queries
from bot.telemetry.postgres_rows import (
    Connections,
    Counters,
    Holder,
    LockedSession,
    Locks,
    Prepared,
    Replication,
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
_FULL = ("too many clients", "too many connections", "remaining connection slots")


class ConnectionsExhausted(SourceUnavailable):
    """The server has no connection left; that is itself evidence."""


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
            with _failures(self.name):
                connection = await AsyncConnection.connect(**self._parameters(), autocommit=False)
                await connection.set_read_only(True)
            try:
                self._check_version(connection.info.server_version)
                yield Look(self.name, connection, self._pause, self._history)
            finally:
                await connection.close()

    async def waiting_sessions(self) -> float:
        """How many sessions wait for a lock now: the reading by which a removed blocker is verified.

        Raises:
            SourceUnavailable: as `look`.
        """
        async with self.look() as look:
            return float((await look.locks()).waiting)

    def _parameters(self) -> Mapping[str, Any]:
        try:
            given = conninfo_to_dict(self._dsn.get_secret_value())
        except ProgrammingError:
            # the parser's message quotes the string, and with it the password
            raise SourceUnavailable(
                f"The connection string of database {self.name} cannot be read: "
                "write it as postgresql://role:password@host:port/database."
            ) from None
        milliseconds = int(self._statement_timeout_s * 1000)
        options = (
            "-c default_transaction_read_only=on"
            f" -c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
            f" -c idle_in_transaction_session_timeout={milliseconds}"
        )
        return {
            **given,
            "application_name": "nightdesk",
            "connect_timeout": self._connect_timeout_s,
            "options": f"{given.get('options') or ''} {options}".strip(),
        }

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
            f"Database {name} refused a catalogue question: grant pg_monitor to the read-only role ({_first(error)})."
        ) from error
    except OperationalError as error:
        if any(sign in str(error) for sign in _FULL):
            raise ConnectionsExhausted(f"Database {name} has no connection left: {_first(error)}") from None
        raise SourceUnavailable(f"Database {name} did not answer: {_first(error)}") from None
    except Error as error:
        raise SourceUnavailable(f"Database {name} answered with an error: {_first(error)}") from error


def _first(error: Error) -> str:
    """The last line of a connection error is the server's; others have one line that matters."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:300]

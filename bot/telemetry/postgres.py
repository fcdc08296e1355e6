"""A read-only view into one PostgreSQL: fixed questions about its own state, never about its tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
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
from bot.telemetry.observed import Role
from bot.telemetry.postgres_rows import (
    Beginning,
    Connections,
    Holder,
    Horizon,
    LockedSession,
    Locks,
    Prepared,
    Replication,
    Session,
    Slot,
    Space,
    Standby,
    Unclean,
    Upkeep,
    Wraparound,
    lock_tree,
)
from bot.telemetry.postgres_totals import Checkpoints, Counters, StatementCounts, StatementDelta, TableCounts, Totals
from bot.telemetry.readings import Pause, Readings
from bot.telemetry.refusals import Clock, Refusals
from bot.telemetry.statement import masked

Row = TypeVar("Row", bound=Noun)

OLDEST_VERSION = 140000
CHECKPOINTER_SINCE = 170000
"""From this version on checkpoints are counted in a view of their own."""
CONNECTIONS_AT_ONCE = 2
NO_STATEMENTS = (
    "statements are not counted: add pg_stat_statements to shared_preload_libraries, restart the server, and run "
    "CREATE EXTENSION pg_stat_statements in this database"
)


class Look:
    """One connection's questions. Each is a read-only transaction of its own, so that none sees stale statistics."""

    def __init__(self, name: str, connection: AsyncConnection[Any]) -> None:
        self._name = name
        self._connection = connection

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

    async def beginnings(self) -> tuple[Beginning, ...]:
        """When each session but ours connected."""
        return tuple(await self._rows(Beginning, queries.BEGINNINGS))

    async def totals(self) -> Totals:
        """Running totals; two of them tell what happened in between."""
        statements, why = await self._statements()
        new = self._connection.info.server_version >= CHECKPOINTER_SINCE
        return Totals(
            counters=(await self._rows(Counters, queries.COUNTERS))[0],
            checkpoints=(await self._rows(Checkpoints, queries.CHECKPOINTS if new else queries.CHECKPOINTS_UNTIL_16))[
                0
            ],
            tables=tuple(await self._rows(TableCounts, queries.TABLES)),
            statements=statements,
            no_statements=why,
        )

    async def upkeep(self) -> Upkeep:
        """How far vacuum is, and what holds it up."""
        horizon = await self._rows(Horizon, queries.HORIZON)
        return Upkeep(
            wraparound=(await self._rows(Wraparound, queries.WRAPAROUND))[0],
            unclean=tuple(await self._rows(Unclean, queries.UNCLEAN)),
            horizon=horizon[0] if horizon else None,
            **(await self._dicts(SQL(queries.STALLED_VACUUMS)))[0],
        )

    async def space(self) -> Space:
        """What lies on the disk."""
        return (await self._rows(Space, queries.SPACE))[0]

    async def replication(self) -> Replication:
        """How far copies are behind."""
        recovery = (await self._dicts(SQL(queries.RECOVERY)))[0]
        return Replication(
            **recovery,
            standbys=tuple(await self._rows(Standby, queries.STANDBYS)),
            slots=tuple(await self._rows(Slot, queries.SLOTS)),
        )

    async def texts(self, deltas: Sequence[StatementDelta]) -> tuple[StatementDelta, ...]:
        """The same with their statements."""
        schema = await self._statements_schema()
        if schema is None or not deltas:
            return tuple(deltas)
        asked = SQL(queries.STATEMENT_TEXTS).format(schema=schema)
        rows = await self._dicts(asked, queryids=[delta.queryid for delta in deltas])
        # the same counted statement is one text, whoever ran it
        texts = {row["queryid"]: masked(row["query"]) for row in rows}
        return tuple(delta.model_copy(update={"statement": texts.get(delta.queryid, "")}) for delta in deltas)

    async def _statements(self) -> tuple[tuple[StatementCounts, ...] | None, str]:
        """What pg_stat_statements counts; where it does not, why."""
        schema = await self._statements_schema()
        if schema is None:
            return None, NO_STATEMENTS
        try:
            return tuple(await self._rows(StatementCounts, SQL(queries.STATEMENT_COUNTS).format(schema=schema))), ""
        except SourceUnavailable as error:
            if self.closed:
                raise
            return None, str(error)

    async def _statements_schema(self) -> Identifier | None:
        found = await self._dicts(SQL(queries.STATEMENTS_SCHEMA))
        return Identifier(found[0]["nspname"]) if found else None

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
        clock: tells when the server refused us.
    """

    def __init__(
        self,
        name: str,
        dsn: SecretStr,
        *,
        connect_timeout_s: int = 3,
        statement_timeout_s: float = 5.0,
        pause: Pause = asyncio.sleep,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._dsn = dsn
        self._connect_timeout_s = connect_timeout_s
        self._statement_timeout_s = statement_timeout_s
        self.pause = pause
        self.refusals = Refusals(clock)
        self.kept: Readings[Totals] = Readings()
        self.kept_space: Readings[Space] = Readings()
        self._seats = asyncio.Semaphore(CONNECTIONS_AT_ONCE)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Look]:
        """Connect, ask, leave. A database in trouble is not burdened with more than a few of our connections.

        Raises:
            SourceUnavailable: unreachable, refused, too old, or too slow; without the password.
            ConnectionsExhausted: no connection is left.
        """
        async with self._seats:
            with self.refusals.watched():
                connection = await self._connected()
            try:
                self._check_version(connection.info.server_version)
                yield Look(self.name, connection)
            finally:
                await connection.close()

    async def keep(self) -> None:
        """Take a reading for later looks to compare with.

        Raises:
            SourceUnavailable: as for a look.
        """
        async with self.look() as look:
            self.kept.add(await look.totals())
            self.kept_space.add(await look.space())

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

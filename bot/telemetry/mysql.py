"""A read-only view into one MySQL or MariaDB: fixed questions about its own state, never about its tables.

The driver blocks, so every question is asked in a thread; the server ends one that takes too long.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

from pydantic import SecretStr

from bot.errors import SourceUnavailable
from bot.models import Noun
from bot.mysql import Connection, connect, failures
from bot.telemetry import mysql_queries as queries
from bot.telemetry.mysql_deadlock import latest_deadlock
from bot.telemetry.mysql_replica import channel
from bot.telemetry.mysql_rows import (
    Deadlock,
    Digest,
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
from bot.telemetry.observed import Role
from bot.telemetry.readings import Pause, Readings
from bot.telemetry.refusals import Clock, Refusals

Row = TypeVar("Row", bound=Noun)

OLDEST_MYSQL = (8, 0, 0)
OLDEST_MARIADB = (10, 5, 0)
CONNECTIONS_AT_ONCE = 2
NO_DIGESTS = (
    "statements are not counted: set performance_schema = ON in the server's configuration, restart it, and "
    "GRANT SELECT ON performance_schema.* to the read-only role"
)
READS = frozenset({"USAGE", "SELECT", "PROCESS", "SHOW DATABASES", "SHOW VIEW", "REPLICATION CLIENT", "BINLOG MONITOR",
                   "SLAVE MONITOR", "REPLICA MONITOR", "SHOW CREATE ROUTINE", "SHOW_ROUTINE"})  # fmt: skip
"""Grants with which nothing can be changed."""
_STATUS = (
    "Threads_connected", "Threads_running", "Max_used_connections", "Connection_errors_max_connections", "Uptime",
    "Created_tmp_disk_tables", "Created_tmp_tables", "Innodb_deadlocks", "Innodb_history_list_length",
    "Innodb_buffer_pool_reads", "Innodb_buffer_pool_read_requests",
)  # fmt: skip


class MySqlLook:
    """One connection's questions. Each is a read-only transaction of its own."""

    def __init__(self, name: str, connection: Connection, version: tuple[int, ...], *, mariadb: bool) -> None:
        self._name = name
        self._connection = connection
        self._version = version
        self.mariadb = mariadb

    @property
    def closed(self) -> bool:
        """Whether the connection is lost."""
        return not self._connection.open

    async def role(self) -> Role:
        """As whom we look."""
        name = str((await self._dicts(queries.ROLE))[0]["name"])
        grants = [str(next(iter(row.values()))) for row in await self._dicts(queries.GRANTS)]
        granted = {privilege for grant in grants for privilege in privileges(grant)}
        everywhere = {privilege for grant in grants if " ON *.* TO " in grant for privilege in privileges(grant)}
        return Role(
            name=name, may_write=bool(granted - READS), monitors=bool(everywhere & {"PROCESS", "ALL PRIVILEGES"})
        )

    async def sessions(self) -> tuple[MySqlSession, ...]:
        """All sessions that work or have a transaction open."""
        return tuple(await self._rows(MySqlSession, queries.SESSIONS))

    async def locks(self) -> MySqlLocks:
        """Who blocks whom, by rows and by tables."""
        sessions = await self.sessions()
        if not any(session.waits for session in sessions):
            return MySqlLocks(waiting=0, blockers=())
        waits = await self.waits(sessions)
        locks = lock_tree(sessions, waits)
        return await self._with_last_statements(locks)

    async def waits(self, sessions: Iterable[MySqlSession]) -> tuple[LockWait, ...]:
        """Who waits for whom, as far as the server tells; for tables only where one of the sessions waits for one."""
        waits = await self._rows(LockWait, queries.ROW_LOCKS_MARIADB if self.mariadb else queries.ROW_LOCKS_MYSQL)
        if any(session.waits_for_metadata for session in sessions):
            waits += await self._rows(LockWait, queries.METADATA_LOCKS)
        return tuple(waits)

    async def connections(self) -> MySqlConnections:
        """How many connections are used."""
        status = await self._status()
        limits = await self._named(queries.VARIABLES, ("max_connections", "max_user_connections"))
        return MySqlConnections(
            used=_whole(status, "Threads_connected"),
            limit_total=_whole(limits, "max_connections"),
            limit_user=_whole(limits, "max_user_connections"),
            running=_whole(status, "Threads_running"),
        )

    async def holders(self) -> tuple[MySqlHolder, ...]:
        """Who holds the most connections."""
        return tuple(await self._rows(MySqlHolder, queries.HOLDERS))

    async def ages(self) -> tuple[MySqlAge, ...]:
        """How long each session but ours has been there at least."""
        return tuple(await self._rows(MySqlAge, queries.AGES))

    async def totals(self) -> MySqlTotals:
        """Running totals; two of them tell what happened in between."""
        status = await self._status()
        metrics = {row["name"]: row["count"] for row in await self._dicts(queries.INNODB_METRICS)}
        digests, why = await self._digests()
        return MySqlTotals(
            at=(await self._dicts(queries.NOW))[0]["at"],
            uptime_s=_whole(status, "Uptime"),
            deadlocks=_whole(status, "Innodb_deadlocks") or int(metrics.get("lock_deadlocks", 0)),
            history_length=_whole(status, "Innodb_history_list_length") or int(metrics.get("trx_rseg_history_len", 0)),
            disk_tables=_whole(status, "Created_tmp_disk_tables"),
            memory_tables=_whole(status, "Created_tmp_tables"),
            page_reads=_whole(status, "Innodb_buffer_pool_reads"),
            page_requests=_whole(status, "Innodb_buffer_pool_read_requests"),
            most_connections=_whole(status, "Max_used_connections"),
            refused=_whole(status, "Connection_errors_max_connections"),
            digests=digests,
            no_digests=why,
        )

    async def latest_deadlock(self) -> Deadlock | None:
        """What the server remembers of it."""
        return latest_deadlock(str((await self._dicts(queries.INNODB_STATUS))[0]["Status"]))

    async def replication(self) -> MySqlReplication:
        """Whom it follows, and who follows it."""
        if self.mariadb:
            asked = queries.REPLICAS_MARIADB
        else:
            asked = queries.REPLICAS_MYSQL if self._version >= (8, 0, 22) else queries.REPLICAS_MYSQL_BEFORE_8_0_22
        return MySqlReplication(
            channels=tuple(channel(row) for row in await self._dicts(asked)),
            followers=int((await self._dicts(queries.FOLLOWERS))[0]["followers"]),
        )

    async def size_bytes(self) -> int:
        """How large InnoDB's files are."""
        asked = queries.SIZE_MARIADB if self.mariadb else queries.SIZE_MYSQL
        return int((await self._dicts(asked))[0]["bytes"])

    async def _digests(self) -> tuple[tuple[Digest, ...] | None, str]:
        """What performance_schema counts; where it does not, why."""
        on = await self._named(queries.VARIABLES, ("performance_schema",))
        if on.get("performance_schema") != "ON":
            return None, NO_DIGESTS
        try:
            return tuple(await self._rows(Digest, queries.DIGESTS)), ""
        except SourceUnavailable as error:
            if self.closed:
                raise
            return None, str(error)

    async def _with_last_statements(self, locks: MySqlLocks) -> MySqlLocks:
        """What those who hold the others up did last, where the server remembers it."""
        silent = [blocker.session.pid for blocker in locks.blockers if not blocker.session.statement]
        if not silent:
            return locks
        try:
            rows = await self._dicts(queries.LAST_STATEMENTS, pids=silent)
        except SourceUnavailable:
            if self.closed:
                raise
            return locks  # it is told without; that the role may not read performance_schema is said elsewhere
        last = {int(row["pid"]): row["statement"] for row in rows}

        def told(session: MySqlSession) -> MySqlSession:
            return MySqlSession.model_validate(
                {**session.model_dump(by_alias=True), "statement": last.get(session.pid) or session.statement}
            )

        blockers = tuple(blocker.model_copy(update={"session": told(blocker.session)}) for blocker in locks.blockers)
        return locks.model_copy(update={"blockers": blockers})

    async def _status(self) -> Mapping[str, str]:
        return await self._named(queries.STATUS, _STATUS)

    async def _named(self, query: str, names: tuple[str, ...]) -> Mapping[str, str]:
        return {row["Variable_name"]: row["Value"] for row in await self._dicts(query, names=names)}

    async def _rows(self, row: type[Row], query: str, **parameters: Any) -> list[Row]:
        return [row.model_validate(found) for found in await self._dicts(query, **parameters)]

    async def _dicts(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        return await asyncio.to_thread(_asked, self._name, self._connection, query, parameters)


class MySql:
    """One server, looked at through a read-only role.

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
        self.kept: Readings[MySqlTotals] = Readings()
        self._seats = asyncio.Semaphore(CONNECTIONS_AT_ONCE)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[MySqlLook]:
        """Connect, ask, leave. A database in trouble is not burdened with more than a few of our connections.

        Raises:
            SourceUnavailable: unreachable, refused, too old, or too slow; without the password.
            ConnectionsExhausted: no connection is left.
        """
        async with self._seats:
            with self.refusals.watched():
                connection = await asyncio.to_thread(
                    connect, self.name, self._dsn, timeout_s=self._connect_timeout_s,
                    answer_s=self._statement_timeout_s + 1,
                )  # fmt: skip
            try:
                yield await asyncio.to_thread(self._prepared, connection)
            finally:
                # in a thread that nobody waits for: the connection may still be in the middle of an answer
                asyncio.get_running_loop().run_in_executor(None, _left, connection)

    async def keep(self) -> None:
        """Take a reading for later looks to compare with.

        Raises:
            SourceUnavailable: as for a look.
        """
        async with self.look() as look:
            self.kept.add(await look.totals())

    def _prepared(self, connection: Connection) -> MySqlLook:
        """Make the session read-only and bounded, whatever the role may do."""
        name, limit = self.name, self._statement_timeout_s
        text = str(_asked(name, connection, queries.VERSION, {})[0]["version"])
        mariadb = "mariadb" in text.casefold()
        version = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
        self._check_version(text, version, mariadb=mariadb)
        _asked(name, connection, queries.READ_ONLY, {})
        _asked(name, connection, queries.SYSTEM_TIME, {})
        _asked(name, connection, queries.LOCK_TIMEOUT, {"seconds": max(1, int(limit))})
        if mariadb:
            _asked(name, connection, queries.TIMEOUT_MARIADB, {"seconds": limit})
        else:
            _asked(name, connection, queries.TIMEOUT_MYSQL, {"milliseconds": int(limit * 1000)})
        return MySqlLook(name, connection, version, mariadb=mariadb)

    def _check_version(self, text: str, version: tuple[int, ...], *, mariadb: bool) -> None:
        if version < (OLDEST_MARIADB if mariadb else OLDEST_MYSQL):
            raise SourceUnavailable(
                f"Database {self.name} runs version {text}; MySQL 8.0, MariaDB 10.5 or newer is needed."
            )


def privileges(grant: str) -> frozenset[str]:
    """The privileges of one line of `SHOW GRANTS`; none for a line that gives a role, whose own lines follow."""
    found = re.match(r"GRANT (.*?) ON ", grant)
    if found is None:
        return frozenset()
    plain = re.sub(r"\([^)]*\)", "", found.group(1))
    options = {"GRANT OPTION"} if grant.rstrip().endswith("WITH GRANT OPTION") else set()
    return frozenset({privilege.strip().upper() for privilege in plain.split(",")} | options)


def _asked(name: str, connection: Connection, query: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with failures(name), connection.cursor() as cursor:
        cursor.execute(query, parameters or None)
        return list(cursor.fetchall())


def _left(connection: Connection) -> None:
    if connection.open:
        connection.close()


def _whole(values: Mapping[str, str], name: str) -> int:
    return int(values.get(name) or 0)

"""A queue at a table of a real MariaDB, and what the server answers while it stands: how the recorded one was made.

python -m tests.servers.mariadb_queue      writes `database.json` of a case in tests/cases/, in about two minutes

A report keeps its transaction open and with it a row; three payments wait for that row; a migration waits until all of
them have left the table; everybody else waits behind the migration, until no connection is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.telemetry.mysql import MySql, MySqlLook
from bot.telemetry.mysql_rows import MySqlHolder, MySqlSession, MySqlTotals
from bot.telemetry.recorded_mysql import MySqlAnswers
from tests.servers.mariadb import MAX_CONNECTIONS, MariaDbServer, MariaDbSession, fresh_server, until
from tests.unit.canvas.answers import END, written
from tests.unit.canvas.recordings import CASES

CASE = "payments-failing-mysql"
NAME = "ledger"
"""Of the database, on the server and in the catalogue."""
AGO = "UPDATE payments SET state = 'settled' WHERE id = 7"
MIGRATION = "ALTER TABLE payments ADD COLUMN channel varchar(20)"
ROW_WAITERS = 3
OTHERS = 4
"""Connections of the report, of the migration, and two of those who look on."""
TOLD = (
    "UPDATE performance_schema.setup_instruments SET ENABLED = '{}' WHERE NAME = 'wait/lock/metadata/sql/mdl'",
    "UPDATE performance_schema.setup_consumers SET ENABLED = '{}' WHERE NAME = 'events_statements_current'",
)
HOSTS = {"reports": "10.20.0.40", "migrations": "10.20.0.50", "payments": "10.20.0.11"}
"""Where the clients of the recording are; the real ones are on this machine."""
HELD_S = 100.0


@dataclass(frozen=True)
class Queue:
    """It stands, and who is to be asked about it."""

    look: MySqlLook
    root: MariaDbSession
    earlier: MySqlTotals
    """Before it began."""


@asynccontextmanager
async def queue(server: MariaDbServer, *, payments: int = MAX_CONNECTIONS - OTHERS) -> AsyncIterator[Queue]:
    """The queue stands while the block runs; with as many payments as there are by default, no connection is left."""
    with ExitStack() as stack:
        onlooker = stack.enter_context(server.session("nightdesk_reader"))
        _set_up(server)
        stack.callback(_clear_away, server)
        look = MySql(NAME, server.dsn("nightdesk_reader")).look()
        async with look as looking:
            await _alone(onlooker)
            with ExitStack() as sessions:
                yield await _formed(sessions, server, onlooker, looking, payments)


async def _formed(
    stack: ExitStack, server: MariaDbServer, onlooker: MariaDbSession, look: MySqlLook, waiters: int
) -> Queue:
    def session(user: str) -> MariaDbSession:
        return stack.enter_context(server.session(user, NAME))

    root, altering = session("reports"), session("migrations")
    payments = [session("payments") for _ in range(waiters)]
    for number in range(300):
        payments[0].do(f"SELECT state FROM payments WHERE id = {1 + number % 20}")
    earlier = await look.totals()
    root.do("BEGIN", AGO)
    stack.callback(root.do, "ROLLBACK")  # lets everybody go on, before their sessions are left
    for number, waiter in enumerate(payments, 1):
        waiter.do("SET SESSION innodb_lock_wait_timeout = 600")
        if number == ROW_WAITERS + 1:
            altering.begin(MIGRATION)
            await _waiting(onlooker, number)
        waiter.begin(
            "UPDATE payments SET state = 'captured' WHERE id = 7"
            if number <= ROW_WAITERS or number % 2
            else f"SELECT state FROM payments WHERE id = {number}"
        )
        await _waiting(onlooker, number + (number > ROW_WAITERS))
    return Queue(look, root, earlier)


def _set_up(server: MariaDbServer) -> None:
    with server.root() as root:
        root.do(
            *(line.format("YES") for line in TOLD),
            f"CREATE DATABASE {NAME}",
            f"CREATE TABLE {NAME}.payments (id int PRIMARY KEY, state varchar(20) NOT NULL DEFAULT 'new')",
            f"INSERT INTO {NAME}.payments (id) SELECT seq FROM {NAME}.seq_1_to_20",
            *(f"GRANT ALL ON {NAME}.* TO {user}@'%'" for user in HOSTS),
        )


def _clear_away(server: MariaDbServer) -> None:
    with server.root() as root:
        root.do(f"DROP DATABASE {NAME}", *(line.format("NO") for line in TOLD))


async def _alone(onlooker: MariaDbSession) -> None:
    others = (
        "SELECT count(*) AS n FROM information_schema.PROCESSLIST WHERE USER NOT IN ('nightdesk_reader', 'system user')"
    )
    await until(onlooker, others, lambda row: row["n"] == 0, "the end of all other sessions")


async def _waiting(onlooker: MariaDbSession, sessions: int) -> None:
    """Until so many wait, for a row or for the table.

    INNODB_TRX would tell it more exactly, but who asks it again and again is given the same answer again and again.
    """
    query = (
        "SELECT count(*) AS n FROM information_schema.PROCESSLIST WHERE COMMAND = 'Query' "
        "AND (STATE LIKE '%metadata lock%' OR STATE = 'Updating')"
    )
    await until(onlooker, query, lambda row: row["n"] == sessions, f"{sessions} waiting sessions")


async def answers(standing: Queue, *, at: datetime, between_s: float) -> MySqlAnswers:
    """What the server answers now, as if the last reading were taken `at`."""
    look = standing.look
    sessions, locks = await look.sessions(), await look.locks()
    last_said = {blocker.session.pid: blocker.session for blocker in locks.blockers}
    first = await look.totals()
    await asyncio.sleep(between_s)
    readings = (standing.earlier, first, await look.totals())
    return MySqlAnswers(
        engine="mysql",
        sessions=tuple(_elsewhere(last_said.get(one.pid, one)) for one in sessions if one.user in HOSTS),
        waits=tuple(sorted(await look.waits(sessions), key=lambda wait: (wait.waiter, wait.blocker))),
        connections=await look.connections(),
        holders=tuple(_elsewhere(one) for one in await look.holders()),
        ages=await look.ages(),
        totals=tuple(_own(one).model_copy(update={"at": at - (readings[-1].at - one.at)}) for one in readings),
        replication=await look.replication(),
        size_bytes=await look.size_bytes(),
    )


def _elsewhere(one: MySqlSession | MySqlHolder) -> Any:
    return one.model_copy(update={"client": HOSTS.get(one.user or "", "10.20.0.2")})


def _own(reading: MySqlTotals) -> MySqlTotals:
    """With the statements of the services, and of onlookers those by which their temporary tables are told apart."""
    kept = tuple(
        line
        for line in reading.digests or ()
        if (line.schema_name == NAME and not line.of_onlooker) or (line.of_onlooker and line.disk_tables)
    )
    return reading.model_copy(update={"digests": kept})


async def recorded(held_s: float) -> Mapping[str, MySqlAnswers]:
    """From a server of its own, when the queue has stood for a while."""
    with fresh_server() as server:
        async with queue(server) as standing:
            await asyncio.sleep(held_s)
            return {NAME: await answers(standing, at=END, between_s=1.0)}


if __name__ == "__main__":
    (CASES / CASE / "database.json").write_text(written(asyncio.run(recorded(HELD_S))))

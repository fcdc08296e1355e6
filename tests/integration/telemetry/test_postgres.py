"""Looking into a real PostgreSQL through its read-only role."""

from __future__ import annotations

import asyncio
from typing import Any, LiteralString

import pytest
from psycopg import AsyncConnection
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.sql import SQL
from pydantic import SecretStr

from bot.errors import ConnectionsExhausted, SourceUnavailable
from bot.telemetry.postgres import Postgres
from bot.telemetry.postgres_totals import statement_deltas
from tests.servers.postgres import HOLD, PostgresDatabase
from tests.servers.process import free_port, wait_until


@pytest.fixture
def postgres(postgres_database: PostgresDatabase) -> Postgres:
    return Postgres("payments", postgres_database.reader)


async def test_the_root_of_a_lock_tree_is_the_session_that_waits_for_nobody(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(3) as queue, postgres.look() as look:
        locks = await look.locks()
    (blocker,) = locks.blockers
    assert locks.waiting == 3
    assert blocker.session.pid == queue.pid
    assert blocker.session.application == "batch-job"
    assert blocker.session.idle_in_transaction
    assert blocker.session.expendable
    assert (len(blocker.waiting), blocker.directly) == (3, 1)
    assert blocker.relation == "orders"
    assert blocker.longest_wait_s > 0
    assert blocker.session.statement == "UPDATE orders SET state = ? WHERE id = ?"


async def test_a_prepared_transaction_shows_as_a_blocker_without_a_session(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.session() as session, postgres_database.session() as waiter:
        await session.execute(f"BEGIN; {HOLD}; PREPARE TRANSACTION 'forgotten'")
        waiting = asyncio.create_task(waiter.execute(HOLD))
        try:
            async with postgres.look() as look:

                async def locked() -> Any:
                    locks = await look.locks()
                    return locks if locks.waiting else None

                locks = await wait_until(locked, what="the waiting session")
        finally:
            await session.execute("ROLLBACK PREPARED 'forgotten'")
            await waiting
    assert locks.blockers == ()
    assert [prepared.name for prepared in locks.prepared] == ["forgotten"]


async def test_the_reader_sees_everybody_and_may_write_nothing(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with postgres.look() as look:
        reader = await look.role()
    async with Postgres("payments", postgres_database.app).look() as look:
        app = await look.role()
    async with Postgres("payments", postgres_database.owner).look() as look:
        owner = await look.role()
    assert (reader.name, reader.may_write, reader.monitors) == ("nightdesk_reader", False, True)
    assert (app.may_write, app.monitors) == (True, False)
    assert owner.may_write


async def test_long_transactions_are_told_with_what_they_last_did(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(0) as queue, postgres.look() as look:
        (session,) = await look.transactions(older_than_s=0)
        assert await look.transactions(older_than_s=3600) == ()
    assert session.pid == queue.pid
    assert session.transaction_start is not None


async def test_an_active_statement_is_seen_while_it_runs(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.session("report") as session, postgres.look() as look:
        running = asyncio.create_task(session.execute("SELECT pg_sleep(60)"))

        async def seen() -> Any:
            return await look.active(older_than_s=0)

        (statement,) = await wait_until(seen, what="the running statement")
        session.cancel()
        with pytest.raises(Exception, match="canceling statement"):
            await running
    assert (statement.application, statement.statement) == ("report", "SELECT pg_sleep(?)")


async def test_connections_are_counted_against_their_limits(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.session("checkout"), postgres.look() as look:
        connections = await look.connections()
        holders = await look.holders()
    assert connections.limit_total == 40
    assert connections.used_here == 2
    assert 0 < connections.share < 1
    assert ("app", "checkout", 1) in [(holder.role, holder.application, holder.used) for holder in holders]


async def test_statements_are_counted_between_two_readings(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.session() as session, postgres.look() as look:
        await session.execute("SELECT count(*) FROM orders WHERE state = 'secret'")
        before = await look.totals()
        for _ in range(3):
            await session.execute("SELECT count(*) FROM orders WHERE state = 'secret'")
        after = await look.totals()
        found = await look.texts(statement_deltas(before.statements or (), after.statements or ()))
    (counted,) = [delta for delta in found if "FROM orders" in delta.statement]
    assert counted.calls == 3
    assert counted.usual_ms is not None
    assert "secret" not in counted.statement


async def test_without_the_extension_it_is_said_what_to_do(
    postgres: Postgres, postgres_database: PostgresDatabase
) -> None:
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value()) as owner:
        await owner.execute("DROP EXTENSION pg_stat_statements")
    async with postgres.look() as look:
        totals = await look.totals()
    assert totals.statements is None
    assert "CREATE EXTENSION pg_stat_statements" in totals.no_statements


async def test_totals_space_upkeep_and_replication_are_read(postgres: Postgres) -> None:
    async with postgres.look() as look:
        totals, space = await look.totals(), await look.space()
        upkeep, replication = await look.upkeep(), await look.replication()
    assert totals.counters.deadlocks == 0
    assert "orders" in [table.name for table in totals.tables]
    assert upkeep.wraparound.age >= 0
    assert space.database_bytes > 1_000_000
    assert space.log_bytes > 0
    assert (replication.standby, replication.receiving, replication.standbys) == (False, True, ())


async def test_a_slot_that_nobody_reads_keeps_the_log(postgres: Postgres, postgres_database: PostgresDatabase) -> None:
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value(), autocommit=True) as owner:
        await owner.execute("SELECT pg_create_physical_replication_slot('forgotten', true)")
        try:
            async with postgres.look() as look:
                (slot,) = (await look.replication()).slots
        finally:
            await owner.execute("SELECT pg_drop_replication_slot('forgotten')")
    assert (slot.name, slot.active) == ("forgotten", False)
    assert slot.retained_bytes is not None


async def test_the_connection_refuses_to_write(postgres: Postgres) -> None:
    async with postgres.look() as look:
        with pytest.raises(SourceUnavailable, match="read-only transaction"):
            await look._dicts(_sql("CREATE TABLE proof (id int)"))


async def test_even_a_superuser_connection_is_read_only(postgres_database: PostgresDatabase) -> None:
    async with Postgres("payments", postgres_database.owner).look() as look:
        with pytest.raises(SourceUnavailable) as refused:
            await look._dicts(_sql("DELETE FROM orders RETURNING id"))
    assert isinstance(refused.value.__cause__, ReadOnlySqlTransaction)
    async with postgres_database.session() as session:
        counted = await (await session.execute("SELECT count(*) FROM orders")).fetchone()
    assert counted == (20,)


async def test_the_connection_says_who_it_is_and_has_deadlines(postgres: Postgres) -> None:
    async with postgres.look() as look:
        (shown,) = await look._dicts(
            _sql(
                "SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS statement,"
                " current_setting('lock_timeout') AS lock,"
                " current_setting('idle_in_transaction_session_timeout') AS idle,"
                " current_setting('default_transaction_read_only') AS read_only"
            )
        )
    assert shown == {"name": "nightdesk", "statement": "5s", "lock": "5s", "idle": "5s", "read_only": "on"}


async def test_a_question_that_takes_too_long_is_ended_by_the_server(postgres_database: PostgresDatabase) -> None:
    async with Postgres("payments", postgres_database.reader, statement_timeout_s=0.05).look() as look:
        with pytest.raises(SourceUnavailable, match="in time"):
            await look._dicts(_sql("SELECT pg_sleep(60)"))


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://nightdesk_reader:hunter2@127.0.0.1:{port}/shop",
        "host=127.0.0.1 port={port} user=reader password=hunter2 hunter2",
        "postgresql://nightdesk_reader:hunter2@127.0.0.1:{port}x/shop",
        "postgresql://nightdesk_reader:x/hunter2@127.0.0.1:{port}/shop",
        "postgresql://nightdesk_reader:x@hunter2@127.0.0.1:{port}/shop",
        "postgresql://nightdesk_reader:hunter2/@127.0.0.1:{port}/shop",
        "postgresql://nightdesk_reader:x%hunter2@127.0.0.1:{port}/shop",
        "hunter2",
    ],
)
async def test_no_password_is_in_an_error(dsn: str) -> None:
    postgres = Postgres("payments", SecretStr(dsn.format(port=free_port())))
    with pytest.raises(SourceUnavailable, match="payments") as unreachable:
        async with postgres.look():
            raise AssertionError("nothing listens there")
    seen: BaseException | None = unreachable.value
    while seen is not None:
        assert "hunter2" not in f"{seen} {seen.args}"
        seen = None if seen.__suppress_context__ else seen.__cause__ or seen.__context__
    assert "hunter2" not in repr(vars(postgres))


async def test_a_wrong_password_is_said_without_naming_it(postgres_database: PostgresDatabase) -> None:
    dsn = postgres_database.reader.get_secret_value().replace("reader-s3cret", "hunter2")
    with pytest.raises(SourceUnavailable, match="authentication failed") as refused:
        async with Postgres("payments", SecretStr(dsn)).look():
            raise AssertionError("the password is wrong")
    assert "hunter2" not in str(refused.value)


async def test_a_full_server_is_told_from_an_unreachable_one(postgres_database: PostgresDatabase) -> None:
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value(), autocommit=True) as owner:
        await owner.execute("ALTER ROLE nightdesk_reader CONNECTION LIMIT 0")
        try:
            with pytest.raises(ConnectionsExhausted, match="no connection left"):
                async with Postgres("payments", postgres_database.reader).look():
                    raise AssertionError("the role may not connect")
        finally:
            await owner.execute("ALTER ROLE nightdesk_reader CONNECTION LIMIT -1")


def _sql(text: LiteralString) -> SQL:
    return SQL(text)

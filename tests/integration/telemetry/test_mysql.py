"""Looking into a real MariaDB through its read-only role."""

from __future__ import annotations

import pymysql
import pytest
from pydantic import SecretStr

from bot.errors import ConnectionsExhausted, SourceUnavailable
from bot.telemetry.mysql import MySql
from bot.telemetry.mysql_rows import digest_deltas
from tests.servers.mariadb import MariaDbDatabase, MariaDbServer, until_waiting
from tests.servers.process import free_port, wait_until

_ENDLESS = (
    "SELECT count(*) FROM information_schema.COLUMNS a, information_schema.COLUMNS b, information_schema.TABLES c"
)


@pytest.fixture
def mysql(mariadb: MariaDbDatabase) -> MySql:
    return MySql("payments", mariadb.reader)


async def test_the_root_of_a_lock_tree_is_the_session_that_waits_for_nobody(
    mysql: MySql, mariadb: MariaDbDatabase
) -> None:
    with mariadb.session() as root, mariadb.session() as first, mariadb.session() as second:
        root.do("BEGIN", "UPDATE orders SET state = 'held by 4242' WHERE id = 1")
        waiting = [one.begin("UPDATE orders SET state = 'secret' WHERE id = 1") for one in (first, second)]
        async with mysql.look() as look:

            async def seen() -> bool:
                return (await look.locks()).waiting == 2

            with mariadb.server.root() as owner:
                await until_waiting(owner, 2)
            await wait_until(seen, what="both waiting sessions")
            locks = await look.locks()
        root.do("ROLLBACK")
        assert [await one for one in waiting] == ["done", "done"]
    (blocker,) = locks.blockers
    assert blocker.session.pid == root.pid
    assert blocker.session.idle_in_transaction
    assert not blocker.guessed
    assert {session.pid for session in blocker.waiting} == {first.pid, second.pid}
    assert mariadb.name in (blocker.relation or "")
    assert {session.statement for session in blocker.waiting} == {"UPDATE orders SET state = ? WHERE id = ?"}


@pytest.mark.parametrize("told", [False, True], ids=["guessed", "told by the server"])
async def test_who_keeps_a_table_from_being_altered_is_found(
    mysql: MySql, mariadb: MariaDbDatabase, told: bool
) -> None:
    with mariadb.server.root() as owner, mariadb.session() as root, mariadb.session() as altering:
        owner.do(
            f"UPDATE performance_schema.setup_instruments SET ENABLED = '{'YES' if told else 'NO'}' "
            "WHERE NAME = 'wait/lock/metadata/sql/mdl'"
        )
        root.do("BEGIN", "SELECT count(*) FROM orders")
        waiting = altering.begin("ALTER TABLE orders ADD COLUMN note int")
        await until_waiting(owner, 1)
        async with mysql.look() as look:
            locks = await look.locks()
        root.do("COMMIT")
        assert await waiting == "done"
    (blocker,) = locks.blockers
    assert (blocker.session.pid, blocker.guessed) == (root.pid, not told)
    assert [session.pid for session in blocker.waiting] == [altering.pid]
    assert blocker.relation == (f"{mariadb.name}.orders" if told else None)


async def test_the_reader_sees_everybody_and_may_write_nothing(mysql: MySql, mariadb: MariaDbDatabase) -> None:
    async with mysql.look() as look:
        reader = await look.role()
    async with MySql("payments", mariadb.app).look() as look:
        app = await look.role()
    assert (reader.name, reader.may_write, reader.monitors) == ("nightdesk_reader@%", False, True)
    assert (app.may_write, app.monitors) == (True, False)


async def test_statements_are_counted_between_two_readings(mysql: MySql, mariadb: MariaDbDatabase) -> None:
    with mariadb.session() as session:
        session.do("SELECT count(*) FROM orders WHERE state = 'secret'")
        async with mysql.look() as look:
            before = await look.totals()
            session.do(*["SELECT count(*) FROM orders WHERE state = 'secret'"] * 3)
            after = await look.totals()
    found = [
        delta
        for delta in digest_deltas(before.digests or (), after.digests or ())
        if "`orders` WHERE" in delta.statement
    ]
    assert [delta.calls for delta in found] == [3]
    assert "secret" not in found[0].statement


async def test_sizes_connections_and_holders_are_read(mysql: MySql, mariadb: MariaDbDatabase) -> None:
    with mariadb.session():
        async with mysql.look() as look:
            size, connections, holders = await look.size_bytes(), await look.connections(), await look.holders()
            replication = await look.replication()
    assert size > 1_000_000
    assert connections.limit_total == 24
    assert 2 <= connections.used <= 24
    assert ("app", 1) in [(holder.user, holder.used) for holder in holders]
    assert (replication.channels, replication.followers) == ((), 0)


@pytest.mark.parametrize("statement", ["INSERT INTO orders (id) VALUES (99)", "CREATE TABLE proof (id int)"])
async def test_the_connection_refuses_to_write_whatever_the_role_may_do(
    mariadb: MariaDbDatabase, statement: str
) -> None:
    async with MySql("payments", mariadb.app).look() as look:
        with pytest.raises(SourceUnavailable, match="READ ONLY transaction") as refused:
            await look._dicts(statement)
    assert isinstance(refused.value.__cause__, pymysql.MySQLError)
    assert refused.value.__cause__.args[0] == 1792


async def test_the_reader_is_refused_by_its_grants_too(mariadb: MariaDbDatabase) -> None:
    async with MySql("payments", mariadb.reader).look() as look:
        with pytest.raises(SourceUnavailable, match="grant the read-only role"):
            await look._dicts(f"SELECT * FROM {mariadb.name}.orders")


async def test_a_question_that_takes_too_long_is_ended_by_the_server(mariadb: MariaDbDatabase) -> None:
    async with MySql("payments", mariadb.reader, statement_timeout_s=0.05).look() as look:
        with pytest.raises(SourceUnavailable, match="in time"):
            await look._dicts(_ENDLESS)
        assert not look.closed


async def test_a_user_without_rights_hears_what_to_grant(mariadb: MariaDbDatabase) -> None:
    async with MySql("payments", mariadb.app).look() as look:
        with pytest.raises(SourceUnavailable, match=r"docs/services\.md"):
            await look.latest_deadlock()


@pytest.mark.parametrize(
    "dsn",
    [
        "mysql://nightdesk_reader:hunter2@127.0.0.1:{port}/shop",
        "mysql://nightdesk_reader:hunter2@127.0.0.1:{port}x/shop",
        "mysql://nightdesk_reader:x/hunter2@127.0.0.1:{port}/shop",
        "mysql://nightdesk_reader:x@hunter2@127.0.0.1:{port}/shop",
        "mysql://nightdesk_reader:hunter2@127.0.0.1:{port}/shop?tls=hunter2",
        "mysql://nightdesk_reader:hunter2@127.0.0.1:{port}/shop?password=hunter2",
        "postgresql://nightdesk_reader:hunter2@127.0.0.1:{port}/shop",
        "hunter2",
    ],
)
async def test_no_password_is_in_an_error(dsn: str) -> None:
    mysql = MySql("payments", SecretStr(dsn.format(port=free_port())))
    with pytest.raises(SourceUnavailable, match="payments") as unreachable:
        async with mysql.look():
            raise AssertionError("nothing listens there")
    seen: BaseException | None = unreachable.value
    while seen is not None:
        assert "hunter2" not in f"{seen} {seen.args}"
        seen = None if seen.__suppress_context__ else seen.__cause__ or seen.__context__
    assert "hunter2" not in repr(vars(mysql))


async def test_a_wrong_password_is_said_without_naming_it(mariadb: MariaDbDatabase) -> None:
    dsn = mariadb.reader.get_secret_value().replace("reader-s3cret", "hunter2")
    with pytest.raises(SourceUnavailable, match="Access denied") as refused:
        async with MySql("payments", SecretStr(dsn)).look():
            raise AssertionError("the password is wrong")
    assert "hunter2" not in str(refused.value)


async def test_tls_that_is_required_of_a_server_without_it_is_an_error(mariadb: MariaDbDatabase) -> None:
    dsn = SecretStr(f"{mariadb.reader.get_secret_value()}?tls=required")
    with pytest.raises(SourceUnavailable, match="SSL"):
        async with MySql("payments", dsn).look():
            raise AssertionError("the server offers no TLS")


async def test_a_user_at_its_limit_is_told_from_an_unreachable_server(
    mysql: MySql, mariadb_server: MariaDbServer
) -> None:
    with mariadb_server.root() as root:
        root.do("ALTER USER nightdesk_reader@'%' WITH MAX_USER_CONNECTIONS 1")
        try:
            async with mysql.look():
                with pytest.raises(ConnectionsExhausted, match="no connection left"):
                    async with mysql.look():
                        raise AssertionError("the user may not connect twice")
        finally:
            root.do("ALTER USER nightdesk_reader@'%' WITH MAX_USER_CONNECTIONS 0")

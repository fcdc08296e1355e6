"""The database agent on a real MariaDB, and on one that follows it."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import Any

import pymysql
import pytest
from pydantic import SecretStr

from bot.agents.database import mysql_sessions
from bot.agents.database.topics import TOPICS
from bot.agents.tools import Toolbox
from bot.catalog import Catalog, Database, Service
from bot.errors import ConnectionsExhausted
from bot.telemetry.mysql import MySql
from tests.integration.agents.database.asking import NOW, no_pause, only, scope, suspicious, tools_for
from tests.servers.mariadb import MAX_CONNECTIONS, MariaDbDatabase, MariaDbServer, until, until_waiting
from tests.servers.process import free_port, wait_until

FOLLOWING = Catalog(
    services={"payments-api": Service(databases=("payments", "payments-copy"))},
    databases={"payments": Database(dsn_env="PAYMENTS_DSN"), "payments-copy": Database(dsn_env="PAYMENTS_COPY_DSN")},
)


def toolbox(dsn: SecretStr, **options: Any) -> Toolbox:
    return tools_for({"payments": MySql("payments", dsn, **{"pause": no_pause, **options})})


@pytest.fixture
def tools(mariadb: MariaDbDatabase) -> Toolbox:
    return toolbox(mariadb.reader)


async def test_several_sessions_behind_one_that_is_idle_score_near_one(
    tools: Toolbox, mariadb: MariaDbDatabase
) -> None:
    with ExitStack() as stack:
        owner = stack.enter_context(mariadb.server.root())
        owner.do(
            "UPDATE performance_schema.setup_consumers SET ENABLED = 'YES' WHERE NAME = 'events_statements_current'"
        )
        root, *waiters = [stack.enter_context(mariadb.session()) for _ in range(5)]
        root.do("BEGIN", "UPDATE orders SET state = 'held by 4242' WHERE id = 1")
        waiting = [one.begin("UPDATE orders SET state = 'x' WHERE id = 1") for one in waiters]
        await until_waiting(owner, 4)
        report = await tools.use("database.look", {}, scope())
        root.do("ROLLBACK")
        assert [await one for one in waiting] == ["done"] * 4
    finding = only(report, "blocking_session")
    assert finding.score > 0.9
    assert suspicious(report) == ["blocking_session"]
    assert (report.facts["blocked_count"], report.facts["root_pid"]) == (4, root.pid)
    assert report.facts["root_state"] == "idle in transaction"
    assert report.facts["root_statement"] == "UPDATE orders SET state = ? WHERE id = ?"
    assert f"KILL {root.pid}" in finding.evidence[1].statement
    assert report.gaps == ()


async def test_a_quiet_server_is_told_as_looked_at_and_normal(tools: Toolbox) -> None:
    report = await tools.use("database.look", {}, scope())
    assert sorted(finding.kind for finding in report.findings) == [
        "blocking_session",
        "connection_exhaustion",
        "deadlocks",
        "disk",
        "long_transaction",
        "replication_lag",
        "slow_statement",
        "vacuum",
    ]
    assert {finding.score for finding in report.findings} == {0.0}
    assert all(finding.evidence[0].query for finding in report.findings)
    assert report.gaps == ()


async def test_every_fact_that_a_tool_promises_is_there(tools: Toolbox) -> None:
    for topic in TOPICS:
        report = await tools.use(f"database.{topic}", {}, scope())
        promised = set() if topic == "memory" else set(TOPICS[topic].meanings)
        assert set(report.facts) == promised, topic


async def test_an_idle_transaction_is_found_with_how_to_end_it(
    tools: Toolbox, mariadb: MariaDbDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mysql_sessions, "LONG_TRANSACTION_S", -1)
    with mariadb.session() as session:
        session.do("BEGIN", "UPDATE orders SET state = 'x' WHERE id = 2")
        report = await tools.use("database.long_transactions", {}, scope())
    finding = only(report, "idle_in_transaction")
    assert report.facts["oldest_transaction_pid"] == session.pid
    assert "1 row changed" in finding.evidence[0].statement
    assert f"KILL {session.pid}" in finding.evidence[0].statement


async def test_a_full_server_is_found_although_nobody_can_connect_any_more(
    tools: Toolbox, mariadb: MariaDbDatabase
) -> None:
    with ExitStack() as stack:
        with pytest.raises(pymysql.MySQLError, match="Too many connections"):
            _fill(stack, mariadb)
        report = await tools.use("database.look", {}, scope())
    assert only(report, "connection_exhaustion").score > 0.9
    assert report.gaps == ()


async def test_sessions_that_sleep_tell_since_when_it_is_full_at_the_latest(
    tools: Toolbox, mariadb: MariaDbDatabase
) -> None:
    async def slept() -> bool:
        report = await tools.use("database.connections", {}, scope())
        finding = only(report, "connection_exhaustion")
        known, asked = finding.started_by, finding.evidence[0].observed_at
        assert finding.started_at is None
        return known is not None and asked - known >= timedelta(seconds=1)

    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS - 1):
            stack.enter_context(mariadb.session())
        await wait_until(slept, what="sessions that all have slept for a second")


async def test_a_server_that_refuses_us_has_been_full_since_it_refused_us_first(mariadb: MariaDbDatabase) -> None:
    told = iter(NOW + timedelta(minutes=minute) for minute in range(9))
    database = MySql("payments", mariadb.reader, pause=no_pause, clock=lambda: next(told))
    with ExitStack() as stack:
        with pytest.raises(pymysql.MySQLError, match="Too many connections"):
            _fill(stack, mariadb)
        with pytest.raises(ConnectionsExhausted):
            await database.keep()
        report = await tools_for({"payments": database}).use("database.look", {}, scope())
    assert only(report, "connection_exhaustion").started_by == NOW


async def test_that_the_server_was_full_is_told_after_it_is_over(tools: Toolbox, mariadb: MariaDbDatabase) -> None:
    with mariadb.server.root() as owner:
        owner.do("FLUSH STATUS")  # forgets the most connections that there ever were
    await tools.use("database.connections", {}, scope())
    with ExitStack() as stack, pytest.raises(pymysql.MySQLError, match="Too many connections"):
        _fill(stack, mariadb)
    with mariadb.server.root() as owner:
        query = "SELECT count(*) AS n FROM information_schema.PROCESSLIST WHERE USER = 'app'"
        await until(owner, query, lambda row: row["n"] == 0, "the end of all sessions")
    finding = only(await tools.use("database.connections", {}, scope()), "connection_exhaustion")
    assert finding.score > 0.15
    assert "All were in use at a moment" in finding.title


async def test_who_holds_most_of_the_connections_is_named(tools: Toolbox, mariadb: MariaDbDatabase) -> None:
    with ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS - 2):
            stack.enter_context(mariadb.session())
        report = await tools.use("database.connections", {}, scope())
    assert only(report, "connection_exhaustion").score > 0.8
    assert f"app from 127.0.0.1: {MAX_CONNECTIONS - 2}" in report.findings[0].evidence[1].statement


async def test_a_statement_that_lost_its_index_is_named_with_its_table(mariadb: MariaDbDatabase) -> None:
    with mariadb.session() as session:
        session.do(
            "CREATE TABLE payments (id int PRIMARY KEY, customer int, KEY customer (customer))",
            "INSERT INTO payments SELECT seq, seq % 5000 FROM seq_1_to_20000",
        )

        async def traffic(_: float = 0) -> None:
            session.do(*(f"SELECT count(id) FROM payments WHERE customer = {customer}" for customer in range(10)))

        tools = toolbox(mariadb.reader, pause=traffic)
        await traffic()
        calm = await tools.use("database.slow_statements", {}, scope())
        session.do("DROP INDEX customer ON payments")
        report = await tools.use("database.slow_statements", {}, scope())
    assert suspicious(calm) == []
    finding = only(report, "sequential_scans")
    assert finding.score > 0.8
    assert report.facts["scanned_table"] == "payments"
    assert "WHERE `customer` = ?" in report.facts["scanning_statement"]
    assert finding.evidence[0].value == 20000


async def test_deadlocks_are_counted_against_an_earlier_look_and_told_with_their_statements(
    tools: Toolbox, mariadb: MariaDbDatabase
) -> None:
    await tools.use("database.deadlocks", {}, scope())
    with mariadb.server.root() as owner, mariadb.session() as one, mariadb.session() as other:
        one.do("BEGIN", "UPDATE orders SET state = 'secret one' WHERE id = 1")
        other.do("BEGIN", "UPDATE orders SET state = 'secret other' WHERE id = 2")
        waiting = one.begin("UPDATE orders SET state = 'secret one' WHERE id = 2")
        await until_waiting(owner, 1)
        ended = [await other.begin("UPDATE orders SET state = 'secret other' WHERE id = 1"), await waiting]
        assert any("Deadlock found" in words for words in ended)
    report = await tools.use("database.deadlocks", {}, scope())
    finding = only(report, "deadlocks")
    assert report.facts["new_deadlocks"] == 1
    assert finding.score > 0.25
    assert f"{mariadb.name}.orders" in finding.evidence[1].statement
    assert finding.evidence[1].statement.count("UPDATE orders SET state = ? WHERE id = ?") == 2
    assert "secret" not in finding.model_dump_json()


async def test_temporary_tables_that_go_to_disk_are_told_with_their_statement(mariadb: MariaDbDatabase) -> None:
    with mariadb.session() as session:
        session.do("SET SESSION max_heap_table_size = 16384, tmp_memory_table_size = 16384")

        async def spilling(_: float) -> None:
            session.do(*["SELECT md5(seq) AS n, count(*) FROM seq_1_to_500 GROUP BY n ORDER BY 2 LIMIT 1"] * 100)

        report = await toolbox(mariadb.reader, pause=spilling).use("database.storage", {}, scope())
    finding = only(report, "temp_spill")
    assert finding.score > 0.15
    assert report.facts["spilled_count"] >= 100
    assert "seq_1_to_500" in finding.evidence[1].statement


async def test_a_copy_that_is_behind_is_told_from_both_ends(
    mariadb: MariaDbDatabase, mariadb_copy: MariaDbServer
) -> None:
    tools = tools_for(
        {
            "payments": MySql("payments", mariadb.reader, pause=no_pause),
            "payments-copy": MySql("payments-copy", mariadb_copy.dsn("nightdesk_reader"), pause=no_pause),
        }
    )
    with mariadb.session() as session, mariadb_copy.root() as root:
        root.do("STOP SLAVE", "CHANGE MASTER TO MASTER_DELAY = 3600", "START SLAVE")
        session.do("INSERT INTO orders (id) VALUES (99)")
        status = "SHOW SLAVE STATUS"
        await until(root, status, lambda row: (row["Seconds_Behind_Master"] or 0) > 0, "the delay of the copy")
        meant = await tools.use("database.replication", {}, scope("payments-api", catalog=FOLLOWING))
        root.do("STOP SLAVE SQL_THREAD")
        stopped = await tools.use("database.replication", {}, scope("payments-api", catalog=FOLLOWING))
    first = next(finding for finding in meant.findings if finding.service == "payments")
    copy = next(finding for finding in meant.findings if finding.service == "payments-copy")
    assert "1 follows it" in first.title
    assert copy.evidence[0].value
    assert "told to stay 60 min behind" in copy.title
    assert copy.score == 0
    assert stopped.findings[0].service == "payments-copy"
    assert stopped.findings[0].score >= 0.5
    assert "applying stopped" in stopped.findings[0].title
    assert stopped.facts["replication_broken"]


async def test_a_copy_that_cannot_apply_a_change_says_why_without_the_customers_values(
    mariadb: MariaDbDatabase, mariadb_copy: MariaDbServer
) -> None:
    with mariadb.session() as session, mariadb_copy.root() as root:
        session.do("CREATE TABLE mails (mail varchar(50) PRIMARY KEY)")
        tables = "SELECT count(*) AS n FROM information_schema.TABLES WHERE TABLE_NAME = 'mails'"
        await until(root, tables, lambda row: row["n"] == 1, "the table on the copy")
        root.do(f"INSERT INTO {mariadb.name}.mails VALUES ('ann@example.com')")
        session.do("INSERT INTO mails VALUES ('ann@example.com')")
        await until(root, "SHOW SLAVE STATUS", lambda row: row["Slave_SQL_Running"] == "No", "the stop of the copy")
        tools = tools_for({"payments": MySql("payments", mariadb_copy.dsn("nightdesk_reader"), pause=no_pause)})
        report = await tools.use("database.replication", {}, scope())
    finding = only(report, "replication_lag")
    assert finding.score > 0.8
    assert "error 1062 (the row is already there)" in finding.title
    assert "ann@example.com" not in finding.model_dump_json()


async def test_an_unreachable_server_is_a_gap(mariadb: MariaDbDatabase) -> None:
    dsn = SecretStr(f"mysql://reader:hunter2@127.0.0.1:{free_port()}/shop")
    report = await toolbox(dsn).use("database.look", {}, scope())
    assert report.findings == ()
    (gap,) = report.gaps
    assert gap.source == "database payments"
    assert "hunter2" not in gap.reason


async def test_a_user_without_grants_sees_less_and_says_what_to_grant(mariadb: MariaDbDatabase) -> None:
    report = await toolbox(mariadb.app).use("database.look", {}, scope())
    assert report.gaps
    assert all("docs/services.md" in gap.reason for gap in report.gaps)


def _fill(stack: ExitStack, mariadb: MariaDbDatabase) -> None:
    for _ in range(MAX_CONNECTIONS + 1):
        stack.enter_context(mariadb.session())

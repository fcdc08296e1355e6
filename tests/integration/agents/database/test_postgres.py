"""The database agent on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection, OperationalError
from psycopg.errors import DeadlockDetected
from pydantic import SecretStr

from bot.agents.database import postgres as visit
from bot.agents.database.topics import TOPICS
from bot.agents.tools import Toolbox
from bot.errors import ConnectionsExhausted
from bot.models import Finding
from bot.telemetry.postgres import Postgres
from tests.integration.agents.database.asking import NOW, no_pause, only, scope, suspicious, tools_for
from tests.servers.postgres import PostgresDatabase
from tests.servers.process import free_port, wait_until


def toolbox(dsn: SecretStr, **options: Any) -> Toolbox:
    return tools_for({"payments": Postgres("payments", dsn, **{"pause": no_pause, **options})})


@pytest.fixture
def tools(postgres_database: PostgresDatabase) -> Toolbox:
    return toolbox(postgres_database.reader)


async def test_several_sessions_behind_one_that_is_idle_score_near_one(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(4) as queue:
        report = await tools.use("database.blocking_sessions", {"database": "payments"}, scope())
    finding = only(report, "blocking_session")
    assert finding.score > 0.9
    assert finding.service == "payments"
    assert finding.facts["blocked_count"] == 4
    assert finding.facts["root_pid"] == queue.pid
    assert finding.facts["root_state"] == "idle in transaction"
    assert finding.facts["root_application"] == "batch-job"
    assert finding.facts["database"] == "payments"
    assert finding.facts["root_statement"] == "UPDATE orders SET state = ? WHERE id = ?"
    assert datetime.fromisoformat(finding.facts["root_backend_start"]).tzinfo is not None
    assert report.gaps == ()


async def test_the_remedy_names_the_session_and_not_only_its_pid(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(3) as queue:
        report = await tools.use("database.blocking_sessions", {}, scope())
    finding = only(report, "blocking_session")
    (remedy,) = finding.remedies
    assert remedy.action == "postgres.terminate_backend"
    assert remedy.parameters["pid"] == queue.pid
    assert remedy.parameters["database"] == "payments"
    assert remedy.parameters["backend_start"] == finding.facts["root_backend_start"]


async def test_a_short_queue_behind_a_session_that_works_is_less_suspicious(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(1, statement="SELECT pg_sleep(60)"):
        report = await tools.use("database.blocking_sessions", {}, scope())
    finding = only(report, "blocking_session")
    assert finding.facts["root_state"] == "active"
    assert finding.score < 0.65  # what one session behind an idle one would have


async def test_a_quiet_database_is_told_as_looked_at_and_normal(tools: Toolbox) -> None:
    report = await tools.use("database.look", {}, scope())
    assert {finding.kind for finding in report.findings} == {
        "blocking_session",
        "long_transaction",
        "connection_exhaustion",
        "slow_statement",
        "replication_lag",
        "deadlocks",
        "vacuum",
        "disk",
    }
    assert {finding.score for finding in report.findings} == {0.0}
    assert all(finding.evidence[0].query for finding in report.findings)
    assert report.facts["blocked_count"] == 0
    assert report.gaps == ()


async def test_the_same_session_is_not_accused_twice(tools: Toolbox, postgres_database: PostgresDatabase) -> None:
    async with postgres_database.queue(3):
        report = await tools.use("database.look", {}, scope())
    assert [finding.kind for finding in report.findings if finding.score > 0] == ["blocking_session"]


async def test_every_fact_that_a_tool_promises_is_there(tools: Toolbox) -> None:
    for topic in TOPICS:
        report = await tools.use(f"database.{topic}", {}, scope())
        promised = set() if topic == "memory" else set(TOPICS[topic].meanings)
        assert set(report.facts) == promised, topic


async def test_what_the_engine_does_not_know_is_said_only_when_it_is_asked_by_name(tools: Toolbox) -> None:
    by_name = await tools.use("database.memory", {"database": "payments"}, scope())
    by_service = await tools.use("database.memory", {}, scope())
    assert [gap.reason for gap in by_name.gaps] == ["a database of this engine cannot be asked for memory"]
    assert by_service.gaps == ()


async def test_an_unreachable_database_is_a_gap(postgres_database: PostgresDatabase) -> None:
    dsn = SecretStr(f"postgresql://reader:hunter2@127.0.0.1:{free_port()}/shop")
    report = await toolbox(dsn).use("database.look", {}, scope())
    assert report.findings == ()
    (gap,) = report.gaps
    assert gap.source == "database payments"
    assert "hunter2" not in gap.reason


async def test_a_slow_database_is_a_gap_when_the_deadline_is_over(postgres_database: PostgresDatabase) -> None:
    async def forever(_: float) -> None:
        await asyncio.Event().wait()

    tools = toolbox(postgres_database.reader, pause=forever)
    report = await tools.use("database.look", {}, scope(deadline_s=1.5))
    assert [gap.source for gap in report.gaps] == ["database payments"]
    assert "blocking_session" in {finding.kind for finding in report.findings}


async def test_no_connection_left_is_a_finding_and_not_a_gap(postgres_database: PostgresDatabase) -> None:
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value(), autocommit=True) as owner:
        await owner.execute("ALTER ROLE nightdesk_reader CONNECTION LIMIT 0")
        try:
            report = await toolbox(postgres_database.reader).use("database.connections", {}, scope())
        finally:
            await owner.execute("ALTER ROLE nightdesk_reader CONNECTION LIMIT -1")
    assert only(report, "connection_exhaustion").score > 0.9
    assert report.gaps == ()


async def test_a_database_that_is_not_in_the_catalogue_is_a_gap(tools: Toolbox) -> None:
    report = await tools.use("database.connections", {"database": "payments; DROP TABLE orders"}, scope())
    (gap,) = report.gaps
    assert "there are: payments" in gap.reason


async def test_a_database_without_a_connection_string_says_which_variable_to_set(tools: Toolbox) -> None:
    report = await tools.use("database.connections", {"database": "ledger"}, scope())
    assert report.gaps[0].reason == "it has no connection string: set the variable LEDGER_DSN"


async def test_a_service_without_a_database_has_neither_findings_nor_gaps(tools: Toolbox) -> None:
    report = await tools.use("database.look", {}, scope("static"))
    assert (report.findings, report.gaps) == ((), ())


async def test_deadlocks_are_counted_against_an_earlier_look(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    await tools.use("database.look", {}, scope())
    async with (
        postgres_database.session(autocommit=False) as one,
        postgres_database.session(autocommit=False) as other,
    ):
        await one.execute("UPDATE orders SET state = 'x' WHERE id = 1")
        await other.execute("UPDATE orders SET state = 'x' WHERE id = 2")
        results = await asyncio.gather(
            one.execute("UPDATE orders SET state = 'x' WHERE id = 2"),
            other.execute("UPDATE orders SET state = 'x' WHERE id = 1"),
            return_exceptions=True,
        )
        assert any(isinstance(result, DeadlockDetected) for result in results)
    report = await tools.use("database.look", {}, scope())
    assert only(report, "deadlocks").facts["new_deadlocks"] == 1


async def test_an_idle_transaction_is_found_with_what_would_end_it(
    tools: Toolbox, postgres_database: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visit, "LONG_TRANSACTION_S", 0)
    async with postgres_database.session("batch-job", autocommit=False) as session:
        await session.execute("SELECT count(*) FROM orders")
        pid = session.info.backend_pid
        report = await tools.use("database.long_transactions", {}, scope())
    finding = only(report, "idle_in_transaction")
    assert report.facts["oldest_transaction_pid"] == pid
    assert "batch-job" in finding.title
    assert finding.evidence[0].unit == "s"


async def test_a_full_server_is_found_although_nobody_can_connect_any_more(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(37):  # 40, less the three that are reserved for superusers
            await stack.enter_async_context(postgres_database.session("pool"))
        with pytest.raises(OperationalError, match="connection slots"):
            await AsyncConnection.connect(postgres_database.app.get_secret_value())
        report = await tools.use("database.look", {}, scope())
    finding = only(report, "connection_exhaustion")
    assert finding.score > 0.9
    assert report.gaps == ()


async def test_a_full_server_that_let_us_in_tells_since_when_at_the_latest(postgres_database: PostgresDatabase) -> None:
    tools = toolbox(postgres_database.reader)

    async def told() -> Finding:
        return only(await tools.use("database.connections", {}, scope()), "connection_exhaustion")

    async with AsyncExitStack() as stack:
        pool = [await stack.enter_async_context(postgres_database.session("pool")) for _ in range(36)]
        full, last = await told(), await _began(pool[-1])
        assert (full.started_at, full.started_by) == (None, last)
        await pool[0].close()
        late = await _began(await stack.enter_async_context(postgres_database.session("late")))

        async def turned() -> bool:  # the server takes a moment to give up the slot
            return (await told()).started_by == late

        await wait_until(turned, what="a moment that the session with the last slot tells")


async def test_a_server_that_refuses_us_has_been_full_since_it_refused_us_first(
    postgres_database: PostgresDatabase,
) -> None:
    told = iter(NOW + timedelta(minutes=minute) for minute in range(9))
    database = Postgres("payments", postgres_database.reader, pause=no_pause, clock=lambda: next(told))
    async with AsyncExitStack() as stack:
        for _ in range(37):
            await stack.enter_async_context(postgres_database.session("pool"))
        with pytest.raises(ConnectionsExhausted):
            await database.keep()
        report = await tools_for({"payments": database}).use("database.look", {}, scope())
    assert only(report, "connection_exhaustion").started_by == NOW


async def test_being_let_in_ends_the_refusals(postgres_database: PostgresDatabase) -> None:
    database = Postgres("payments", postgres_database.reader, pause=no_pause, clock=lambda: NOW)
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value(), autocommit=True) as owner:
        await owner.execute("ALTER ROLE nightdesk_reader CONNECTION LIMIT 0")
        try:
            with pytest.raises(ConnectionsExhausted):
                await database.keep()
            assert database.refusals.since == NOW
        finally:
            await owner.execute("ALTER ROLE nightdesk_reader CONNECTION LIMIT -1")
    await database.keep()
    assert database.refusals.since is None


async def test_before_the_server_is_full_it_is_told_who_holds_the_connections(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(34):
            await stack.enter_async_context(postgres_database.session("pool"))
        report = await tools.use("database.connections", {}, scope())
    finding = only(report, "connection_exhaustion")
    assert finding.score > 0.7
    assert report.facts["connections_limit"] == 37
    assert "pool as app: 34" in finding.evidence[1].statement


async def test_a_statement_that_lost_its_index_is_named_with_its_table(postgres_database: PostgresDatabase) -> None:
    async with postgres_database.session() as session:
        await session.execute(
            "CREATE TABLE payments AS SELECT n AS id, n % 5000 AS customer FROM generate_series(1, 40000) n;"
            "CREATE INDEX payments_customer ON payments (customer); ANALYZE payments"
        )

        async def traffic(_: float = 0) -> None:
            for customer in range(20):
                await session.execute(f"SELECT count(*) FROM payments WHERE customer = {customer}")
            await session.execute("SELECT pg_stat_force_next_flush()")

        tools = toolbox(postgres_database.reader, pause=traffic)
        await traffic()
        calm = await tools.use("database.slow_statements", {}, scope())
        await session.execute("DROP INDEX payments_customer")
        report = await tools.use("database.slow_statements", {}, scope())
    assert suspicious(calm) == []
    finding = only(report, "sequential_scans")
    assert finding.score > 0.8
    assert report.facts["scanned_table"] == "payments"
    assert report.facts["lost_index"] == "payments_customer"
    assert "FROM payments WHERE customer" in report.facts["scanning_statement"]
    timed = finding.evidence[2]
    assert timed.value is not None
    assert timed.baseline is not None
    assert timed.value > 3 * timed.baseline


async def test_a_statement_that_spills_to_disk_is_named(postgres_database: PostgresDatabase) -> None:
    async with postgres_database.session() as session:
        await session.execute("SET work_mem = '64kB'")

        async def spilling(_: float) -> None:
            await session.execute("SELECT count(*) FROM (SELECT n FROM generate_series(1, 600000) n ORDER BY -n) s")
            await session.execute("SELECT pg_stat_force_next_flush()")

        report = await toolbox(postgres_database.reader, pause=spilling).use("database.storage", {}, scope())
    finding = only(report, "temp_spill")
    assert finding.score > 0.15
    assert report.facts["spilled_bytes_per_s"] > 1 << 20
    assert "generate_series" in finding.evidence[1].statement


async def test_dead_rows_that_a_session_keeps_are_found_with_who_keeps_them(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.session() as session, postgres_database.session(autocommit=False) as looker:
        await session.execute("CREATE TABLE jobs (id int) WITH (autovacuum_enabled = off)")
        await session.execute("INSERT INTO jobs SELECT generate_series(1, 20000)")
        await looker.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM jobs")
        await session.execute("UPDATE jobs SET id = id + 1")
        await session.execute("SELECT pg_stat_force_next_flush()")
        pid = looker.info.backend_pid
        report = await tools.use("database.vacuum", {}, scope())
    finding = only(report, "vacuum")
    assert report.facts["uncleaned_table"] == "jobs"
    assert report.facts["dead_rows"] >= 20000
    assert report.facts["cleaning_blocked"]
    assert "switched off" in finding.title
    assert str(pid) in finding.evidence[1].statement


async def test_a_missing_extension_is_a_gap_that_says_what_to_do(
    tools: Toolbox, postgres_database: PostgresDatabase
) -> None:
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value()) as owner:
        await owner.execute("DROP EXTENSION pg_stat_statements")
    report = await tools.use("database.look", {}, scope())
    (gap,) = report.gaps
    assert "CREATE EXTENSION pg_stat_statements" in gap.reason
    assert only(report, "slow_statement").score == 0


async def _began(session: AsyncConnection[Any]) -> datetime:
    """When the server says that it connected."""
    asked = await session.execute("SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()")
    answer = await asked.fetchone()
    assert answer
    return datetime.fromisoformat(str(answer[0]))

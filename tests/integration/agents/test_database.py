"""The database agent on a real PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection
from psycopg.errors import DeadlockDetected
from pydantic import SecretStr

from bot.agents.database import database_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog, Database, Service
from bot.models import Alert, AlertStatus, Finding, Report, Window
from bot.telemetry.postgres import Postgres
from tests.servers.postgres import PostgresDatabase
from tests.servers.process import free_port

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
CATALOG = Catalog(
    services={
        "checkout": Service(depends_on=("payments-api",)),
        "payments-api": Service(databases=("payments",)),
        "static": Service(),
    },
    databases={"payments": Database(dsn_env="PAYMENTS_DSN"), "ledger": Database(dsn_env="LEDGER_DSN")},
)


def scope(service: str | None = "checkout", deadline_s: float = 10) -> Scope:
    alert = Alert(
        source="alertmanager", fingerprint="f", name="PaymentErrors", status=AlertStatus.FIRING, starts_at=NOW
    )
    return Scope(
        incident_id="i",
        alert=alert,
        service=service,
        catalog=CATALOG,
        window=Window(start=NOW - timedelta(minutes=15), end=NOW),
        baseline=Window(start=NOW - timedelta(minutes=75), end=NOW - timedelta(minutes=15)),
        deadline_s=deadline_s,
    )


def toolbox(dsn: SecretStr, **options: Any) -> Toolbox:
    async def no_pause(_: float) -> None:
        await asyncio.sleep(0)

    return Toolbox(database_tools({"payments": Postgres("payments", dsn, pause=no_pause, **options)}))


@pytest.fixture
def tools(postgres_database: PostgresDatabase) -> Toolbox:
    return toolbox(postgres_database.reader)


def only(report: Report, kind: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.kind == kind]
    return found


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
    for tool in tools:
        report = await tools.use(tool.name, {}, scope())
        assert set(tool.facts) == set(report.facts), tool.name


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

    tools = Toolbox(database_tools({"payments": Postgres("payments", postgres_database.reader, pause=forever)}))
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

"""The database agent on a PostgreSQL and on one that follows it."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from bot.agents.tools import Toolbox
from bot.catalog import Catalog, Database, Service
from bot.models import Finding, Report
from bot.telemetry.postgres import Postgres
from tests.integration.agents.database.asking import no_pause, scope, suspicious, tools_for
from tests.servers.postgres import PostgresDatabase, PostgresServer
from tests.servers.process import wait_until

FOLLOWING = Catalog(
    services={"payments-api": Service(databases=("payments", "copy"))},
    databases={"payments": Database(dsn_env="PAYMENTS_DSN"), "copy": Database(dsn_env="COPY_DSN")},
)
FOLLOWS = "SELECT count(*) AS n FROM pg_stat_wal_receiver WHERE status = 'streaming'"
BEHIND = "SELECT count(*) AS n WHERE pg_last_wal_receive_lsn() > pg_last_wal_replay_lsn()"


@pytest.fixture
def tools(postgres_database: PostgresDatabase, postgres_standby: PostgresServer) -> Toolbox:
    copy = postgres_standby.dsn("nightdesk_reader", postgres_database.name)
    return tools_for(
        {
            "payments": Postgres("payments", postgres_database.reader, pause=no_pause),
            "copy": Postgres("copy", copy, pause=no_pause),
        }
    )


def about(report: Report, database: str) -> Finding:
    (found,) = [finding for finding in report.findings if finding.service == database]
    return found


async def asked(tools: Toolbox) -> Report:
    return await tools.use("database.replication", {}, scope("payments-api", catalog=FOLLOWING))


async def until(dsn: SecretStr, query: str, count: int, what: str) -> None:
    async with await AsyncConnection.connect(dsn.get_secret_value(), autocommit=True) as connection:

        async def there() -> bool:
            row: Any = await (await connection.execute(query.encode())).fetchone()
            return bool(row[0] == count)

        await wait_until(there, what=what)


async def test_a_copy_whose_replay_is_paused_is_told_from_both_ends(
    tools: Toolbox, postgres_database: PostgresDatabase, postgres_standby: PostgresServer
) -> None:
    copy = postgres_standby.dsn("postgres", "postgres")
    await until(copy, FOLLOWS, 1, "the copy that streams")
    well = await asked(tools)
    async with (
        await AsyncConnection.connect(copy.get_secret_value(), autocommit=True) as owner,
        postgres_database.session() as session,
    ):
        await session.execute("UPDATE orders SET state = 'x'")
        await until(copy, "SELECT count(*) WHERE pg_last_xact_replay_timestamp() IS NOT NULL", 1, "a replayed change")
        await owner.execute("SELECT pg_wal_replay_pause()")
        await until(copy, "SELECT count(*) WHERE pg_get_wal_replay_pause_state() = 'paused'", 1, "the pause")
        await session.execute("UPDATE orders SET state = repeat('x', 2000)")
        await until(copy, BEHIND, 1, "a change that is not replayed")
        paused = await asked(tools)
        await owner.execute("SELECT pg_wal_replay_resume()")
    assert suspicious(well) == []
    assert "a primary with 1 standby server" in about(well, "payments").title
    assert about(paused, "copy").score >= 0.5
    assert "it is paused" in about(paused, "copy").title
    assert about(paused, "copy").facts["replication_lag_s"] > 0
    assert about(paused, "payments").facts["replication_lag_bytes"] > 10_000
    assert "standby (127.0.0.1) is streaming" in about(paused, "payments").evidence[0].statement


async def test_a_copy_that_is_cut_off_is_told_by_itself_and_one_that_is_told_to_wait_is_not_late(
    tools: Toolbox, postgres_standby: PostgresServer
) -> None:
    copy = postgres_standby.dsn("postgres", "postgres")
    await until(copy, FOLLOWS, 1, "the copy that streams")
    async with await AsyncConnection.connect(copy.get_secret_value(), autocommit=True) as owner:
        await owner.execute("ALTER SYSTEM SET recovery_min_apply_delay = '1h'")
        await owner.execute("SELECT pg_reload_conf()")
        delayed = "SELECT count(*) WHERE current_setting('recovery_min_apply_delay') = '1h'"
        await until(copy, delayed, 1, "the delay")
        meant = await asked(tools)
        await owner.execute("ALTER SYSTEM SET primary_conninfo = ''")
        await owner.execute("SELECT pg_reload_conf()")
        await until(copy, FOLLOWS, 0, "the end of the stream")
        cut = await asked(tools)
    assert "told to stay 60 min behind" in about(meant, "copy").title
    assert suspicious(meant) == []
    assert "it has lost its source" in about(cut, "copy").title
    assert about(cut, "copy").score >= 0.5
    assert about(cut, "copy").facts["replication_broken"]

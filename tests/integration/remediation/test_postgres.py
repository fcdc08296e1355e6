"""Ending sessions of a real PostgreSQL, and only the one that was approved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg import AsyncConnection
from pydantic import SecretStr

from bot.catalog import Catalog, Database, Service
from bot.errors import EffectFailed, EffectUnknown, PreconditionFailed, RemediationError
from bot.models import Risk
from bot.remediation.catalogue import Actions, actions
from bot.remediation.postgres import CancelQuery, TerminateBackend
from bot.remediation.proposal import Grounds, draft, matches
from bot.remediation.rules import load_policy
from bot.remediation.verification import watch
from bot.settings import RemediationSettings
from tests.servers.postgres import PostgresDatabase
from tests.servers.process import free_port, wait_until

CATALOG = Catalog(
    services={
        "checkout": Service(depends_on=("payments-api",)),
        "payments-api": Service(databases=("payments",), tier="critical"),
    },
    databases={
        "payments": Database(dsn_env="PAYMENTS_DSN", action_dsn_env="PAYMENTS_ACTION_DSN"),
        "ledger": Database(dsn_env="LEDGER_DSN"),
    },
)
SETTINGS = RemediationSettings(approver_users=("U1", "U2"))
TERMINATE, CANCEL = TerminateBackend.name, CancelQuery.name


@pytest.fixture
def catalogue(postgres_database: PostgresDatabase) -> Actions:
    return actions(CATALOG, SETTINGS, action_dsns={"payments": postgres_database.actor}, installed=())


async def seen(database: PostgresDatabase, pid: int) -> dict[str, Any]:
    """The parameters that name that session now."""
    async with await AsyncConnection.connect(database.owner.get_secret_value()) as owner:
        row = await (
            await owner.execute(
                "SELECT backend_start, xact_start, query_start FROM pg_stat_activity WHERE pid = %s", [pid]
            )
        ).fetchone()
    assert row
    return {"database": "payments", "pid": pid, "backend_start": row[0].isoformat(), "moments": row[1:]}


async def named(database: PostgresDatabase, pid: int) -> dict[str, Any]:
    given = await seen(database, pid)
    del given["moments"]
    return given


async def run(catalogue: Actions, name: str, given: Mapping[str, Any]) -> str:
    action, params = catalogue.resolve(name, given)
    await action.check(params)
    return await action.perform(params, "incident-1.proposal-1")


async def test_when_the_root_is_ended_those_behind_it_proceed(
    catalogue: Actions, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(4) as queue:
        given = await named(postgres_database, queue.pid)
        outcome = await run(catalogue, TERMINATE, given)
        done = await asyncio.wait_for(asyncio.gather(*queue.waiting), 20)
    assert done == ["done"] * 4
    assert outcome == f"Session {queue.pid} on payments has ended."


async def test_the_verification_sees_that_nobody_waits_any_more(
    catalogue: Actions, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(3) as queue:
        action, params = catalogue.resolve(TERMINATE, await named(postgres_database, queue.pid))
        verification = action.default_verification(params, 20)
        assert verification
        measure = action.checks(params)[verification.query]

        async def three_wait() -> float | None:
            count = await measure()
            return count if count == 3 else None

        before = await wait_until(three_wait, what="three sessions that have waited for a second")
        await action.perform(params, "key")
        verdict = await watch(verification, measure, before=before, interval_s=0.02)
    assert (verdict.recovered, verdict.before, verdict.after) == (True, 3, 0)


async def test_the_proposal_says_what_is_lost_and_who_stands_on_the_database(
    catalogue: Actions, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(3) as queue:
        action, params = catalogue.resolve(TERMINATE, await named(postgres_database, queue.pid))
        proposal = await draft(
            action, params, Grounds(incident_id="i", why="It blocks.", confidence=0.9, evidence=("database-1",)),
            proposal_id="i.1", catalog=CATALOG, policy=load_policy(None, SETTINGS), verify_s=60,
            now=datetime(2026, 5, 1, tzinfo=UTC),
        )  # fmt: skip
    assert "batch-job" in proposal.blast_radius
    assert "3 sessions wait behind it" in proposal.blast_radius
    assert "payments-api, checkout" in proposal.blast_radius
    assert "is rolled back" in proposal.blast_radius
    assert (proposal.risk, proposal.reversible, proposal.approvals_needed) == (Risk.MEDIUM, False, 1)
    assert proposal.expires_at - proposal.proposed_at == timedelta(seconds=900)
    assert matches(proposal)


@pytest.mark.parametrize("name", [TERMINATE, CANCEL])
async def test_another_session_that_took_the_pid_is_not_touched(
    name: str, catalogue: Actions, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(1, statement="SELECT pg_sleep(60)") as queue:
        given = await named(postgres_database, queue.pid)
        began = datetime.fromisoformat(given["backend_start"]) - timedelta(microseconds=1)
        action, params = catalogue.resolve(name, {**given, "backend_start": began.isoformat()})
        with pytest.raises(PreconditionFailed, match="another session now"):
            await action.check(params)
        with pytest.raises(PreconditionFailed, match="another session now"):
            await action.perform(params, "key")
        assert (await named(postgres_database, queue.pid)) == given


@pytest.mark.parametrize("statement", [TerminateBackend.signal, CancelQuery.signal])
async def test_the_signalling_statement_itself_refuses_another_session(
    statement: Any, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.queue(1, statement="SELECT pg_sleep(60)") as queue:
        given = await named(postgres_database, queue.pid)
        values = {"pid": queue.pid, "backend_start": datetime(2020, 1, 1, tzinfo=UTC), "transaction_start": None,
                  "query_start": None}  # fmt: skip
        async with await AsyncConnection.connect(postgres_database.actor.get_secret_value()) as actor:
            assert await (await actor.execute(statement, values)).fetchone() is None
        assert (await named(postgres_database, queue.pid)) == given


async def test_a_session_that_is_gone_is_a_failed_precondition(
    catalogue: Actions, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.session() as session:
        pid = session.info.backend_pid
        given = await named(postgres_database, pid)

    async def gone() -> bool:
        async with await AsyncConnection.connect(postgres_database.owner.get_secret_value()) as owner:
            rows = await owner.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
            return await rows.fetchone() is None

    await wait_until(gone, what="the end of the session")
    with pytest.raises(PreconditionFailed, match="is gone"):
        await run(catalogue, TERMINATE, given)


async def test_a_session_that_has_ended_its_transaction_is_not_ended_for_it(
    catalogue: Actions, postgres_database: PostgresDatabase
) -> None:
    async with postgres_database.session(autocommit=False) as session:
        await session.execute("SELECT 1 FROM orders")
        given = await seen(postgres_database, session.info.backend_pid)
        moments = given.pop("moments")
        given["transaction_start"] = moments[0].isoformat()
        action, params = catalogue.resolve(TERMINATE, given)
        await action.check(params)
        await session.commit()
        await session.execute("SELECT 2 FROM orders")
        with pytest.raises(PreconditionFailed, match="has ended the transaction"):
            await action.perform(params, "key")
        await session.execute("SELECT 3")


async def test_cancelling_leaves_the_session_connected(catalogue: Actions, postgres_database: PostgresDatabase) -> None:
    async with postgres_database.session() as session:
        working = asyncio.create_task(session.execute("SELECT pg_sleep(60)"))
        pid = session.info.backend_pid

        async def busy() -> bool:
            async with await AsyncConnection.connect(postgres_database.owner.get_secret_value()) as owner:
                rows = await owner.execute("SELECT wait_event FROM pg_stat_activity WHERE pid = %s", [pid])
                return await rows.fetchone() == ("PgSleep",)

        await wait_until(busy, what="the statement to run")
        outcome = await run(catalogue, CANCEL, await named(postgres_database, pid))
        with pytest.raises(Exception, match="canceling statement due to user request"):
            await working
        assert (await (await session.execute("SELECT 7")).fetchone()) == (7,)
    assert outcome == f"The statement of session {pid} on payments was cancelled."


async def test_an_idle_session_has_nothing_to_cancel(catalogue: Actions, postgres_database: PostgresDatabase) -> None:
    async with postgres_database.queue(1) as queue:
        with pytest.raises(PreconditionFailed, match="runs no statement"):
            await run(catalogue, CANCEL, await named(postgres_database, queue.pid))


async def test_a_superusers_session_is_never_touched(catalogue: Actions, postgres_database: PostgresDatabase) -> None:
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value()) as owner:
        await owner.execute("SELECT 1")
        given = await named(postgres_database, owner.info.backend_pid)
        with pytest.raises(PreconditionFailed, match="superuser"):
            await run(catalogue, TERMINATE, given)
        await owner.execute("SELECT 2")


async def test_a_system_process_is_never_touched(catalogue: Actions, postgres_database: PostgresDatabase) -> None:
    async with await AsyncConnection.connect(postgres_database.owner.get_secret_value()) as owner:
        rows = await owner.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
        row = await rows.fetchone()
    assert row
    with pytest.raises(PreconditionFailed, match="must not be touched"):
        await run(catalogue, TERMINATE, await named(postgres_database, row[0]))


async def test_a_session_of_another_database_is_never_touched(
    catalogue: Actions, postgres_database: PostgresDatabase
) -> None:
    elsewhere = postgres_database.server.dsn("app", "postgres").get_secret_value()
    async with await AsyncConnection.connect(elsewhere) as session:
        given = await named(postgres_database, session.info.backend_pid)
        with pytest.raises(PreconditionFailed, match="another database"):
            await run(catalogue, TERMINATE, given)
        await session.execute("SELECT 1")


async def test_a_role_without_the_right_to_signal_says_what_to_grant(postgres_database: PostgresDatabase) -> None:
    catalogue = actions(CATALOG, SETTINGS, action_dsns={"payments": postgres_database.reader}, installed=())
    async with postgres_database.queue(1) as queue:
        given = await named(postgres_database, queue.pid)
        with pytest.raises(EffectFailed, match="grant pg_signal_backend"):
            await run(catalogue, TERMINATE, given)


async def test_a_role_that_may_not_see_others_says_what_to_grant(postgres_database: PostgresDatabase) -> None:
    other = SecretStr(postgres_database.app.get_secret_value())
    catalogue = actions(CATALOG, SETTINGS, action_dsns={"payments": other}, installed=())
    async with await AsyncConnection.connect(postgres_database.reader.get_secret_value()) as session:
        given = await named(postgres_database, session.info.backend_pid)
        with pytest.raises(PreconditionFailed, match="grant it pg_read_all_stats"):
            await run(catalogue, TERMINATE, given)


async def test_a_session_that_does_not_obey_leaves_the_outcome_unknown(postgres_database: PostgresDatabase) -> None:
    action = TerminateBackend(CATALOG, {"payments": postgres_database.actor}, within_s=0)
    async with postgres_database.queue(1) as queue:
        params = action.accept(await named(postgres_database, queue.pid))
        with pytest.raises(EffectUnknown, match="did not obey"):
            await action.perform(params, "key")


async def test_an_unreachable_database_refuses_everything_and_tells_no_password() -> None:
    dsn = SecretStr(f"postgresql://actor:hunter2@127.0.0.1:{free_port()}/shop")
    catalogue = actions(CATALOG, SETTINGS, action_dsns={"payments": dsn}, installed=())
    given = {"database": "payments", "pid": 1, "backend_start": "2026-05-01T00:00:00+00:00"}
    action, params = catalogue.resolve(TERMINATE, given)
    for attempt in (action.check(params), action.perform(params, "key"), action.blast_radius(params)):
        with pytest.raises(PreconditionFailed, match="did not answer") as refused:
            await attempt
        assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "change",
    [
        {"database": "ledger"},
        {"database": "payments; DROP TABLE orders"},
        {"pid": 0},
        {"pid": -1},
        {"pid": True},
        {"pid": 1.5},
        {"pid": "1 OR true"},
        {"pid": 2**31},
        {"backend_start": "2026-05-01T00:00:00"},
        {"backend_start": 0},
        {"backend_start": ""},
        {"backend_start": None},
        {"force": True},
    ],
)
def test_parameters_that_leave_a_doubt_are_refused(change: dict[str, Any]) -> None:
    catalogue = actions(CATALOG, SETTINGS, action_dsns={"payments": SecretStr("")}, installed=())
    given = {"database": "payments", "pid": 4711, "backend_start": "2026-05-01T00:00:00+00:00"}
    catalogue.resolve(TERMINATE, given)
    with pytest.raises(RemediationError):
        catalogue.resolve(TERMINATE, {**given, **change})


def test_a_database_outside_the_catalogue_has_no_actions() -> None:
    catalogue = actions(CATALOG, SETTINGS, action_dsns={"elsewhere": SecretStr("")}, installed=())
    with pytest.raises(RemediationError, match="There is no action"):
        catalogue.resolve(TERMINATE, {})

"""The connection limit of a real role."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from bot.catalog import Catalog, Database
from bot.errors import EffectFailed, PreconditionFailed, RemediationError
from bot.models import Risk
from bot.remediation.postgres_roles import LimitRole
from tests.servers.postgres import PostgresDatabase

CATALOG = Catalog(
    databases={"shop": Database(dsn_env="A", action_dsn_env="B", limited_roles=("app", "postgres", "nobody"))}
)
LIMIT = {"database": "shop", "role": "app", "connections": 9}


@pytest.fixture
def administrator(postgres_database: PostgresDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_database.owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("ALTER ROLE nightdesk_actor CREATEROLE")
        yield connection
        connection.execute("ALTER ROLE nightdesk_actor NOCREATEROLE")
        connection.execute("ALTER ROLE app CONNECTION LIMIT -1")


def limit_of(administrator: psycopg.Connection) -> int:
    row = administrator.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'app'").fetchone()
    assert row
    return int(row[0])


@pytest.fixture
def action(postgres_database: PostgresDatabase) -> LimitRole:
    return LimitRole(CATALOG, {"shop": postgres_database.actor})


async def test_the_limit_is_set_and_the_way_back_is_known(action: LimitRole, administrator: psycopg.Connection) -> None:
    params = await action.pinned(action.accept(LIMIT))
    assert (params.seen, action.rollback(params)) == (-1, "Set the limit of app back to no limit.")
    assert action.base_risk(params) is Risk.MEDIUM
    assert "beyond the new limit stay open" in (await action.blast_radius(params)).statement
    assert await action.perform(params, "i.1") == "app on shop may hold 9 connections."
    assert limit_of(administrator) == 9


async def test_a_limit_that_somebody_has_set_meanwhile_stays(
    action: LimitRole, administrator: psycopg.Connection
) -> None:
    params = await action.pinned(action.accept(LIMIT))
    administrator.execute("ALTER ROLE app CONNECTION LIMIT 4")
    with pytest.raises(PreconditionFailed, match="is 4 now, it was no limit"):
        await action.perform(params, "i.1")
    assert limit_of(administrator) == 4


async def test_without_the_right_nothing_changes_and_the_grant_is_named(
    action: LimitRole, administrator: psycopg.Connection
) -> None:
    params = await action.pinned(action.accept(LIMIT))
    administrator.execute("ALTER ROLE nightdesk_actor NOCREATEROLE")
    with pytest.raises(EffectFailed, match="grant CREATEROLE"):
        await action.perform(params, "i.1")
    assert limit_of(administrator) == -1


@pytest.mark.parametrize(("role", "why"), [("postgres", "superuser"), ("nobody", "has no role")])
async def test_some_roles_are_never_touched(
    action: LimitRole, administrator: psycopg.Connection, role: str, why: str
) -> None:
    with pytest.raises(PreconditionFailed, match=why):
        await action.pinned(action.accept({**LIMIT, "role": role}))


@pytest.mark.parametrize("role", ["nightdesk_reader", 'app" SUPERUSER; --', "аpp", ""])
def test_only_roles_that_the_catalogue_names_are_taken(action: LimitRole, role: str) -> None:
    with pytest.raises(RemediationError):
        action.accept({**LIMIT, "role": role})

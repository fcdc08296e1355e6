"""From the catalogue to what the agent looks through: every engine, and whether its role is fit for that."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr

from bot.agents.database import Observed
from bot.catalog import Catalog, Database
from bot.databases import databases_of, readings_kept
from bot.doctor import Check, database_check
from bot.telemetry.mysql import MySql
from bot.telemetry.postgres import Postgres
from bot.telemetry.redis_server import RedisServer
from tests.integration.agents.database.asking import scope, tools_for
from tests.servers.mariadb import MariaDbDatabase
from tests.servers.postgres import PostgresDatabase
from tests.servers.process import wait_until
from tests.servers.redis import ObservedRedis

CATALOG = Catalog.model_validate(
    {
        "services": {"payments-api": {"databases": ["orders", "stock", "cache", "attic"]}},
        "databases": {
            "orders": Database(dsn_env="ORDERS"),
            "stock": Database(engine="mysql", dsn_env="STOCK"),
            "cache": Database(engine="redis", dsn_env="CACHE"),
            "attic": Database(engine="redis", dsn_env="ATTIC"),
        },
    }
)


@pytest.fixture
def secrets(
    postgres_database: PostgresDatabase, mariadb: MariaDbDatabase, observed_redis: ObservedRedis
) -> dict[str, SecretStr]:
    """The connection strings of all but one."""
    return {"ORDERS": postgres_database.reader, "STOCK": mariadb.reader, "CACHE": observed_redis.reader}


async def examined(name: str, dsn: SecretStr | None, monkeypatch: pytest.MonkeyPatch) -> Check:
    monkeypatch.delenv(CATALOG.databases[name].dsn_env, raising=False)
    if dsn:
        monkeypatch.setenv(CATALOG.databases[name].dsn_env, dsn.get_secret_value())
    return await database_check(name, CATALOG)


def test_every_engine_is_looked_at_in_its_own_way(secrets: dict[str, SecretStr]) -> None:
    opened = databases_of(CATALOG, secrets.get)
    kinds: dict[str, type[Observed]] = {"orders": Postgres, "stock": MySql, "cache": RedisServer}
    assert {name: type(database) for name, database in opened.items()} == kinds


async def test_one_look_sweeps_all_databases_of_a_service_whatever_their_engine(secrets: dict[str, SecretStr]) -> None:
    tools = tools_for(databases_of(CATALOG, secrets.get))
    report = await tools.use("database.look", {}, scope("payments-api", catalog=CATALOG))
    assert {finding.service for finding in report.findings} == {"orders", "stock", "cache"}
    assert [(gap.source, gap.reason) for gap in report.gaps] == [
        ("database attic", "it has no connection string: set the variable ATTIC")
    ]


async def test_a_database_that_is_down_does_not_keep_the_others_from_being_seen(
    secrets: dict[str, SecretStr],
) -> None:
    secrets["STOCK"] = SecretStr("mysql://reader:x@127.0.0.1:1/stock")
    tools = tools_for(databases_of(CATALOG, secrets.get))
    report = await tools.use("database.connections", {}, scope("payments-api", catalog=CATALOG))
    assert {finding.service for finding in report.findings} == {"orders", "cache"}
    assert [gap.source for gap in report.gaps] == ["database attic", "database stock"]


async def test_totals_are_kept_before_anybody_looks_also_while_one_database_is_down(
    secrets: dict[str, SecretStr],
) -> None:
    secrets["STOCK"] = SecretStr("mysql://reader:x@127.0.0.1:1/stock")
    opened = databases_of(CATALOG, secrets.get)
    orders, cache = opened["orders"], opened["cache"]
    assert isinstance(orders, Postgres)
    assert isinstance(cache, RedisServer)
    readings = 0

    async def second_round(_: float) -> None:
        nonlocal readings
        readings += 1
        if readings > 1:
            await asyncio.Event().wait()

    async with readings_kept(opened.values(), 300, pause=second_round):

        async def twice() -> bool:
            return readings == 2

        await wait_until(twice, what="two rounds")
    async with orders.look() as look:
        assert orders.kept.before(await look.totals()) is not None
        assert orders.kept_space.before(await look.space()) is not None
    async with cache.look() as redis_look:
        assert cache.kept.before(await redis_look.totals()) is not None


async def test_where_it_is_switched_off_nothing_is_read(secrets: dict[str, SecretStr]) -> None:
    opened = databases_of(CATALOG, secrets.get)
    async with readings_kept(opened.values(), 0):
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "database readings"]


@pytest.mark.parametrize("name", ["orders", "stock", "cache"])
async def test_the_doctor_calls_a_reader_well(
    name: str, secrets: dict[str, SecretStr], monkeypatch: pytest.MonkeyPatch
) -> None:
    check = await examined(name, secrets[CATALOG.databases[name].dsn_env], monkeypatch)
    assert (check.state, "read only as nightdesk_reader" in check.said) == ("ok", True)


async def test_the_doctor_refuses_roles_that_can_write(
    postgres_database: PostgresDatabase,
    mariadb: MariaDbDatabase,
    observed_redis: ObservedRedis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writers = {"orders": postgres_database.app, "stock": mariadb.app, "cache": observed_redis.owner}
    for name, dsn in writers.items():
        check = await examined(name, dsn, monkeypatch)
        assert (check.state, "may write" in check.said) == ("wrong", True), name


async def test_the_doctor_says_what_a_redis_does_not_tell(
    observed_redis: ObservedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with observed_redis.client() as owner:
        await owner.acl_setuser("nightdesk_reader", enabled=True, commands=["-acl|dryrun"])
    check = await examined("cache", observed_redis.reader, monkeypatch)
    assert (check.state, "ACL DRYRUN" in check.mend) == ("note", True)


async def test_the_doctor_says_which_variable_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    check = await examined("stock", None, monkeypatch)
    assert (check.state, "the variable STOCK is not set" in check.said) == ("wrong", True)

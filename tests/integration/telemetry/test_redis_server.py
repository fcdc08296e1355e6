"""Looking into a real Redis through a user that may only ask."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import SecretStr
from redis.exceptions import NoPermissionError

from bot.errors import ConnectionsExhausted, SourceUnavailable
from bot.telemetry.redis_server import RedisServer
from tests.servers.process import free_port, wait_until
from tests.servers.redis import ObservedRedis


@pytest.fixture
def server(observed_redis: ObservedRedis) -> RedisServer:
    return RedisServer("cache", observed_redis.reader)


async def test_figures_are_read_by_name(server: RedisServer, observed_redis: ObservedRedis) -> None:
    async with observed_redis.client() as client, server.look() as look:
        before = await look.totals()
        await client.set("cart:42", "x")
        await client.get("cart:42")
        await client.get("cart:43")
        after = await look.totals()
    assert after.run_id == before.run_id
    assert (after.hits - before.hits, after.misses - before.misses) == (1, 1)
    assert after.commands["set"].calls == 1
    assert after.used_bytes > 0
    assert after.clients_limit == 30
    assert (after.is_copy, after.link_up, after.failures) == (False, True, ())


async def test_slow_commands_are_kept_without_their_keys_and_values(
    server: RedisServer, observed_redis: ObservedRedis
) -> None:
    async with observed_redis.client() as client, server.look() as look:
        await client.config_set("slowlog-log-slower-than", 0)
        await client.set("customer:ann@example.com", "secret")
        lines = await look.slow_commands()
    (line,) = [line for line in lines if line.command == "SET"]
    assert line.arguments == 2
    assert line.client == "checkout"
    assert "ann@example.com" not in str(lines)


async def test_who_waits_in_which_command_is_counted(server: RedisServer, observed_redis: ObservedRedis) -> None:
    async with observed_redis.client("worker") as worker, observed_redis.client() as client, server.look() as look:
        await worker.ping()
        waiting = asyncio.ensure_future(worker.blpop("jobs", 0))

        async def blocked() -> bool:
            return (await look.totals()).blocked == 1

        await wait_until(blocked, what="the worker that waits")
        assert await look.waiting_in(2) == {"blpop": 1}
        assert (await look.holders(2))["worker as default"] == 1
        assert await look.holders(100_000) == {}
        await client.rpush("jobs", "one")
        await waiting


async def test_the_server_itself_refuses_to_write_for_the_reader(server: RedisServer) -> None:
    async with server.look() as look:
        with pytest.raises(NoPermissionError):
            await look._redis.set("proof", "1")
        with pytest.raises(SourceUnavailable, match=r"docs/services\.md"):
            await look._asked(look._redis.get("proof"))
        assert not look.lost


async def test_a_user_that_may_write_is_told_from_one_that_may_not(
    server: RedisServer, observed_redis: ObservedRedis
) -> None:
    async with server.look() as look:
        reader = await look.role()
    async with RedisServer("cache", observed_redis.owner).look() as look:
        owner = await look.role()
    assert (reader.name, reader.may_write) == ("nightdesk_reader", False)
    assert (owner.name, owner.may_write) == ("default", True)


async def test_where_the_server_does_not_tell_it_is_left_open(observed_redis: ObservedRedis) -> None:
    async with observed_redis.client() as owner:
        await owner.acl_setuser("nightdesk_reader", enabled=True, commands=["-acl|dryrun"])
    async with RedisServer("cache", observed_redis.reader).look() as look:
        assert (await look.role()).may_write is None


async def test_a_full_server_is_told_from_an_unreachable_one(
    server: RedisServer, observed_redis: ObservedRedis
) -> None:
    async with observed_redis.client() as client:
        await client.config_set("maxclients", 1)
        with pytest.raises(ConnectionsExhausted, match="no connection left"):
            async with server.look():
                raise AssertionError("there is no room")


@pytest.mark.parametrize(
    "dsn",
    [
        "redis://nightdesk_reader:hunter2@127.0.0.1:{port}/0",
        "redis://nightdesk_reader:hunter2@127.0.0.1:{port}x/0",
        "redis://nightdesk_reader:x/hunter2@127.0.0.1:{port}/0",
        "redis://nightdesk_reader:x@hunter2@127.0.0.1:{port}/0",
        "hunter2://127.0.0.1",
    ],
)
async def test_no_password_is_in_an_error(dsn: str) -> None:
    server = RedisServer("cache", SecretStr(dsn.format(port=free_port())))
    with pytest.raises(SourceUnavailable, match="cache") as unreachable:
        async with server.look():
            raise AssertionError("nothing listens there")
    seen: BaseException | None = unreachable.value
    while seen is not None:
        assert "hunter2" not in f"{seen} {seen.args}"
        seen = None if seen.__suppress_context__ else seen.__cause__ or seen.__context__


async def test_a_wrong_password_is_said_without_naming_it(observed_redis: ObservedRedis) -> None:
    dsn = observed_redis.reader.get_secret_value().replace("reader-s3cret", "hunter2")
    with pytest.raises(SourceUnavailable, match="refused us") as refused:
        async with RedisServer("cache", SecretStr(dsn)).look():
            raise AssertionError("the password is wrong")
    assert "hunter2" not in str(refused.value)

"""A parameter of a real Redis is changed, if the settings allow it and it is harmless by nature."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.catalog import Catalog
from bot.errors import EffectFailed, Misconfigured, PreconditionFailed, RemediationError
from bot.remediation.redis_config import SetRedisConfig
from bot.settings.targets import RedisServer

SLOWLOG = "slowlog-max-len"
SERVER = RedisServer(url_env="CACHE", parameters={SLOWLOG: r"\d+|many", "maxmemory-policy": "allkeys-lru"})


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, decode_responses=True) as redis:
        before = await redis.config_get(SLOWLOG)
        yield redis
        await redis.config_set(SLOWLOG, str(before[SLOWLOG]))


@pytest.fixture
def action(redis_url: str) -> SetRedisConfig:
    return SetRedisConfig(Catalog(), {"cache": SERVER}, {"cache": SecretStr(redis_url)})


async def test_it_is_set_and_the_way_back_is_known(action: SetRedisConfig, redis: Redis) -> None:
    given = {"server": "cache", "parameter": SLOWLOG, "value": "77"}
    params = await action.pinned(action.accept(given))
    assert (params.seen, action.rollback(params)) == ("128", f"Set {SLOWLOG} back to 128.")
    await action.check(params)
    await action.perform(params, "i.1")
    assert await redis.config_get(SLOWLOG) == {SLOWLOG: "77"}


async def test_what_somebody_else_has_set_meanwhile_stays(action: SetRedisConfig, redis: Redis) -> None:
    params = await action.pinned(action.accept({"server": "cache", "parameter": SLOWLOG, "value": "77"}))
    await redis.config_set(SLOWLOG, 5)
    with pytest.raises(PreconditionFailed, match="is 5 now, it was 128"):
        await action.perform(params, "i.1")
    assert await redis.config_get(SLOWLOG) == {SLOWLOG: "5"}


async def test_a_value_that_the_server_refuses_changes_nothing(action: SetRedisConfig, redis: Redis) -> None:
    params = await action.pinned(action.accept({"server": "cache", "parameter": SLOWLOG, "value": "many"}))
    with pytest.raises(EffectFailed, match="refused"):
        await action.perform(params, "i.1")


@pytest.mark.parametrize(
    ("parameter", "value"), [("dir", "/tmp"), ("maxmemory", "0"), (SLOWLOG, "1 dir /tmp"), (SLOWLOG, "１")]
)
def test_nothing_else_may_be_set(action: SetRedisConfig, parameter: str, value: str) -> None:
    with pytest.raises(RemediationError):
        action.accept({"server": "cache", "parameter": parameter, "value": value})


def test_the_settings_cannot_allow_what_writes_files_or_opens_the_server() -> None:
    for parameter in ("dir", "dbfilename", "requirepass", "protected-mode", "logfile"):
        server = RedisServer(url_env="CACHE", parameters={parameter: ".*"})
        with pytest.raises(Misconfigured, match="which no action may set"):
            SetRedisConfig(Catalog(), {"cache": server}, {})

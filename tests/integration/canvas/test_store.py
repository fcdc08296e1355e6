"""Outcomes in a real Redis: the first stays, nothing outlives its time, and a walk goes on in another process."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.canvas import Outcome, RedisStore, decide, walk
from bot.canvas.store import run_key
from tests.unit.canvas.test_walk import GATED, INNER, OUTER
from tests.unit.canvas.worlds import GIVEN, ToldWorld


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url) as client:
        yield client


async def test_the_first_outcome_of_a_step_stays(redis: Redis) -> None:
    store = RedisStore(redis, ttl=60)
    assert await store.save("inc-1", "x", Outcome(facts={"n": 1}))
    assert not await store.save("inc-1", "x", Outcome(facts={"n": 2}))
    assert (await store.load("inc-1"))["x"].facts == {"n": 1}


async def test_runs_do_not_see_each_other_and_an_unknown_run_is_empty(redis: Redis) -> None:
    store = RedisStore(redis, ttl=60)
    await store.save("inc-1", "x", Outcome())
    assert await store.load("inc-2") == {}


async def test_every_key_expires_and_a_run_with_its_inner_runs_shares_a_slot(redis: Redis) -> None:
    store = RedisStore(redis, ttl=60)
    await walk(OUTER, "inc-1", store=store, world=ToldWorld({"x": {"pid": 7}}), given=GIVEN, library={"inner": INNER})
    keys = sorted([key.decode() async for key in redis.scan_iter()])
    assert keys == ["run:{inc-1}", "run:{inc-1}/s"]
    for key in keys:
        assert 0 < await redis.pttl(key) <= 60_000
    assert run_key("a/b/c#2") == "run:{a}/b/c#2"


async def test_a_run_goes_on_from_the_store_alone(redis: Redis) -> None:
    await walk(GATED, "inc-1", store=RedisStore(redis, 60), world=ToldWorld({"x": {"pid": 7}}), given=GIVEN)
    await decide(RedisStore(redis, 60), "inc-1", "g", "approved", actor="U1")
    later = ToldWorld()
    walked = await walk(GATED, "inc-1", store=RedisStore(redis, 60), world=later)
    assert [step.key for step in walked.waiting] == ["c"]
    assert (later.uses, later.changes) == ([], [("c", "postgres.cancel_query", {"pid": 7})])

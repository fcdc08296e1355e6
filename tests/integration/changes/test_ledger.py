"""Posted changes in a real Redis: kept once, found by time, bounded in number and age."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.asyncio import Redis

from bot.changes.change import Change
from bot.changes.ledger import SAID, TIMES, ChangeLedger
from bot.errors import SourceUnavailable
from bot.models import Window
from bot.storage import connect
from tests.servers.process import free_port

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
HOUR = Window(start=NOW - timedelta(hours=1), end=NOW)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as client:
        yield client


def change(minutes_before: float, **fields: object) -> Change:
    return Change.model_validate(
        {"source": "posted", "what": "shop", "service": "shop", "at": NOW - timedelta(minutes=minutes_before)} | fields
    )


async def test_a_change_is_found_by_its_time_and_the_latest_word_under_an_id_wins(redis: Redis) -> None:
    ledger = ChangeLedger(redis, kept=timedelta(days=1), most=10)
    await ledger.add([("a", change(9, outcome="started")), ("b", change(90))], NOW)
    await ledger.add([("a", change(9, outcome="failed"))], NOW)
    (found,) = (await ledger.changes(HOUR, [])).changes
    assert found == change(9, outcome="failed")
    assert await ledger.check() == "2 kept, the latest of 2026-05-01 02:51 UTC"


async def test_what_is_too_old_and_what_is_too_much_is_forgotten_everywhere(redis: Redis) -> None:
    ledger = ChangeLedger(redis, kept=timedelta(hours=1), most=3)
    await ledger.add([(str(age), change(age)) for age in (59, 50, 40)], NOW)
    await ledger.add([("new", change(1))], NOW)
    assert await redis.zrange(TIMES, 0, -1) == ["50", "40", "new"]
    await ledger.add([("newest", change(-30))], NOW + timedelta(minutes=30))
    assert await redis.zrange(TIMES, 0, -1) == ["new", "newest"]
    assert set(await redis.hkeys(SAID)) == {"new", "newest"}


async def test_nothing_is_left_behind_for_ever(redis: Redis) -> None:
    await ChangeLedger(redis, kept=timedelta(hours=1), most=3).add([("a", change(1))], NOW)
    assert all(0 < left <= 3601 for left in [await redis.ttl(TIMES), await redis.ttl(SAID)])


async def test_a_redis_that_is_gone_is_said() -> None:
    async with connect(f"redis://127.0.0.1:{free_port()}") as nowhere:
        ledger = ChangeLedger(nowhere, kept=timedelta(hours=1), most=3)
        with pytest.raises(SourceUnavailable, match="could not be read"):
            await ledger.changes(HOUR, [])

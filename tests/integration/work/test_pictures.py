"""Charts on their way into the thread."""

from __future__ import annotations

from bot.models import Chart
from bot.storage import connect
from bot.work.pictures import KEEP_S, Pictures

CHARTS = [Chart(title=f"Chart {n}", alt="errors rise", png=bytes(range(256)) * (n + 1)) for n in range(2)]


async def test_what_is_kept_comes_back_as_it_was(redis_url: str) -> None:
    async with connect(redis_url) as redis:
        pictures = Pictures(redis)
        keys = await pictures.keep("i", "run:look", CHARTS)
        assert [await pictures.get(key) for key in keys] == CHARTS


async def test_the_same_step_again_replaces_its_pictures(redis_url: str) -> None:
    async with connect(redis_url) as redis:
        pictures = Pictures(redis)
        first = await pictures.keep("i", "run:look", CHARTS)
        assert await pictures.keep("i", "run:look", CHARTS) == first
        assert len(await redis.keys("*")) == len(CHARTS)


async def test_they_are_gone_after_a_week(redis_url: str) -> None:
    async with connect(redis_url) as redis:
        (key, _) = await Pictures(redis).keep("i", "run:look", CHARTS)
        assert 0 < await redis.ttl(key) <= KEEP_S
        await redis.delete(key)
        assert await Pictures(redis).get(key) is None


async def test_no_charts_leave_nothing(redis_url: str) -> None:
    async with connect(redis_url) as redis:
        assert await Pictures(redis).keep("i", "run:look", []) == ()
        assert await redis.keys("*") == []

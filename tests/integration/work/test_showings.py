"""However many events there are, one showing of an incident waits; and none of them stays unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.errors import SlackRefused
from bot.storage import connect
from bot.work.showings import Showings

ID = "260301-TESTED"


class Noting:
    """A queue that knows, as a real one does, the keys that wait or run."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    async def add(self, task: str, *arguments: str, key: str) -> None:
        if key not in self.keys:
            self.keys.append(key)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as connected:
        yield connected


@pytest.fixture
def queue() -> Noting:
    return Noting()


@pytest.fixture
def showings(redis: Redis, queue: Noting) -> Showings:
    stand_in: Any = queue
    return Showings(redis, stand_in)


async def test_many_events_before_a_showing_are_one_showing(showings: Showings, queue: Noting) -> None:
    for _ in range(100):
        await showings.want(ID)
    assert len(queue.keys) == 1


async def test_what_happens_while_it_is_shown_is_shown_by_one_more(showings: Showings, queue: Noting) -> None:
    await showings.want(ID)
    async with showings.one(ID):
        for _ in range(100):
            await showings.want(ID)
        assert len(queue.keys) == 2


async def test_while_a_failed_showing_waits_to_be_tried_again_no_other_is_asked_for(
    showings: Showings, queue: Noting
) -> None:
    with pytest.raises(SlackRefused):
        async with showings.one(ID):
            raise SlackRefused("away")
    await showings.want(ID)
    assert queue.keys == []
    async with showings.one(ID):
        pass
    await showings.want(ID)
    assert len(queue.keys) == 1


async def test_what_happens_while_it_is_tried_again_is_shown_by_one_more(showings: Showings, queue: Noting) -> None:
    with pytest.raises(SlackRefused):
        async with showings.one(ID):
            raise SlackRefused("away")
    async with showings.one(ID):
        await showings.want(ID)
    assert len(queue.keys) == 1


async def test_nothing_of_it_is_kept_for_ever(showings: Showings, redis: Redis) -> None:
    with pytest.raises(SlackRefused):
        async with showings.one(ID):
            raise SlackRefused("away")
    assert [await redis.ttl(key) > 0 for key in await redis.keys("*")] == [True, True]

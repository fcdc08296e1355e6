"""One waiting `show` for each incident, however many events there are: a storm brings hundreds in a second.

The key of a showing carries a round. A showing begins the next round before it reads the incident, so what happens
after that asks for a showing of its own, and what happens before it is shown by this one: nothing waits unseen, and at
most one showing waits while another runs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from redis.asyncio import Redis

from bot.errors import SlackRefused
from bot.work.queue import Queue

REMEMBERED = timedelta(days=1)
TRIED_AGAIN_WITHIN = timedelta(seconds=150)
"""Longer than the longest pause between two tries."""


class Showings:
    """Schedules showings, and tells them apart."""

    def __init__(self, redis: Redis, queue: Queue) -> None:
        self._redis = redis
        self._queue = queue

    async def want(self, incident_id: str) -> None:
        """Schedule a showing, unless one waits, or one that failed is tried again: that one shows this too."""
        number, failed = await self._redis.mget(_round(incident_id), _failed(incident_id))
        if not failed:
            await self._queue.add("show", incident_id, key=f"{incident_id}:{int(number or 0)}")

    @asynccontextmanager
    async def one(self, incident_id: str) -> AsyncIterator[None]:
        """A showing, from before it reads the incident to its end."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.incr(_round(incident_id))
            pipe.expire(_round(incident_id), REMEMBERED)
            pipe.delete(_failed(incident_id))  # what happens from here on is not shown by this try
            await pipe.execute()
        try:
            yield
        except SlackRefused:
            await self._redis.set(_failed(incident_id), "1", ex=TRIED_AGAIN_WITHIN)
            raise


def _round(incident_id: str) -> str:
    return f"nd:show:{{{incident_id}}}:round"


def _failed(incident_id: str) -> str:
    return f"nd:show:{{{incident_id}}}:failed"

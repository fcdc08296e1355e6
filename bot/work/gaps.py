"""What was said while nobody listened: at every start each channel is read on from where memory ends, quietly.

Slack delivers an event again for some minutes at most, and with Socket Mode not at all; a night without the bot would
be a hole in what it looks back on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from redis.asyncio import Redis

from bot.memory import MemoryManager
from bot.work.backfill import Keep

log = structlog.get_logger(__name__)

KEPT = timedelta(days=7)

Missed = Callable[[str, Keep, datetime], Awaitable[None]]
"""Hands over what was said in a channel since then."""


class Gaps:
    """Where memory ended in each channel, until what came after is read."""

    def __init__(self, redis: Redis, memory: MemoryManager) -> None:
        self._redis = redis
        self._memory = memory

    async def note(self) -> list[str]:
        """Where memory ends, before anything new is heard; the channels to read on.

        An earlier end stays until it is read from: the process that noted it may have died.
        """
        ends = await self._memory.ends()
        for channel, at in ends.items():
            await self._redis.set(_key(channel), str(at.timestamp()), nx=True, ex=KEPT)
        return sorted(ends)

    async def close(self, channel: str, missed: Missed) -> None:
        """Remember what was said after memory ended there.

        Raises:
            SlackRefused: Slack said no, or does not answer; calling again begins anew.
        """
        noted = await self._redis.get(_key(channel))
        if noted is None:
            return
        since = datetime.fromtimestamp(float(noted), UTC)
        before = await self._memory.count(channel=channel)
        await missed(channel, partial(self._memory.remember, unless_forgotten=True), since)
        found = await self._memory.count(channel=channel) - before
        log.info("gap.closed", channel=channel, since=since.isoformat(), messages=found)
        await self._redis.delete(_key(channel))


def _key(channel: str) -> str:
    return f"nd:gap:{channel}"

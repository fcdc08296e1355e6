"""What the face has shown so far, in Redis: the only place in this room that touches it.

`slack:{owner}` is a hash: `ts:KEY` where a message went, `intent:KEY` when it was about to be sent, `shown:KEY` what it
showed last, `cursor` the last event told. The owner is an incident id or what else messages belong to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

from redis.asyncio import Redis

KEEP = timedelta(days=400)
"""As long as incidents are kept."""
BETWEEN_POSTS_MS = 1_050
"""Slack takes about one message a second for each channel."""
BETWEEN_EDITS_MS = 1_250
"""`chat.update` is allowed 50 times a minute."""


@dataclass(frozen=True)
class Mark:
    """Names one message, so that it is sent once."""

    owner: str
    key: str


class Ledger:
    """The records.

    Args:
        redis: decodes responses.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        redis: Redis,
        *,
        post_every_ms: int = BETWEEN_POSTS_MS,
        edit_every_ms: int = BETWEEN_EDITS_MS,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._redis = redis
        self._post_every_ms = post_every_ms
        self._edit_every_ms = edit_every_ms
        self._pause = pause

    async def sent(self, mark: Mark) -> str | None:
        """Where it went: the `ts` of the message, or the id of the file."""
        return await self._get(mark.owner, f"ts:{mark.key}")

    async def keep(self, mark: Mark, ts: str) -> None:
        """It went there."""
        await self._set(mark.owner, f"ts:{mark.key}", ts)

    async def intend(self, mark: Mark, now: float) -> float | None:
        """Note that it is about to be sent; when that was noted before, so that it may have been sent."""
        key, field = _key(mark.owner), f"intent:{mark.key}"
        if await self._redis.hsetnx(key, field, str(now)):
            await self._redis.expire(key, KEEP)
            return None
        return float(await self._get(mark.owner, field) or now)

    async def shown(self, mark: Mark) -> str | None:
        """The fingerprint of what the message shows."""
        return await self._get(mark.owner, f"shown:{mark.key}")

    async def show(self, mark: Mark, fingerprint: str) -> None:
        """The message shows that now."""
        await self._set(mark.owner, f"shown:{mark.key}", fingerprint)

    async def extent(self, mark: Mark, last: str) -> str:
        """The last event that the message tells: decided at the first try, the same at every later one."""
        key, field = _key(mark.owner), f"extent:{mark.key}"
        await self._redis.hsetnx(key, field, last)
        return await self._get(mark.owner, field) or last

    async def cursor(self, owner: str) -> str | None:
        """The id of the last event that was told."""
        return await self._get(owner, "cursor")

    async def advance(self, owner: str, event_id: str) -> None:
        """Everything up to that event is told."""
        await self._set(owner, "cursor", event_id)

    async def turn_to_post(self, channel: str) -> None:
        """Wait until the channel takes another message, and take that turn, whichever replica asks."""
        await self._turn(f"slack:pace:post:{channel}", self._post_every_ms)

    async def room_to_post(self, channel: str) -> None:
        """Wait until the channel takes another message, without taking the turn."""
        while (wait_ms := await self._redis.pttl(f"slack:pace:post:{channel}")) > 0:
            await self._pause(wait_ms / 1000)

    async def turn_to_edit(self, channel: str, ts: str) -> None:
        """Wait until the message may be edited again: quick changes become one."""
        await self._turn(f"slack:pace:edit:{channel}:{ts}", self._edit_every_ms)

    async def _turn(self, key: str, every_ms: int) -> None:
        while not await self._redis.set(key, "1", nx=True, px=every_ms):
            await self._pause(max(0.01, await self._redis.pttl(key) / 1000))

    async def _get(self, owner: str, field: str) -> str | None:
        found = await self._redis.hget(_key(owner), field)
        return None if found is None else str(found)

    async def _set(self, owner: str, field: str, value: str) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_key(owner), field, value)
            pipe.expire(_key(owner), KEEP)
            await pipe.execute()


def _key(owner: str) -> str:
    return f"slack:{{{owner}}}"

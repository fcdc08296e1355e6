"""What memory keeps in Redis. All keys of a channel share its hash tag.

`mem:channels`               set: the channels that have something
`mem:{channel}:messages`     hash: message id → message as JSON
`mem:{channel}:times`        sorted set: message ids by the time they were sent
`mem:changes`                stream: which ids of which channel to look at again; it never holds a text
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from redis.asyncio import Redis

from bot.memory.question import Key
from bot.models import Message

CHANNELS = "mem:channels"
CHANGES = "mem:changes"
CHANGES_KEPT = 100_000
BATCH = 500
LOADED_AT_ONCE = 5000


_Answer = tuple[bytes, list[tuple[bytes, dict[bytes, bytes]]]]


@dataclass(frozen=True)
class Change:
    """These messages of a channel are new, changed or gone."""

    position: str
    origin: str
    channel: str
    ids: tuple[str, ...]


class Store:
    """Messages in Redis. `origin` names this process in the stream of changes."""

    def __init__(self, redis: Redis, *, origin: str) -> None:
        self._redis = redis
        self._origin = origin

    async def put(self, messages: Iterable[Message]) -> None:
        """Keep messages; the same id again replaces the earlier one."""
        ordered = sorted(messages, key=lambda message: message.channel)
        for channel, group in groupby(ordered, key=lambda message: message.channel):
            members = list(group)
            for start in range(0, len(members), BATCH):
                await self._put(channel, members[start : start + BATCH])

    async def delete(self, channel: str, ids: Sequence[str]) -> int:
        """Forget messages; how many there were."""
        gone = 0
        for start in range(0, len(ids), BATCH):
            gone += await self._delete(channel, ids[start : start + BATCH])
        return gone

    async def get(self, keys: Sequence[Key]) -> list[Message | None]:
        """The messages, in the order of the keys; None where there is none any more."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel, identifier in keys:
                pipeline.hget(messages_key(channel), identifier)
            found = await pipeline.execute()
        return [None if text is None else Message.model_validate_json(text) for text in found]

    async def channels(self) -> list[str]:
        """The channels that have something."""
        names = cast("set[bytes]", await self._redis.smembers(CHANNELS))
        return sorted(name.decode() for name in names)

    async def all(self, channel: str) -> AsyncIterator[list[Message]]:
        """Every message of a channel, in batches, in the order of time."""
        start = 0
        while ids := cast(
            "list[bytes]", await self._redis.zrange(times_key(channel), start, start + LOADED_AT_ONCE - 1)
        ):
            texts = await self._redis.hmget(messages_key(channel), ids)
            yield [Message.model_validate_json(text) for text in texts if text is not None]
            start += len(ids)

    async def ids(self, channel: str, *, since: datetime | None = None, before: datetime | None = None) -> list[str]:
        """The ids of a channel's messages, by the time they were sent."""
        low = "-inf" if since is None else str(since.timestamp())
        high = "+inf" if before is None else f"({before.timestamp()}"
        found = cast("list[bytes]", await self._redis.zrangebyscore(times_key(channel), low, high))
        return [identifier.decode() for identifier in found]

    async def mark(self) -> str:
        """Note in the stream that a process starts to read here: a position that exists."""
        return await self._announce("", [])

    async def changes(self, position: str) -> list[Change] | None:
        """What happened after the position; None if the stream no longer reaches back to it."""
        if not await self._redis.xrange(CHANGES, position, position):
            return None
        answer = cast("list[_Answer]", await self._redis.xread({CHANGES: position}, count=1000))
        return [_change(at, fields) for _, entries in answer for at, fields in entries]

    async def wait(self, position: str, block_ms: int) -> None:
        """Return when something happens after the position, or after that time."""
        await self._redis.xread({CHANGES: position}, count=1, block=block_ms)

    async def _put(self, channel: str, messages: Sequence[Message]) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(
                messages_key(channel), mapping={message.id: message.model_dump_json() for message in messages}
            )
            pipeline.zadd(times_key(channel), {message.id: message.sent_at.timestamp() for message in messages})
            await pipeline.execute()
        await self._redis.sadd(CHANNELS, channel)
        await self._announce(channel, [message.id for message in messages])

    async def _delete(self, channel: str, ids: Sequence[str]) -> int:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hdel(messages_key(channel), *ids)
            pipeline.zrem(times_key(channel), *ids)
            pipeline.exists(messages_key(channel))
            gone, _, left = await pipeline.execute()
        if not left:
            await self._leave(channel)
        await self._announce(channel, ids)
        return int(gone)

    async def _leave(self, channel: str) -> None:
        """Take an empty channel off the list, unless another process has just put something in."""
        await self._redis.srem(CHANNELS, channel)
        if await self._redis.exists(messages_key(channel)):
            await self._redis.sadd(CHANNELS, channel)

    async def _announce(self, channel: str, ids: Sequence[str]) -> str:
        fields: dict[Any, Any] = {"origin": self._origin, "channel": channel, "ids": "\n".join(ids)}
        position = await self._redis.xadd(CHANGES, fields, maxlen=CHANGES_KEPT, approximate=True)
        return cast("bytes", position).decode()


def messages_key(channel: str) -> str:
    """The hash of a channel's messages."""
    return f"mem:{{{channel}}}:messages"


def times_key(channel: str) -> str:
    """The sorted set of a channel's message ids."""
    return f"mem:{{{channel}}}:times"


def _change(position: bytes, fields: dict[bytes, bytes]) -> Change:
    ids = fields[b"ids"].decode()
    return Change(
        position.decode(),
        fields[b"origin"].decode(),
        fields[b"channel"].decode(),
        tuple(ids.split("\n")) if ids else (),
    )

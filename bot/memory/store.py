"""What memory keeps in Redis. All keys of a channel share its hash tag.

`mem:channels`               set: the channels that have something
`mem:{channel}:messages`     hash: message id → message as JSON
`mem:{channel}:times`        sorted set: message ids by the time they were sent
`mem:{channel}:vectors`      hash: message id → the encoder's fingerprint (8 bytes) and the vector (float16)
`mem:{channel}:forgotten`    set: ids that a backfill must not bring back
`mem:{#knowledge}:files`     hash: path → digest of the content that was taken in
`mem:retention`              hash: channel → days that its messages are kept
`mem:zones`                  hash: channel → the time zone in which its people say 'yesterday'
`mem:horizons`               hash: channel or @user → the moment before which nothing of it may come back
`mem:private`                set: channels whose talk is for themselves only
`mem:changes`                stream: which ids of which channel to look at again; it never holds a text
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, cast

import structlog
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from bot.memory.question import Key
from bot.memory.reserved import KNOWLEDGE
from bot.models import Message

log = structlog.get_logger(__name__)

CHANNELS = "mem:channels"
CHANGES = "mem:changes"
RETENTION = "mem:retention"
PRIVATE = "mem:private"
ZONES = "mem:zones"
HORIZONS = "mem:horizons"
FILES = f"mem:{{{KNOWLEDGE}}}:files"
CHANGES_KEPT = 100_000
BATCH = 500
LOADED_AT_ONCE = 5000


_KEEP_VECTORS = """
    local kept = {}
    for i = 1, #ARGV, 3 do
        local text = redis.call('HGET', KEYS[1], ARGV[i])
        if text and redis.sha1hex(text) == ARGV[i + 1] then
            redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 2])
            table.insert(kept, ARGV[i])
        end
    end
    return kept
"""
"""Encoding takes a while: a message that was forgotten or edited meanwhile must not get the vector of its old text."""
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
        self.origin = origin

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
        wanted: dict[str, list[str]] = {}
        for channel, identifier in keys:
            wanted.setdefault(channel, []).append(identifier)
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel, ids in wanted.items():
                pipeline.hmget(messages_key(channel), ids)
            answers = await pipeline.execute()
        texts = {
            (channel, identifier): text
            for (channel, ids), answer in zip(wanted.items(), answers, strict=True)
            for identifier, text in zip(ids, answer, strict=True)
        }
        return [None if (text := texts[key]) is None else Message.model_validate_json(text) for key in keys]

    async def unlike(self, messages: Sequence[Message]) -> list[Message]:
        """Those of the messages that do not stand there word for word: keeping them again would cost their vectors."""
        there = await self.get([(message.channel, message.id) for message in messages])
        return [message for message, kept in zip(messages, there, strict=True) if message != kept]

    async def rewrite(self) -> None:
        """Ask Redis to write its file anew, where it appends to one: what was forgotten still stands in it.

        It takes a moment, beside everything else.
        """
        try:
            about = await self._redis.info("persistence")
            if about.get("aof_enabled"):
                await self._redis.bgrewriteaof()
        except ResponseError as refusal:
            log.warning("memory.file_not_rewritten", why=str(refusal), mend="run BGREWRITEAOF on the Redis server")

    async def put_vectors(self, messages: Sequence[Message], packed: Sequence[bytes]) -> list[Message]:
        """Keep the vectors of messages of one channel; gives those that still stand there as they were encoded."""
        channel = messages[0].channel
        arguments: list[str | bytes] = []
        for message, vector in zip(messages, packed, strict=True):
            arguments += [message.id, hashlib.sha1(_json(message).encode(), usedforsecurity=False).hexdigest(), vector]
        keep = self._redis.register_script(_KEEP_VECTORS)
        kept = set(await keep(keys=[messages_key(channel), vectors_key(channel)], args=arguments))
        await self._announce(channel, [message.id for message in messages])
        return [message for message in messages if message.id.encode() in kept]

    async def vectors(self, channel: str, ids: Sequence[str]) -> list[bytes | None]:
        """What `put_vectors` has kept for these messages."""
        return cast("list[bytes | None]", await self._redis.hmget(vectors_key(channel), list(ids))) if ids else []

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

    async def newest(self, channels: Sequence[str]) -> dict[str, datetime]:
        """When the latest message of each channel was sent."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for channel in channels:
                pipeline.zrange(times_key(channel), -1, -1, withscores=True)
            answers = await pipeline.execute()
        return {
            channel: datetime.fromtimestamp(at, UTC)
            for channel, answer in zip(channels, answers, strict=True)
            for _, at in answer
        }

    async def ids(
        self,
        channel: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        before: datetime | None = None,
    ) -> list[str]:
        """The ids of a channel's messages, by the time they were sent; `until` is included, `before` is not."""
        low = "-inf" if since is None else str(since.timestamp())
        high = "+inf" if until is None else str(until.timestamp())
        high = high if before is None else f"({before.timestamp()}"
        found = cast("list[bytes]", await self._redis.zrangebyscore(times_key(channel), low, high))
        return [identifier.decode() for identifier in found]

    async def matching(self, channel: str, *, id: str | None, user: str | None, before: datetime | None) -> list[str]:  # noqa: A002
        """The ids of a channel's messages that fit everything that is given."""
        ids = await self.ids(channel, before=before)
        if id is not None:
            ids = [id] if id in ids else []
        if user is None:
            return ids
        messages = await self.get([(channel, identifier) for identifier in ids])
        return [message.id for message in messages if message is not None and message.user == user]

    async def bar(self, channel: str, ids: Sequence[str]) -> None:
        """Note that these messages must not be brought back."""
        if ids:
            await self._redis.sadd(forgotten_key(channel), *ids)

    async def barred(self, messages: Sequence[Message]) -> set[Key]:
        """Those of the messages that must not be brought back."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            for message in messages:
                pipeline.sismember(forgotten_key(message.channel), message.id)
            answers = await pipeline.execute()
        return {(message.channel, message.id) for message, barred in zip(messages, answers, strict=True) if barred}

    async def horizons(self) -> dict[str, datetime]:
        """Channel or @user → the moment before which nothing of it may come back."""
        found = cast("dict[bytes, bytes]", await self._redis.hgetall(HORIZONS))
        return {whose.decode(): datetime.fromtimestamp(float(at), UTC) for whose, at in found.items()}

    async def set_horizon(self, whose: str, at: datetime) -> None:
        """Nothing of that channel or @user from before the moment may come back."""
        await self._redis.hset(HORIZONS, whose, str(at.timestamp()))

    async def retention(self) -> dict[str, float]:
        """Days that messages are kept, for the channels that have a limit."""
        found = cast("dict[bytes, bytes]", await self._redis.hgetall(RETENTION))
        return {channel.decode(): float(days) for channel, days in found.items()}

    async def set_retention(self, channel: str, days: float | None) -> None:
        """Keep a channel's messages for so many days; None: for ever."""
        if days is None:
            await self._redis.hdel(RETENTION, channel)
        else:
            await self._redis.hset(RETENTION, channel, str(days))

    async def zone(self, channel: str) -> str | None:
        """The time zone of a channel, where it has one of its own."""
        name = cast("bytes | None", await self._redis.hget(ZONES, channel))
        return name.decode() if name is not None else None

    async def set_zone(self, channel: str, name: str) -> None:
        """The channel's people live in that time zone."""
        await self._redis.hset(ZONES, channel, name)

    async def private(self) -> frozenset[str]:
        """The channels whose talk is for themselves only."""
        names = cast("set[bytes]", await self._redis.smembers(PRIVATE))
        return frozenset(name.decode() for name in names)

    async def set_private(self, channel: str, *, private: bool) -> None:
        """Whether a channel's talk is for itself only."""
        await (self._redis.sadd(PRIVATE, channel) if private else self._redis.srem(PRIVATE, channel))

    async def digests(self) -> dict[str, str]:
        """What was taken in of the knowledge folder: path → digest of the content."""
        found = cast("dict[bytes, bytes]", await self._redis.hgetall(FILES))
        return {path.decode(): digest.decode() for path, digest in found.items()}

    async def set_digest(self, path: str, digest: str | None) -> None:
        """Note that a file was taken in, or (None) that it is gone."""
        await (self._redis.hdel(FILES, path) if digest is None else self._redis.hset(FILES, path, digest))

    async def mark(self) -> str:
        """Note in the stream that a process starts to read here: a position that exists."""
        return await self._announce("", [])

    async def changes(self, position: str) -> list[Change] | None:
        """What happened after the position; None if the stream no longer reaches back to it."""
        async with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xrange(CHANGES, position, position)
            pipeline.xread({CHANGES: position}, count=1000)
            reached, answer = await pipeline.execute()
        if not reached:
            return None
        return [_change(at, fields) for _, entries in cast("list[_Answer]", answer) for at, fields in entries]

    async def wait(self, position: str, block_ms: int) -> None:
        """Return when something happens after the position, or after that time."""
        await self._redis.xread({CHANGES: position}, count=1, block=block_ms)

    async def _put(self, channel: str, messages: Sequence[Message]) -> None:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hset(messages_key(channel), mapping={message.id: _json(message) for message in messages})
            pipeline.hdel(vectors_key(channel), *(message.id for message in messages))
            pipeline.zadd(times_key(channel), {message.id: message.sent_at.timestamp() for message in messages})
            await pipeline.execute()
        await self._redis.sadd(CHANNELS, channel)
        await self._announce(channel, [message.id for message in messages])

    async def _delete(self, channel: str, ids: Sequence[str]) -> int:
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hdel(messages_key(channel), *ids)
            pipeline.hdel(vectors_key(channel), *ids)
            pipeline.zrem(times_key(channel), *ids)
            pipeline.exists(messages_key(channel))
            gone, _, _, left = await pipeline.execute()
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
        fields: dict[Any, Any] = {"origin": self.origin, "channel": channel, "ids": json.dumps(list(ids))}
        position = await self._redis.xadd(CHANGES, fields, maxlen=CHANGES_KEPT, approximate=True)
        return cast("bytes", position).decode()


def _json(message: Message) -> str:
    return message.model_dump_json()


def messages_key(channel: str) -> str:
    """The hash of a channel's messages."""
    return f"mem:{{{channel}}}:messages"


def vectors_key(channel: str) -> str:
    """The hash of a channel's vectors."""
    return f"mem:{{{channel}}}:vectors"


def forgotten_key(channel: str) -> str:
    """The set of ids that must not be brought back."""
    return f"mem:{{{channel}}}:forgotten"


def times_key(channel: str) -> str:
    """The sorted set of a channel's message ids."""
    return f"mem:{{{channel}}}:times"


def _change(position: bytes, fields: dict[bytes, bytes]) -> Change:
    return Change(
        position.decode(),
        fields[b"origin"].decode(),
        fields[b"channel"].decode(),
        tuple(json.loads(fields[b"ids"])),
    )

"""This process's index as a mirror of what Redis holds: filled at start, kept fresh by the stream of changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from redis.exceptions import RedisError

from bot.memory.index import Index
from bot.memory.meaning import Meaning
from bot.memory.question import Key
from bot.memory.store import Store
from bot.models import Message

INDEXED_AT_ONCE = 500
FOLLOW_MS = 5000

log = structlog.get_logger(__name__)


class Mirror:
    """Moves messages between the store and the index, one movement at a time."""

    def __init__(self, store: Store, index: Index, meaning: Meaning | None) -> None:
        self._store = store
        self._index = index
        self._meaning = meaning
        self._position = ""
        self._moving = asyncio.Lock()
        self._asked = self._answered = 0

    async def load(self) -> list[Key]:
        """Fill the index from Redis; gives the messages that have no vector yet."""
        self._position = await self._store.mark()
        unencoded: list[Key] = []
        for channel in await self._store.channels():
            async for batch in self._store.all(channel):
                unencoded += await self._learn(batch)
        return unencoded

    async def remember(self, messages: Sequence[Message]) -> None:
        """Keep messages in Redis and in the index, their meaning as soon as it is encoded."""
        async with self._moving:
            await self._store.put(messages)
            await self._index_all(messages)
        if self._meaning is not None:
            await self._meaning.encode(message for message in messages if not message.to_bot)

    async def forget(self, channel: str, ids: Sequence[str]) -> int:
        """Take messages of a channel out of Redis and the index; how many there were."""
        async with self._moving:
            gone = await self._store.delete(channel, ids)
            await asyncio.to_thread(self._index.drop, [(channel, identifier) for identifier in ids])
        return gone

    async def catch_up(self) -> None:
        """Take in what other processes have changed since this index last looked.

        Of many who ask at the same time one looks for all who asked before it began to look.
        """
        self._asked += 1
        mine = self._asked
        async with self._moving:
            if mine <= self._answered:
                return
            served = self._asked
            while changes := await self._store.changes(self._position):
                for change in changes:
                    if change.origin != self._store.origin:
                        await self._look_again(change.channel, change.ids)
                    self._position = change.position
            if changes is None:  # the stream was cut before it was read to here
                await asyncio.to_thread(self._index.clear)
                await self.load()
            self._answered = served

    async def follow(self) -> None:
        """Keep the index fresh between questions, so that a question seldom has much to catch up with."""
        while True:
            try:
                await self._store.wait(self._position, FOLLOW_MS)
                await self.catch_up()
            except RedisError as error:  # whoever asks next hears it too; the mirror tries again
                log.warning("memory.not_followed", error=str(error))
                await asyncio.sleep(FOLLOW_MS / 1000)

    async def encode(self, keys: Sequence[Key]) -> None:
        """Give vectors to messages that were remembered before there was this encoder."""
        try:
            for start in range(0, len(keys), INDEXED_AT_ONCE):
                messages = await self._store.get(keys[start : start + INDEXED_AT_ONCE])
                if self._meaning is not None:
                    await self._meaning.encode(message for message in messages if message is not None)
        except RedisError as error:  # the next start goes on from here
            log.warning("memory.not_encoded", error=str(error), messages=len(keys))

    async def _look_again(self, channel: str, ids: Sequence[str]) -> None:
        """The messages as Redis has them now, whatever the order of the changes was."""
        keys = [(channel, identifier) for identifier in ids]
        messages = await self._store.get(keys)
        await asyncio.to_thread(self._index.drop, keys)
        await self._learn([message for message in messages if message is not None])

    async def _learn(self, messages: Sequence[Message]) -> list[Key]:
        """Take messages into the index with the vectors that Redis has; gives those that have none."""
        await self._index_all(messages)
        if self._meaning is None:
            return []
        keys = [(message.channel, message.id) for message in messages]
        await self._meaning.fetch(keys)
        return self._index.missing_vectors(keys)

    async def _index_all(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), INDEXED_AT_ONCE):
            await asyncio.to_thread(self._index.put, messages[start : start + INDEXED_AT_ONCE])

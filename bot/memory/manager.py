"""The Memory Manager: look back first, and hand each agent only what matters."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from redis.exceptions import RedisError

from bot.errors import BadInput, Misconfigured
from bot.memory.briefing import compose
from bot.memory.budget import tokens_of
from bot.memory.question import Question
from bot.memory.redaction import redact
from bot.memory.store import Store
from bot.models import Brief, Incident, Message, Recalled
from bot.storage import connect, embedded_redis

if TYPE_CHECKING:
    from bot.memory.index import Hit, Index

CANDIDATES = 400
"""How many rows are fetched for one question: more than any budget holds."""
INDEXED_AT_ONCE = 500
FOLLOW_MS = 5000


class MemoryManager:
    """What the channels said, ready to be asked. Make one with `open`."""

    def __init__(self, store: Store, index: Index, *, origin: str) -> None:
        self._store = store
        self._index = index
        self._origin = origin
        self._position = ""
        self._moving = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def open(
        cls, redis_url: str | None = None, encoder: str | None = None, *, folder: Path | None = None
    ) -> AsyncIterator[MemoryManager]:
        """A manager over that Redis; without a URL over a private one in `folder`, or in a temporary folder.

        Raises:
            Misconfigured: Redis cannot be used, or the encoder cannot be loaded.
        """
        if encoder is not None:
            raise Misconfigured("Encoders are not supported yet: leave NIGHTDESK_ENCODER empty.")
        async with AsyncExitStack() as stack:
            url = redis_url if redis_url is not None else await stack.enter_async_context(_private_redis(folder))
            redis = await stack.enter_async_context(connect(url, decode=False))
            index = await asyncio.to_thread(_new_index)
            origin = uuid.uuid4().hex
            memory = cls(Store(redis, origin=origin), index, origin=origin)
            await memory._load()
            await stack.enter_async_context(_running(memory._follow()))
            yield memory

    async def remember(self, messages: Iterable[Message]) -> None:
        """Keep messages, secrets taken out. The same id in the same channel again replaces the earlier text.

        They can be recalled when this returns.
        """
        clean = [message.model_copy(update={"text": redact(message.text)}) for message in messages]
        async with self._moving:
            await self._store.put(clean)
            await self._learn(clean)

    async def forget(
        self,
        id: str | None = None,  # noqa: A002 - the name that the message has for it
        *,
        channel: str | None = None,
        user: str | None = None,
        before: datetime | None = None,
    ) -> int:
        """Forget what fits everything that is given: one message, a person, a channel, what was sent before a time.

        It is gone from Redis and from this index when this returns, and no other process hands it out any more.
        Gives the number of messages forgotten.

        Raises:
            BadInput: nothing is given, which would mean everything.
        """
        if id is None and channel is None and user is None and before is None:
            raise BadInput("Say what to forget: a message id, a person, a channel or a time.")
        async with self._moving:
            gone = 0
            for name in [channel] if channel is not None else await self._store.channels():
                ids = await self._matching(name, id=id, user=user, before=before)
                gone += await self._store.delete(name, ids) if ids else 0
                await asyncio.to_thread(self._index.drop, [(name, identifier) for identifier in ids])
            return gone

    async def recall(
        self,
        query: str,
        *,
        channel: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        budget_tokens: int | None = None,
    ) -> list[Recalled]:
        """What was said about that, best first; with an empty query the latest, newest first.

        Args:
            query: a question or a statement in words.
            channel: only what was said there.
            since: included.
            until: excluded.
            limit: at most so many; 20 when there is no budget either.
            budget_tokens: at most so many estimated tokens of `user: text`.
        """
        question = Question(query, channel=channel, since=since, until=until)
        return _within(await self._find(question), limit, budget_tokens)

    async def brief(self, incident: Incident, role: str, budget_tokens: int) -> Brief:
        """What matters now for one agent (metrics, logs, database, changes, …), within the budget."""
        return await compose(self._find, incident, role, budget_tokens, considered=len(self._index))

    async def _find(self, question: Question) -> list[Recalled]:
        await self._catch_up()
        hits = await asyncio.to_thread(self._index.search, question, limit=CANDIDATES)
        return await self._fetch(hits)

    async def _fetch(self, hits: Sequence[Hit]) -> list[Recalled]:
        messages = await self._store.get([(hit.channel, hit.id) for hit in hits])
        return [
            Recalled(message=message, score=hit.score, why=hit.why)
            for hit, message in zip(hits, messages, strict=True)
            if message is not None
        ]

    async def _matching(self, channel: str, *, id: str | None, user: str | None, before: datetime | None) -> list[str]:  # noqa: A002
        ids = await self._store.ids(channel, before=before)
        if id is not None:
            ids = [id] if id in ids else []
        if user is None:
            return ids
        messages = await self._store.get([(channel, identifier) for identifier in ids])
        return [message.id for message in messages if message is not None and message.user == user]

    async def _load(self) -> None:
        """Build the index from Redis; changes after this are followed."""
        self._position = await self._store.mark()
        for channel in await self._store.channels():
            async for batch in self._store.all(channel):
                await self._learn(batch)

    async def _learn(self, messages: Sequence[Message]) -> None:
        for start in range(0, len(messages), INDEXED_AT_ONCE):
            await asyncio.to_thread(self._index.put, messages[start : start + INDEXED_AT_ONCE])

    async def _catch_up(self) -> None:
        """Take in what other processes have changed since this index last looked."""
        async with self._moving:
            changes = await self._store.changes(self._position)
            if changes is None:
                await asyncio.to_thread(self._index.clear)
                await self._load()
                return
            for change in changes:
                if change.origin != self._origin:
                    await self._look_again(change.channel, change.ids)
                self._position = change.position

    async def _look_again(self, channel: str, ids: Sequence[str]) -> None:
        """The messages as Redis has them now, whatever the order of the changes was."""
        keys = [(channel, identifier) for identifier in ids]
        messages = await self._store.get(keys)
        await asyncio.to_thread(self._index.drop, keys)
        await self._learn([message for message in messages if message is not None])

    async def _follow(self) -> None:
        """Keep the index fresh between questions, so that a question seldom has much to catch up with."""
        while True:
            try:
                await self._store.wait(self._position, FOLLOW_MS)
                await self._catch_up()
            except RedisError:  # Redis is away: the next question will say so to whoever asks
                await asyncio.sleep(FOLLOW_MS / 1000)


def _within(found: Sequence[Recalled], limit: int | None, budget_tokens: int | None) -> list[Recalled]:
    """The best that fit."""
    if limit is None and budget_tokens is None:
        limit = 20
    chosen: list[Recalled] = []
    left = float("inf") if budget_tokens is None else budget_tokens
    for recalled in found[: len(found) if limit is None else max(0, limit)]:
        cost = tokens_of(recalled.message.user, recalled.message.text)
        if cost <= left:
            chosen.append(recalled)
            left -= cost
    return chosen


def _new_index() -> Index:
    from bot.memory.index import Index  # noqa: PLC0415 - numpy, only where memory is used

    return Index()


@asynccontextmanager
async def _private_redis(folder: Path | None) -> AsyncIterator[str]:
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightdesk-memory-")))
        async with embedded_redis(home) as url:
            yield url


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the block and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():  # a cancellation that meets redis-py while it sends is lost there: ask again
            task.cancel()
            await asyncio.wait([task], timeout=0.05)

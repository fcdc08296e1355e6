"""What happened in channels while nobody listened: at every start each is read on from where memory ends, quietly, and
from where a connection was lost once it is back.

Slack delivers an event again for some minutes at most; a night without the bot would be a hole in what it looks back
on, and what people deleted or edited in that night would be remembered as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Protocol

import structlog
from redis.asyncio import Redis

from bot.memory import MemoryManager
from bot.models import Message
from bot.work.backfill import Keep
from bot.work.lesson import relearn

log = structlog.get_logger(__name__)

KEPT = timedelta(days=7)


@dataclass(frozen=True)
class Stretch:
    """What of a channel is to be read: everything since then, and what else is said in these threads."""

    since: datetime
    threads: frozenset[str]


class Past(Protocol):
    """Where channels can be read; `bot.work.stage.Stage` says how."""

    @property
    def reach(self) -> timedelta:
        """How far behind a pause the reading begins."""
        ...

    async def missed(self, channel: str, keep: Keep, stretch: Stretch) -> frozenset[str] | None:
        """Hand over what was said; the names of all that stands there, None where that cannot be said."""
        ...


class Gaps:
    """The pauses in which nobody listened, until what happened in them is read."""

    def __init__(self, redis: Redis, memory: MemoryManager) -> None:
        self._redis = redis
        self._memory = memory

    async def note(self, since: datetime | None = None) -> list[str]:
        """Where memory ends, before anything new is heard, or since when nothing was heard; the channels to read on.

        An earlier end stays until it is read from: the process that noted it may have died.
        """
        ends = await self._memory.ends()
        for channel, at in ends.items():
            await self._note(channel, since or at)
        return sorted(ends)

    async def close(self, channel: str, past: Past) -> None:
        """Remember what was said after memory ended there, and forget what is gone since.

        Raises:
            SlackRefused: Slack said no, or does not answer; calling again begins anew.
        """
        noted = [str(at) for at in await self._redis.zrange(_key(channel), 0, -1)]
        if not noted:
            return
        first, last = (datetime.fromtimestamp(float(at), UTC) for at in (noted[0], noted[-1]))
        before = await self._memory.said(channel, since=first - past.reach, until=last)
        threads = frozenset(message.thread for message in before if message.thread)
        keep = partial(reread, self._memory)
        standing = await past.missed(channel, keep, Stretch(first, threads))
        gone = [] if standing is None else [message.id for message in before if message.id not in standing]
        for message_id in gone:
            await self._memory.forget(message_id, channel=channel)
        log.info("gap.closed", channel=channel, since=first.isoformat(), standing=len(standing or ()), gone=len(gone))
        await self._redis.zrem(_key(channel), *noted)

    async def _note(self, channel: str, at: datetime) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.zadd(_key(channel), {str(at.timestamp()): at.timestamp()})
            pipe.expire(_key(channel), KEPT)
            await pipe.execute()


async def reread(memory: MemoryManager, messages: Sequence[Message]) -> None:
    """Keep messages as they read now; what an edited one has taught reads so too."""
    for message in await memory.reworded(messages):
        await relearn(memory, message)
    await memory.remember(messages, unless_forgotten=True)


def _key(channel: str) -> str:
    return f"nd:gaps:{channel}"

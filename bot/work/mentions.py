"""What was said to the bot and waits for its answer.

The queue is given ids alone: it keeps what it was given for minutes after the work is done, and what a person wants
forgotten would stand there.
"""

from __future__ import annotations

from datetime import timedelta

from redis.asyncio import Redis

from bot.redaction import redact
from bot.slack.desk import Mention

WAITS_AT_MOST = timedelta(days=1)
"""Longer than an answer is tried for."""


class Mentions:
    """Keeps each until it is answered, secrets taken out."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def keep(self, mention: Mention) -> None:
        """Durable when this returns."""
        clean = mention.model_copy(update={"text": redact(mention.text)})
        await self._redis.set(_key(mention.event_id), clean.model_dump_json(), ex=WAITS_AT_MOST)

    async def waiting(self, event_id: str) -> Mention | None:
        """What that event said, None once it is answered."""
        kept = await self._redis.get(_key(event_id))
        return Mention.model_validate_json(kept) if kept is not None else None

    async def drop(self, event_id: str) -> None:
        """It is answered, or given up."""
        await self._redis.delete(_key(event_id))


def _key(event_id: str) -> str:
    return f"nd:mention:{event_id}"

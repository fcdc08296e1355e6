"""The changes that were posted, in Redis: bounded in number and age, one entry an id."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.changes.change import Change, Seen
from bot.errors import SourceUnavailable
from bot.models import Gap, Window
from bot.storage.scripts import keep

TIMES, SAID = "{nd:changes}:times", "{nd:changes}:said"
MOST_READ = 500
"""Of so many in a span, the latest ones, a triage is told."""


class ChangeLedger:
    """What came in through the door; a source like the others.

    Args:
        most: how many are kept, the latest first.
    """

    name = "posted"

    def __init__(self, redis: Redis, *, kept: timedelta, most: int) -> None:
        self._redis = redis
        self._kept = kept
        self._most = most

    @property
    def kept(self) -> timedelta:
        """How long a change is remembered."""
        return self._kept

    async def add(self, changes: Sequence[tuple[str, Change]], now: datetime) -> None:
        """Keep the changes under their ids; they are durable when this returns.

        Raises:
            RedisError: they could not be kept.
        """
        await keep(
            self._redis,
            times=TIMES,
            said=SAID,
            entries=[(name, change.at.timestamp(), change.model_dump_json()) for name, change in changes],
            oldest=(now - self._kept).timestamp(),
            most=self._most,
            ttl_s=int(self._kept.total_seconds()) + 1,
        )

    async def changes(self, span: Window, services: Sequence[str]) -> Seen:  # noqa: ARG002 - the agent tells
        """Those of the span, whatever service they name: the agent tells which are of interest."""
        try:
            ids = await self._redis.zrevrangebyscore(
                TIMES, f"({span.end.timestamp()!r}", repr(span.start.timestamp()), start=0, num=MOST_READ
            )
            said = await self._redis.hmget(SAID, [str(name) for name in ids]) if ids else []
        except RedisError as error:
            raise SourceUnavailable(f"the posted changes could not be read: {error}") from error
        gaps = (
            (Gap(source=self.name, reason=f"only the latest {MOST_READ} were read"),) if len(ids) == MOST_READ else ()
        )
        return Seen(tuple(Change.model_validate_json(text) for text in said if text), gaps)

    async def check(self) -> str:
        """How many there are, and how old the latest is.

        Raises:
            SourceUnavailable: Redis does not answer.
        """
        try:
            count = await self._redis.zcard(TIMES)
            latest = await self._redis.zrange(TIMES, -1, -1, withscores=True)
        except RedisError as error:
            raise SourceUnavailable(f"the posted changes could not be read: {error}") from error
        if not latest:
            return "none was posted yet"
        return f"{count} kept, the latest of {datetime.fromtimestamp(float(latest[0][1]), UTC):%Y-%m-%d %H:%M} UTC"

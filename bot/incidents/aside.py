"""Alerts that find no place, kept aside: they are not lost, and they hold up no other.

One hash: id in the spool → what stood there, and why it is here. A person looks at it with `nightdesk alert aside`,
mends the reason, and has them sorted again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from bot.models import Alert
from bot.observability import SET_ASIDE

SPOOL = "nd:spool"
ASIDE = "nd:spool:aside"
LONGEST_WHY = 500
MEND = "nightdesk alert aside shows them; once the reason is mended, nightdesk alert aside --again"

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Misplaced:
    """One alert that is kept aside."""

    at: datetime
    """When it came."""
    alert: Alert | None
    """None where this version cannot read it."""
    why: str


class Aside:
    """Keeps them."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def put(self, entry_ids: Sequence[str], why: str) -> None:
        """Out of the spool, into here. In this order: a crash in between keeps both, and the next try changes nothing.

        Raises:
            RedisError: it was not taken, so it still stands in the spool.
        """
        for entry_id in entry_ids:
            for _, fields in await self._redis.xrange(SPOOL, entry_id, entry_id) or ():
                kept = json.dumps({"fields": fields, "why": why[:LONGEST_WHY]})
                await self._redis.hset(ASIDE, entry_id, kept)
            await self._redis.xdel(SPOOL, entry_id)
            SET_ASIDE.inc()
        log.error("spool.set_aside", alerts=len(entry_ids), why=why[:LONGEST_WHY], mend=MEND)

    async def count(self) -> int:
        """How many."""
        return int(await self._redis.hlen(ASIDE))

    async def all(self) -> list[Misplaced]:
        """All of them, the oldest first."""
        return [_misplaced(entry_id, json.loads(kept)) for entry_id, kept in await self._entries()]

    async def again(self) -> int:
        """Back into the spool, to be sorted; how many."""
        entries = await self._entries()
        for entry_id, kept in entries:
            await self._redis.xadd(SPOOL, json.loads(kept)["fields"])
            await self._redis.hdel(ASIDE, entry_id)
        return len(entries)

    async def _entries(self) -> list[tuple[str, str]]:
        kept = cast("dict[str, str]", await self._redis.hgetall(ASIDE))
        return sorted(kept.items(), key=lambda entry: _place(entry[0]))


def _place(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _misplaced(entry_id: str, kept: dict[str, object]) -> Misplaced:
    at = datetime.fromtimestamp(_place(entry_id)[0] / 1000, UTC)
    fields = cast("dict[str, str]", kept["fields"])
    try:
        return Misplaced(at, Alert.model_validate_json(fields["alert"]), str(kept["why"]))
    except (ValidationError, KeyError):
        return Misplaced(at, None, str(kept["why"]))

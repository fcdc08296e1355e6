"""Alerts that are durable and not sorted into incidents yet: one Redis stream, in the order in which they came.

Requests that wait at the same time are written together, in one transaction: with `appendfsync always` one turn of the
disk serves them all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from bot.incidents.aside import SPOOL, Aside
from bot.models import Alert

MOST_TOGETHER = 5_000
"""Alerts of one transaction: Redis does nothing else while it takes them."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Spooled:
    """One alert in the stream."""

    id: str
    ticket: str
    """Who waits for it, if anybody does."""
    alert: Alert


class Spool:
    """Writes and reads the stream."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.aside = Aside(redis)
        """What this version cannot read, and what has no place: neither lost nor in the way of the others."""
        self._waiting: list[tuple[list[dict[str, str]], asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def add(self, alerts: Sequence[Alert], tickets: Sequence[str]) -> None:
        """Durable when this returns: all of them.

        Raises:
            RedisError: none was acknowledged by Redis; some may be there all the same.
        """
        entries = [
            {"ticket": ticket, "alert": alert.model_dump_json(exclude_defaults=True)}
            for alert, ticket in zip(alerts, tickets, strict=True)
        ]
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entries, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write(), name="spool")
        await written

    async def read(self, most: int, *, wait_ms: int) -> list[Spooled]:
        """The oldest; waits a while for the first one."""
        answer = cast(
            "list[tuple[str, list[tuple[str, dict[str, str]]]]]",
            await self._redis.xread({SPOOL: "0"}, count=most, block=wait_ms),
        )
        found = [_spooled(entry_id, fields) for _, entries in answer or () for entry_id, fields in entries]
        if unreadable := [entry_id for entry_id, one in found if one is None]:
            await self.aside.put(unreadable, "this version cannot read it")
        return [one for _, one in found if one]

    async def remove(self, entry_ids: Sequence[str]) -> None:
        """They have a place in an incident."""
        if entry_ids:
            await self._redis.xdel(SPOOL, *entry_ids)

    async def length(self) -> int:
        """How many wait."""
        return int(await self._redis.xlen(SPOOL))

    async def _write(self) -> None:
        while self._waiting:
            batch = self._next_batch()
            try:
                async with self._redis.pipeline(transaction=True) as pipe:
                    for entries, _ in batch:
                        for entry in entries:
                            pipe.xadd(SPOOL, cast("dict[object, object]", entry))  # type: ignore[arg-type]
                    await pipe.execute()
            except Exception as error:  # boundary: whatever it was, each waiting request hears of it and answers
                log.exception("spool.not_written", requests=len(batch))
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
            else:
                for _, written in batch:
                    if not written.done():
                        written.set_result(None)

    def _next_batch(self) -> list[tuple[list[dict[str, str]], asyncio.Future[None]]]:
        size = count = 0
        for entries, _ in self._waiting:
            size += len(entries)
            if count and size > MOST_TOGETHER:
                break
            count += 1
        batch, self._waiting = self._waiting[:count], self._waiting[count:]
        return batch


def _spooled(entry_id: str, fields: dict[str, str]) -> tuple[str, Spooled | None]:
    try:
        return entry_id, Spooled(entry_id, fields["ticket"], Alert.model_validate_json(fields["alert"]))
    except (ValidationError, KeyError):
        return entry_id, None

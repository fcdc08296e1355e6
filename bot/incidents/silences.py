"""Silences, and the alerts that they keep quiet: recorded, counted, and brought up when the silence ends.

`nd:silences` (hash) holds those in force and those whose alerts were not looked at yet; `nd:silence:{id}:alerts` (hash)
the latest word on each alert that it kept quiet; `nd:silences:audit` (stream) who began and ended what, and when.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal, cast

from pydantic import ValidationError
from redis.asyncio import Redis

from bot.errors import NotFound
from bot.models import Alert, AlertStatus, Matcher, Silence

SILENCES = "nd:silences"
AUDIT = "nd:silences:audit"
KEPT = timedelta(days=400)
"""As long as incidents are kept."""
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
Act = Literal["begun", "ended", "expired"]


class Silences:
    """Begins, lists, ends and applies silences."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def begin(
        self, matchers: Sequence[Matcher], *, by: str, reason: str, now: datetime, lasts: timedelta
    ) -> Silence:
        """A new silence, in force from now on."""
        name = "".join(secrets.choice(LETTERS) for _ in range(4))
        silence = Silence(
            id=name, matchers=tuple(matchers), by=by, reason=reason, begun_at=now, until=now + lasts
        )  # fmt: skip
        await self._redis.hset(SILENCES, silence.id, silence.model_dump_json())
        await self._audit(silence, "begun", by, now)
        return silence

    async def listed(self, now: datetime) -> list[Silence]:
        """Those in force, the next to expire first."""
        return sorted((one for one in await self._all() if one.until > now), key=lambda one: one.until)

    async def end(self, silence_id: str, *, by: str, now: datetime) -> Silence:
        """End it before its time; its alerts are looked at by the next `over`.

        Raises:
            NotFound: there is none of that id in force.
        """
        found = next((one for one in await self.listed(now) if one.id == silence_id), None)
        if found is None:
            raise NotFound(f"There is no silence {silence_id}.")
        ended = found.model_copy(update={"until": now})
        await self._redis.hset(SILENCES, ended.id, ended.model_dump_json())
        await self._audit(ended, "ended", by, now)
        return ended

    async def covering(self, alert: Alert, now: datetime) -> Silence | None:
        """The silence that keeps the alert quiet."""
        return next((one for one in await self.listed(now) if one.covers(alert)), None)

    async def record(self, silence: Silence, alert: Alert) -> None:
        """Keep the latest word on an alert, and count it."""
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.hset(_alerts(silence.id), f"{alert.source}\n{alert.fingerprint}", alert.model_dump_json())
            pipe.hincrby(_counts(silence.id), "received", 1)
            for key in (_alerts(silence.id), _counts(silence.id)):
                pipe.expire(key, KEPT)
            await pipe.execute()

    async def received(self, silence_id: str) -> int:
        """How many alerts it has kept quiet, repetitions included."""
        return int(cast("str | None", await self._redis.hget(_counts(silence_id), "received")) or 0)

    async def kept(self, silence_id: str) -> list[Alert]:
        """The latest word on each alert that it has kept quiet."""
        found = cast("dict[str, str]", await self._redis.hgetall(_alerts(silence_id)))
        return [Alert.model_validate_json(said) for said in found.values()]

    async def over(self, now: datetime) -> list[tuple[Silence, list[Alert]]]:
        """Silences that have ended, each with the alerts that still fire: they are news now."""
        ended = [one for one in await self._all() if one.until <= now]
        return [(one, [a for a in await self.kept(one.id) if a.status is AlertStatus.FIRING]) for one in ended]

    async def forget(self, silence: Silence, now: datetime) -> None:
        """It is over and its alerts were looked at; what it kept quiet stays on record."""
        if await self._redis.hdel(SILENCES, silence.id) and now >= silence.until:
            await self._audit(silence, "expired", "nightdesk", now)

    async def audit(self, limit: int = 100) -> list[dict[str, str]]:
        """Who did what, latest first."""
        entries = cast("list[tuple[str, dict[str, str]]]", await self._redis.xrevrange(AUDIT, count=limit))
        return [entry for _, entry in entries]

    async def _all(self) -> list[Silence]:
        found = cast("list[str]", await self._redis.hvals(SILENCES))
        return [silence for said in found if (silence := _read(said))]

    async def _audit(self, silence: Silence, act: Act, by: str, now: datetime) -> None:
        told = {"act": act, "by": by, "at": now.isoformat(), "silence": silence.model_dump_json()}
        await self._redis.xadd(AUDIT, cast("dict[object, object]", told), maxlen=10_000, approximate=True)  # type: ignore[arg-type]


def _read(said: str) -> Silence | None:
    """A silence of a newer version is not understood here; it must not stop the alerts."""
    try:
        return Silence.model_validate_json(said)
    except ValidationError:
        return None


def _alerts(silence_id: str) -> str:
    return f"nd:silence:{{{silence_id}}}:alerts"


def _counts(silence_id: str) -> str:
    return f"nd:silence:{{{silence_id}}}:counts"

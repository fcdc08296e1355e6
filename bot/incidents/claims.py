"""Which incident an alert belongs to: its fingerprint, or else its sender's group key, has claimed one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from redis.asyncio import Redis

from bot.models import Alert
from bot.storage.scripts import swap

CLAIM_S = 90 * 24 * 3600
"""How long a claim outlives its last alert."""


class Claims:
    """The claims in Redis. A list of them goes from the narrowest to the widest."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def held(self, claims: Sequence[str]) -> str:
        """The incident that holds the narrowest claim that is held; empty for none."""
        return next((str(value) for value in await self._redis.mget(claims) if value), "")

    async def take(self, claims: Sequence[str], *, held: str, to: str) -> str:
        """The incident that holds the claims from now on: `to`, or that of a replica that was faster."""
        *narrower, widest = claims
        winner = await swap(self._redis, widest, held=held, to=to, ttl_s=CLAIM_S)
        for claim in narrower:
            await swap(self._redis, claim, held=held, to=winner, ttl_s=CLAIM_S)
        return winner

    async def keep(self, claims: Sequence[str], incident_id: str) -> None:
        """Claim what is free and lengthen what is held; a claim that another replica has moved stays moved."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for claim in claims:
                pipe.set(claim, incident_id, ex=CLAIM_S, nx=True)
                pipe.expire(claim, CLAIM_S)
            await pipe.execute()

    async def move(self, claims: Sequence[str], *, held: str, to: str) -> None:
        """Whatever of these the one incident holds is the other's; what a third one holds stays there."""
        for claim in claims:
            await swap(self._redis, claim, held=held, to=to, ttl_s=CLAIM_S)


def claims_of(alert: Alert) -> list[str]:
    """The keys: its fingerprint, and its group if its sender has groups."""
    keys = [f"fingerprint\n{alert.source}\n{alert.fingerprint}"]
    if alert.group_key:
        keys.append(f"group\n{alert.source}\n{alert.group_key}")
    return ["nd:claim:" + hashlib.sha256(key.encode()).hexdigest()[:40] for key in keys]

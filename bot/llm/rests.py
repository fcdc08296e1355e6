"""For how long a server that did not answer is left alone, by all replicas together.

A dead server costs its seconds once, and not with every question of every process. After a rest one question tries it,
and the others wait for how that ends.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from redis.asyncio import Redis

from bot.storage import scripts

FIRST, LONGEST = timedelta(seconds=15), timedelta(minutes=5)
"""A rest is twice as long each time."""

Admitted = Literal["well", "trial", "rests"]


@dataclass(frozen=True)
class Rests:
    """Of one server.

    Args:
        redis: decodes responses.
        address: of the server.
    """

    redis: Redis
    address: str
    clock: Callable[[], datetime]

    async def admits(self) -> Admitted:
        """Whether it may be asked: yes, as the one who tries, or not now."""
        return await scripts.admit(self.redis, self._key, now_ms=_ms(self.clock()))

    async def failed(self, asked: datetime, wait_s: float) -> None:
        """Leave it alone for a while. Questions asked before it last failed are part of that failure.

        Args:
            wait_s: for how long it asks to be left alone; kept to up to the longest rest.
        """
        wait_ms = round(1000 * min(wait_s, LONGEST.total_seconds()))
        await scripts.rest(self.redis, self._key, asked_ms=_ms(asked), now_ms=_ms(self.clock()),
                           wait_ms=wait_ms, first_ms=FIRST // _MS, longest_ms=LONGEST // _MS)  # fmt: skip

    async def answered(self) -> None:
        """It is well."""
        await self.redis.delete(self._key)

    @property
    def _key(self) -> str:
        return f"nd:model:{{{self.address}}}:rest"


_MS = timedelta(milliseconds=1)


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)

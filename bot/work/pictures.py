"""Charts on their way into the thread: kept in Redis for a week, under the key that the journal names."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from redis.asyncio import Redis

from bot.models import Chart

KEEP_S = 7 * 24 * 3600


class Pictures:
    """Keeps charts.

    Args:
        redis: decodes responses, so pictures are stored as base64.
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def keep(self, incident_id: str, step: str, charts: Sequence[Chart]) -> tuple[str, ...]:
        """Store them; their keys."""
        keys = tuple(f"chart:{{{incident_id}}}:{step}:{number}" for number in range(len(charts)))
        async with self._redis.pipeline(transaction=False) as pipe:
            for key, chart in zip(keys, charts, strict=True):
                png = base64.b64encode(chart.png).decode("ascii")
                pipe.hset(key, mapping={"title": chart.title, "alt": chart.alt, "png": png})
                pipe.expire(key, KEEP_S)
            await pipe.execute()
        return keys

    async def get(self, key: str) -> Chart | None:
        """The chart under the key, None if it is gone."""
        stored = await self._redis.hgetall(key)
        if not stored:
            return None
        return Chart(title=stored["title"], alt=stored["alt"], png=base64.b64decode(stored["png"]))

from __future__ import annotations

from redis.asyncio import Redis

from bot.slack.ledger import Ledger, Mark

MARK = Mark("NDK4", "card")


class Pauses:
    """Ends every wait at once by taking the turn's key away, and counts."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.waited_s: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waited_s.append(seconds)
        for key in [key async for key in self._redis.scan_iter("slack:pace:*")]:
            await self._redis.delete(key)


async def test_a_channel_takes_one_message_a_second_from_all_replicas_together(redis: Redis) -> None:
    pauses = Pauses(redis)
    one, other = Ledger(redis, pause=pauses), Ledger(redis, pause=pauses)

    await one.turn_to_post("C1")
    await other.turn_to_post("C2")
    assert pauses.waited_s == []

    await other.turn_to_post("C1")
    assert len(pauses.waited_s) == 1
    assert 0 < pauses.waited_s[0] <= 1.05


async def test_edits_of_one_message_take_turns(redis: Redis) -> None:
    pauses = Pauses(redis)
    ledger = Ledger(redis, pause=pauses)

    await ledger.turn_to_edit("C1", "1.1")
    await ledger.turn_to_edit("C1", "2.2")
    assert pauses.waited_s == []
    await ledger.turn_to_edit("C1", "1.1")
    assert len(pauses.waited_s) == 1


async def test_only_the_first_intent_is_fresh(redis: Redis) -> None:
    ledger = Ledger(redis)

    assert await ledger.intend(MARK, 100.5) is None
    assert await ledger.intend(MARK, 200.5) == 100.5


async def test_what_a_message_tells_is_decided_at_the_first_try(redis: Redis) -> None:
    ledger = Ledger(redis)

    assert await ledger.extent(MARK, "5-0") == "5-0"
    assert await ledger.extent(MARK, "9-0") == "5-0"

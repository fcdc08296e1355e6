"""Several processes over one Redis agree."""

from __future__ import annotations

from redis.asyncio import Redis

from bot.memory import MemoryManager
from bot.memory.store import CHANGES
from tests.integration.memory.talk import said


async def test_what_one_remembers_another_recalls(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as one, MemoryManager.open(redis_url) as two:
        await one.remember([said("the ledger was locked")])
        assert len(await two.recall("ledger")) == 1


async def test_what_one_forgets_another_does_not_recall(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as one, MemoryManager.open(redis_url) as two:
        await one.remember([said("the ledger was locked", name="1")])
        await two.recall("ledger")
        await one.forget("1", channel="C1")
        assert await two.recall("ledger") == []
        assert "ledger" not in two._index._lexical


async def test_both_rank_alike_after_edits_from_both_sides(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as one, MemoryManager.open(redis_url) as two:
        await one.remember([said(f"ledger lock {minute}", minute, name=str(minute)) for minute in range(20)])
        await two.remember([said(f"deploy {minute}", minute, name=str(minute)) for minute in range(0, 20, 2)])
        await one.remember([said("ledger again", 4, name="4")])
        first, second = await one.recall("ledger lock"), await two.recall("ledger lock")
        assert [each.message for each in first] == [each.message for each in second]


async def test_a_stream_that_was_cut_is_made_up_for_by_loading_anew(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as one, MemoryManager.open(redis_url) as two:
        await one.remember([said("the ledger was locked")])
        async with Redis.from_url(redis_url) as redis:
            await redis.delete(CHANGES)
        assert len(await two.recall("ledger")) == 1

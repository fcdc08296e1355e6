"""Remembering, recalling and forgetting, on a real Redis."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis

from bot.errors import BadInput, Misconfigured
from bot.memory import MemoryManager
from tests.integration.memory.talk import NOON, said


async def _everything(url: str) -> str:
    """All that Redis holds, as one text."""
    async with Redis.from_url(url) as redis:
        dumps = [await redis.dump(key) for key in await redis.keys("*")]
        names = await redis.keys("*")
        hashes = [await redis.hgetall(key) for key in names if await redis.type(key) == b"hash"]
    return f"{names} {dumps} {hashes}"


async def test_what_was_just_said_is_found(memory: MemoryManager) -> None:
    await memory.remember([said("the ledger was locked by a migration"), said("lunch?", 1)])
    found = await memory.recall("who locked the ledger")
    assert found[0].message.text == "the ledger was locked by a migration"


async def test_an_answer_is_found_through_what_it_answers(memory: MemoryManager) -> None:
    await memory.remember(
        [
            said("did restarting the ledger help?", 0),
            said("yes, that fixed it", 1, user="ben"),
            said("lunch at the usual place", 600),
        ]
    )
    assert [each.message.text for each in await memory.recall("restarting ledger", limit=2)][1] == "yes, that fixed it"


async def test_an_edit_replaces_the_text(memory: MemoryManager) -> None:
    await memory.remember([said("the cause is the cache", name="1")])
    await memory.remember([said("the cause is the database", name="1")])
    assert [each.message.text for each in await memory.recall("cause cache")] == ["the cause is the database"]


async def test_the_same_id_in_two_channels_is_two_messages(memory: MemoryManager) -> None:
    await memory.remember([said("cache", name="1"), said("database", name="1", channel="C2")])
    assert len(await memory.recall("")) == 2
    assert [each.message.text for each in await memory.recall("database", channel="C2")] == ["database"]


async def test_a_forgotten_message_is_gone_from_redis_and_index(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember([said("zanzibar is down", name="1"), said("other talk", 1, name="2")])
    assert await memory.forget("1", channel="C1") == 1
    assert await memory.recall("zanzibar") == []
    assert [each.id for each in await memory.recall("")] == ["2"]
    assert "zanzibar" not in await _everything(redis_url)
    assert "zanzibar" not in memory._index._lexical


async def test_forgetting_a_person_leaves_the_others(memory: MemoryManager) -> None:
    await memory.remember([said("a", user="ana"), said("b", 1, user="ben"), said("c", 2, user="ana", channel="C2")])
    assert await memory.forget(user="ana") == 2
    assert [each.message.user for each in await memory.recall("")] == ["ben"]


async def test_forgetting_a_channel_leaves_no_key_of_it(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember([said("a"), said("b", 1, channel="C2")])
    assert await memory.forget(channel="C1") == 1
    async with Redis.from_url(redis_url) as redis:
        assert not [key for key in await redis.keys("*") if b"{C1}" in key]


async def test_what_is_older_than_its_keeping_is_forgotten(memory: MemoryManager) -> None:
    await memory.remember([said("old", -60), said("new", 60)])
    assert await memory.forget(channel="C1", before=NOON) == 1
    assert [each.message.text for each in await memory.recall("")] == ["new"]


async def test_forgetting_must_say_what(memory: MemoryManager) -> None:
    with pytest.raises(BadInput, match="Say what to forget"):
        await memory.forget()


async def test_an_empty_query_gives_the_latest(memory: MemoryManager) -> None:
    await memory.remember([said(f"message {minute}", minute) for minute in range(10)])
    assert [each.message.text for each in await memory.recall("", limit=2)] == ["message 9", "message 8"]


async def test_since_is_included_and_until_is_not(memory: MemoryManager) -> None:
    await memory.remember([said("deploy", minute) for minute in range(5)])
    found = await memory.recall("deploy", since=NOON + timedelta(minutes=1), until=NOON + timedelta(minutes=3))
    assert sorted(each.message.sent_at.minute for each in found) == [1, 2]


async def test_a_budget_is_never_exceeded(memory: MemoryManager) -> None:
    await memory.remember([said(f"deploy {'x' * minute}", minute) for minute in range(50)])
    found = await memory.recall("deploy", budget_tokens=60)
    assert 0 < sum(len(f"{each.message.user}: {each.message.text}") / 4 for each in found) <= 60


async def test_secrets_are_not_stored(memory: MemoryManager, redis_url: str) -> None:
    secret = "gh" + "p_" + "a1B2" * 9
    await memory.remember([said(f"use {secret}")])
    assert secret not in await _everything(redis_url)
    assert [each.message.text for each in await memory.recall("use")] == ["use [redacted: GitHub token]"]


async def test_a_restart_remembers(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as memory:
        await memory.remember([said("the ledger was locked")])
    async with MemoryManager.open(redis_url) as memory:
        assert len(await memory.recall("ledger")) == 1


async def test_without_a_url_memory_brings_its_own_redis(tmp_path: Path) -> None:
    async with MemoryManager.open(folder=tmp_path) as memory:
        await memory.remember([said("the ledger was locked")])
    async with MemoryManager.open(folder=tmp_path) as memory:
        assert len(await memory.recall("ledger")) == 1


async def test_a_time_in_words_is_the_channels_time(redis_url: str) -> None:
    async with MemoryManager.open(redis_url, timezone="Asia/Shanghai", clock=lambda: NOON) as memory:
        night = -60 * 21  # 15:00 UTC the day before is 23:00 in Shanghai, still yesterday there
        await memory.remember([said("deploy one", night), said("deploy two", night + 90), said("deploy three", -5)])
        assert [each.message.text for each in await memory.recall("昨天发生了什么")] == ["deploy one"]
        found = await memory.recall("which deploy since yesterday")
        assert {each.message.text for each in found} == {"deploy one", "deploy two", "deploy three"}


async def test_a_time_in_which_nothing_was_said_gives_nothing(redis_url: str) -> None:
    async with MemoryManager.open(redis_url, clock=lambda: NOON) as memory:
        await memory.remember([said("deploy one", -5000)])
        assert await memory.recall("since yesterday") == []


async def test_an_unknown_time_zone_is_refused(redis_url: str) -> None:
    with pytest.raises(Misconfigured, match="IANA"):
        async with MemoryManager.open(redis_url, timezone="Mars/Olympus"):
            pass


async def test_each_channel_has_its_own_yesterday(redis_url: str) -> None:
    late = datetime(2026, 3, 3, 20, tzinfo=UTC)  # the 4th already in Shanghai
    async with MemoryManager.open(redis_url, clock=lambda: late) as memory:
        await memory.remember([said("ledger at noon", channel=channel) for channel in ("C1", "C2")])
        await memory.set_timezone("C2", "Asia/Shanghai")
        assert await memory.recall("yesterday", channel="C1") == []
        assert len(await memory.recall("yesterday", channel="C2")) == 1
        assert (await memory.timezone("C1"), await memory.timezone("C2")) == ("UTC", "Asia/Shanghai")
        with pytest.raises(Misconfigured, match="Mars/Olympus"):
            await memory.set_timezone("C1", "Mars/Olympus")

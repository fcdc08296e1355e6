"""What memory makes of input that nobody means to send, and of many who ask at once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import pytest

from bot.memory import MemoryManager
from tests.integration.memory.talk import NOON, said


@pytest.mark.parametrize(
    "text",
    [
        "",
        "🔥👨‍👩‍👧‍👦",
        "a\x00b",
        "مرحبا بالعالم",
        "\u202eledger",
        "x" * 40_000,
        "word " * 8000,
        "-" * 40_000,
        "1" * 40_000,
    ],
)
async def test_any_text_is_remembered_and_can_be_asked(memory: MemoryManager, text: str) -> None:
    await memory.remember([said(text, name="1"), said("the ledger was locked", 1, name="2")])
    assert {found.id: found.message.text for found in await memory.recall("")}["1"] == text
    assert (await memory.recall(f"ledger {text}", limit=20))[0].id in {"1", "2"}


async def test_a_character_that_was_cut_in_half_is_replaced(memory: MemoryManager) -> None:
    await memory.remember([said("ledger \ud83d", name="1"), said("joined \ud83d\udd25", name="2")])
    texts = {found.id: found.message.text for found in await memory.recall("ledger \ud83d joined")}
    assert texts == {"1": "ledger \ufffd", "2": "joined 🔥"}


@pytest.mark.parametrize(("limit", "budget_tokens"), [(0, None), (-1, None), (None, 0), (None, -5)])
async def test_no_room_gives_nothing(memory: MemoryManager, limit: int | None, budget_tokens: int | None) -> None:
    await memory.remember([said("the ledger was locked")])
    assert await memory.recall("ledger", limit=limit, budget_tokens=budget_tokens) == []
    assert await memory.recall("", limit=limit, budget_tokens=budget_tokens) == []


async def test_a_moment_without_a_zone_is_in_utc(memory: MemoryManager) -> None:
    await memory.remember([said("ledger early", 0, name="1"), said("ledger late", 30, name="2")])
    naive = datetime(2026, 3, 3, 12, 15)  # noqa: DTZ001 - that is the point
    assert [found.id for found in await memory.recall("ledger", since=naive)] == ["2"]
    assert await memory.count(channel="C1", before=naive) == 1
    assert len(await memory.recall("ledger", since=datetime.min)) == 2  # noqa: DTZ901 - that is the point


async def test_a_time_that_ends_before_it_begins_holds_nothing(memory: MemoryManager) -> None:
    await memory.remember([said("the ledger was locked")])
    assert await memory.recall("ledger", since=NOON + timedelta(hours=1), until=NOON) == []
    assert await memory.recall("ledger", channel="nowhere") == []


async def test_any_id_reaches_the_other_processes(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as one, MemoryManager.open(redis_url) as two:
        await one.remember([said("the ledger was locked", name="D1:3\nand more"), said("another ledger", name="D1:3")])
        assert {found.id for found in await two.recall("ledger")} == {"D1:3\nand more", "D1:3"}
        await one.forget("D1:3\nand more", channel="C1")
        assert [found.id for found in await two.recall("ledger")] == ["D1:3"]


async def test_more_may_ask_at_once_than_there_are_connections(memory: MemoryManager) -> None:
    await memory.remember([said(f"ledger {number}", number, name=str(number)) for number in range(50)])
    answers = await asyncio.gather(*(memory.recall(f"ledger {number % 50}", limit=1) for number in range(600)))
    assert [answer[0].id for answer in answers[:50]] == [str(number) for number in range(50)]


async def test_who_asks_while_another_process_speaks_hears_it(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as one, MemoryManager.open(redis_url) as two:
        for number in range(20):
            asking = [asyncio.create_task(two.recall("ledger", limit=1)) for _ in range(5)]
            await one.remember([said(f"ledger {number}", number, name=str(number))])
            later = [asyncio.create_task(two.recall(f"ledger {number}", limit=1)) for _ in range(5)]
            await asyncio.gather(*asking)
            assert {(await task)[0].id for task in later} == {str(number)}


async def test_a_very_long_question_is_asked_by_its_rarest_words(memory: MemoryManager) -> None:
    talk = [said(f"common{number % 300}", 300 * number, name=str(number)) for number in range(900)]
    await memory.remember([*talk, said("the walrus sleeps", -300, name="walrus")])
    words = [*(f"common{number}" for number in range(300)), *(f"never{number}" for number in range(9000)), "walrus"]
    assert (await memory.recall(" ".join(words), limit=1))[0].id == "walrus"

"""Forgotten is forgotten: nothing is left of it, and nothing brings it back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from bot.memory import MemoryManager
from bot.memory.encoder import Encoder
from bot.memory.reserved import TAUGHT
from bot.memory.store import HORIZONS
from bot.models import Message
from tests.integration.memory.concepts import ConceptModel
from tests.integration.memory.talk import NOON, said
from tests.remains import holding, terms
from tests.servers.process import wait_until

LATER = NOON + timedelta(hours=1)


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[MemoryManager]:
    """A manager with an encoder, an hour after noon: it keeps words and meaning."""
    with await Encoder.load("concepts", load=ConceptModel) as encoder:
        async with MemoryManager.open(redis_url, encoder, clock=lambda: LATER) as manager:
            yield manager


SECRET = said("zanzibar database outage, call zelda", name="z1", user="zoe")


async def forget(memory: MemoryManager, how: str) -> None:
    """Forget it in one of the ways that people have."""
    match how:
        case "message":
            await memory.forget("z1", channel="C1")
        case "person":
            await memory.forget(user="zoe")
        case _:
            await memory.forget(channel="C1")


async def test_of_one_forgotten_message_nothing_is_left(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember([SECRET, said("other talk", 1, name="2")])
    await memory.recall("zanzibar outage")
    await memory.forget("z1", channel="C1")
    for word in ("zanzibar", "zelda", "zoe"):
        assert await holding(redis_url, word) == []
    assert not [term for term in terms(memory) if term.startswith("z")]
    assert await memory.recall("zanzibar") == []
    assert memory._index._people.named_in("zoe") == []


async def test_of_a_forgotten_person_only_the_name_is_kept_so_that_they_stay_forgotten(
    memory: MemoryManager, redis_url: str
) -> None:
    await memory.remember([SECRET, said("zanzibar again", 1, name="z2", user="zoe", channel="C2"), said("lunch", 2)])
    assert await memory.forget(user="zoe") == 2
    assert await holding(redis_url, "zanzibar") == []
    assert await holding(redis_url, "zoe") == [HORIZONS]
    assert "zanzibar" not in terms(memory)


async def test_of_a_forgotten_channel_nothing_said_is_left(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember([SECRET, said("lunch", 2, channel="C2")])
    assert await memory.forget(channel="C1") == 1
    assert await holding(redis_url, "zanzibar") == []
    assert "zanzibar" not in terms(memory)


async def test_of_an_edited_message_the_old_words_are_gone(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember([SECRET])
    await memory.edit(said("nothing to see", name="z1", user="zoe"))
    assert await holding(redis_url, "zanzibar") == []
    assert "zanzibar" not in terms(memory)


async def test_what_a_message_taught_is_edited_and_forgotten_with_it(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember([SECRET])
    taught = await memory.teach(SECRET.text, "zoe", NOON, source=("C1", "z1"))
    assert taught
    assert taught.permalink == SECRET.permalink
    await memory.edit(said("zeppelin is down", name="z1", user="zoe"))
    assert [each.message.text for each in await memory.recall("", channel=TAUGHT)] == ["zeppelin is down"]
    assert await memory.forget("z1", channel="C1") == 2
    for word in ("zanzibar", "zeppelin"):
        assert await holding(redis_url, word) == []


async def test_a_lesson_said_to_the_bot_is_what_it_says_after_an_edit_and_gone_when_it_says_none(
    memory: MemoryManager,
) -> None:
    spoken = said("@U0BOT remember: zanzibar", name="z1", user="zoe").model_copy(update={"to_bot": True})
    await memory.remember([spoken])
    await memory.teach("zanzibar", "zoe", NOON, source=("C1", "z1"))
    await memory.edit(spoken, lesson="zeppelin")
    assert [each.message.text for each in await memory.recall("")] == ["zeppelin"]
    await memory.edit(spoken, lesson=None)
    assert await memory.recall("") == []


async def test_a_lesson_outlives_its_message_that_only_grew_too_old(memory: MemoryManager) -> None:
    await memory.remember([SECRET])
    await memory.teach(SECRET.text, "zoe", NOON, source=("C1", "z1"))
    assert await memory.forget(channel="C1", before=LATER) == 1
    assert len(await memory.recall("zanzibar")) == 1
    assert await memory.forget(channel="C1") == 1
    assert await memory.recall("zanzibar") == []


@pytest.mark.parametrize("how", ["message", "person", "channel"])
async def test_neither_a_second_delivery_nor_a_late_edit_nor_reading_back_brings_it_back(
    memory: MemoryManager, how: str
) -> None:
    await memory.remember([SECRET])
    await forget(memory, how)
    await memory.remember([SECRET], unless_forgotten=True)
    await memory.edit(SECRET)
    assert await memory.recall("zanzibar") == []


async def test_a_deletion_that_overtakes_its_message_holds(memory: MemoryManager) -> None:
    await memory.forget("z1", channel="C1")
    await memory.remember([SECRET], unless_forgotten=True)
    assert await memory.recall("zanzibar") == []


@pytest.mark.parametrize("how", ["message", "person", "channel"])
async def test_what_is_forgotten_while_it_is_being_kept_is_gone(
    memory: MemoryManager, redis_url: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = memory._store.put

    async def overtaken(messages: Iterable[Message]) -> None:
        await forget(memory, how)
        await put(messages)

    monkeypatch.setattr(memory._store, "put", overtaken)
    await memory.remember([SECRET], unless_forgotten=True)
    assert await holding(redis_url, "zanzibar") == []
    assert not [term for term in terms(memory) if term.startswith("z")]


@pytest.mark.parametrize("how", ["message", "person", "channel"])
async def test_what_is_kept_while_it_is_being_forgotten_is_gone(
    memory: MemoryManager, redis_url: str, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await memory.remember([said("zanzibar is calm", -5, name="z0", user="zoe")])
    matching = memory._store.matching

    async def late(channel: str, **wanted: Any) -> list[str]:
        found = await matching(channel, **wanted)
        await memory.remember([SECRET], unless_forgotten=True)
        return found

    monkeypatch.setattr(memory._store, "matching", late)
    await forget(memory, how)
    assert await holding(redis_url, "outage") == []


@pytest.mark.parametrize("how", ["message", "person", "channel"])
async def test_a_pin_does_not_bring_back_what_was_forgotten(memory: MemoryManager, redis_url: str, how: str) -> None:
    await memory.remember([SECRET])
    await forget(memory, how)
    assert await memory.teach(SECRET.text, "zoe", SECRET.sent_at, source=("C1", "z1")) is None
    assert await holding(redis_url, "zanzibar") == []


async def test_to_forget_one_message_by_its_author_forgets_no_other_of_theirs(memory: MemoryManager) -> None:
    await memory.remember([SECRET, said("zanzibar again", 1, name="z2", user="zoe")])
    assert await memory.forget("z1", user="zoe") == 1
    await memory.remember([said("an older word of zoe", -9, name="z0", user="zoe")], unless_forgotten=True)
    assert {each.id for each in await memory.recall("")} == {"z0", "z2"}


async def test_what_is_said_after_the_forgetting_is_remembered(memory: MemoryManager) -> None:
    await memory.forget(user="zoe")
    await memory.forget(channel="C1")
    await memory.remember([said("zanzibar is back", 61, user="zoe")], unless_forgotten=True)
    assert len(await memory.recall("zanzibar")) == 1


async def test_another_process_forgets_terms_and_meaning_too(redis_url: str) -> None:
    with await Encoder.load("concepts", load=ConceptModel) as encoder:
        async with MemoryManager.open(redis_url, encoder) as one, MemoryManager.open(redis_url, encoder) as two:
            await one.remember([SECRET])
            assert len(await two.recall("database outage")) == 1
            await one.forget("z1", channel="C1")
            assert await two.recall("database outage") == []
            assert not terms(two)


async def test_what_would_go_is_counted_before_it_goes(memory: MemoryManager) -> None:
    await memory.remember([SECRET, Message(**{**SECRET.model_dump(), "id": "z2"})])
    assert await memory.count(user="zoe") == 2
    assert await memory.count("z1", channel="C1") == 1
    assert len(await memory.recall("")) == 2


async def test_of_what_was_forgotten_nothing_is_left_on_disk_either(tmp_path: Path) -> None:
    async with MemoryManager.open(folder=tmp_path) as memory:
        await memory.remember([SECRET, said("lunch", 1)])
        assert await asyncio.to_thread(_files_with, tmp_path, b"zanzibar")
        await memory.forget("z1", channel="C1")
        await memory.wipe()

        async def clean() -> bool:
            return not await asyncio.to_thread(_files_with, tmp_path, b"zanzibar")

        await wait_until(clean, what="the new file")
    async with MemoryManager.open(folder=tmp_path) as memory:
        assert [each.message.text for each in await memory.recall("")] == ["lunch"]


def _files_with(folder: Path, word: bytes) -> list[Path]:
    found = []
    for file in folder.rglob("*"):
        with suppress(OSError):  # a socket, or a file that has just been replaced
            found += [file] if file.is_file() and word in file.read_bytes() else []
    return found


async def test_a_redis_that_does_not_let_itself_be_told_is_named_in_the_log(redis_url: str) -> None:
    async with Redis.from_url(redis_url) as redis:
        await redis.acl_setuser("meek", enabled=True, nopass=True, keys=["*"], channels=["*"],
                                commands=["+@all", "-bgrewriteaof"])  # fmt: skip
        try:
            async with MemoryManager.open(redis_url.replace("redis://", "redis://meek:any@")) as memory:
                await memory.remember([SECRET])
                assert await memory.forget("z1", channel="C1") == 1
                with capture_logs() as logs:
                    await memory.wipe()
        finally:
            await redis.acl_deluser("meek")
    assert [(line["event"], line["mend"]) for line in logs] == [
        ("memory.file_not_rewritten", "run BGREWRITEAOF on the Redis server")
    ]

"""Recall with the real model: what wording alone cannot find, and that nothing of it outlives a message."""

from __future__ import annotations

from importlib import import_module, metadata
from typing import cast

import numpy as np
from redis.asyncio import Redis

from bot.memory import MemoryManager
from bot.memory.encoder import Encoder
from bot.memory.store import vectors_key
from tests.bench.memory import cost
from tests.bench.memory.cases import conversations
from tests.bench.memory.measures import recall_at
from tests.integration.memory.talk import said

TALK = [
    said("postgres refuses connections since the failover", 0, name="db"),
    said("lunch at the usual place?", 200, name="lunch"),
    said("the new logo looks great on the landing page", 400, name="logo"),
    said("my bike has a flat tyre", 600, name="bike"),
]


async def _vectors(redis_url: str) -> dict[bytes, bytes]:
    async with Redis.from_url(redis_url) as redis:
        return cast("dict[bytes, bytes]", await redis.hgetall(vectors_key("C1")))


def test_torch_is_a_build_without_cuda() -> None:
    assert import_module("torch").version.cuda is None
    assert not [found.name for found in metadata.distributions() if found.name.startswith("nvidia")]


async def test_a_question_in_other_words_is_answered_by_meaning(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember(TALK)
    found = await memory.recall("the database is unreachable")
    assert (found[0].id, found[0].why) == ("db", "meaning")
    async with MemoryManager.open(redis_url) as worded:
        assert await worded.recall("the database is unreachable") == []


async def test_vectors_are_kept_in_half_precision_with_the_mark_of_their_encoder(
    memory: MemoryManager, redis_url: str, minilm: Encoder
) -> None:
    await memory.remember(TALK)
    kept = await _vectors(redis_url)
    assert set(kept) == {b"db", b"lunch", b"logo", b"bike"}
    assert all(len(packed) == len(minilm.fingerprint) + 2 * 384 for packed in kept.values())
    assert all(packed.startswith(minilm.fingerprint) for packed in kept.values())
    vector = np.frombuffer(kept[b"db"][len(minilm.fingerprint) :], dtype=np.float16).astype(np.float32)
    assert abs(float(np.linalg.norm(vector)) - 1) < 1e-2


async def test_an_edit_is_found_by_its_new_meaning_only(memory: MemoryManager) -> None:
    await memory.remember(TALK)
    await memory.remember([said("we painted the office blue", 0, name="db")])
    assert (await memory.recall("what colour are the walls?"))[0].id == "db"


async def test_a_forgotten_message_leaves_no_meaning_behind(memory: MemoryManager, redis_url: str) -> None:
    await memory.remember(TALK)
    await memory.forget("db", channel="C1")
    assert b"db" not in await _vectors(redis_url)
    assert "db" not in [found.id for found in await memory.recall("the database is unreachable")]
    assert memory._index.missing_vectors([("C1", "db")]) == []


async def test_mixed_chinese_and_english_on_call_talk_is_found(memory: MemoryManager) -> None:
    (talk,) = conversations(cost.FOLDER)
    await memory.remember(talk.messages)
    assert await recall_at(5, talk, memory) >= 0.9

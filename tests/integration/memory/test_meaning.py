"""Recall by meaning: what shares no word is found, and vectors live and die with their messages."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from redis.asyncio import Redis

from bot.memory import MemoryManager, meaning
from bot.memory.encoder import Encoder
from bot.memory.store import vectors_key
from tests.integration.memory.concepts import ConceptModel
from tests.integration.memory.talk import said
from tests.servers.process import wait_until

TALK = [said("postgres broken", name="1"), said("rollout finished", 200, name="2"), said("lunch", 400, name="3")]


async def _encoder(name: str = "concepts") -> tuple[Encoder, ConceptModel]:
    made: list[ConceptModel] = []

    def load(name: str) -> ConceptModel:
        made.append(ConceptModel(name))
        return made[0]

    encoder = await Encoder.load(name, load=load)
    return encoder, made[0]


async def _vectors(url: str) -> int:
    async with Redis.from_url(url) as redis:
        return int(await redis.hlen(vectors_key("C1")))


async def test_what_shares_no_word_is_found(redis_url: str) -> None:
    encoder, _ = await _encoder()
    with encoder:
        async with MemoryManager.open(redis_url, encoder) as memory:
            await memory.remember(TALK)
            best = (await memory.recall("database outage"))[0]
    assert (best.id, best.why) == ("1", "meaning")


async def test_a_restart_encodes_nothing_again(redis_url: str) -> None:
    encoder, model = await _encoder()
    with encoder:
        async with MemoryManager.open(redis_url, encoder) as memory:
            await memory.remember(TALK)
        async with MemoryManager.open(redis_url, encoder) as memory:
            assert (await memory.recall("database outage"))[0].id == "1"
    assert len(model.encoded) == len(TALK)


async def test_talk_from_before_the_encoder_is_encoded_in_the_background(redis_url: str) -> None:
    async with MemoryManager.open(redis_url) as memory:
        await memory.remember(TALK)
    encoder, _ = await _encoder()
    with encoder:
        async with MemoryManager.open(redis_url, encoder) as memory:

            async def found() -> bool:
                return [each.id for each in await memory.recall("database outage", limit=1)] == ["1"]

            await wait_until(found, what="the background encoding")


async def test_while_a_channel_is_being_encoded_questions_are_answered_by_wording(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meaning, "PATIENCE_S", 0.05)
    async with MemoryManager.open(redis_url) as memory:
        await memory.remember([said(f"the ledger is slow {number}", number) for number in range(100)])
    stuck, go_on = threading.Event(), threading.Event()

    class Slow(ConceptModel):
        def encode_document(self, texts: Sequence[str], **options: object) -> npt.NDArray[np.float32]:
            stuck.set()
            go_on.wait()
            return super().encode_document(texts, **options)

    with await Encoder.load("slow", load=Slow) as encoder:
        async with MemoryManager.open(redis_url, encoder) as memory:
            await asyncio.to_thread(stuck.wait)
            found = await memory.recall("ledger slow")
            go_on.set()
    assert len(found) == 20
    assert {each.why for each in found} == {"wording"}


async def test_another_encoder_does_not_read_the_vectors_of_the_first(redis_url: str) -> None:
    first, _ = await _encoder("first")
    with first:
        async with MemoryManager.open(redis_url, first) as memory:
            await memory.remember(TALK)
    second, model = await _encoder("second")
    with second:
        async with MemoryManager.open(redis_url, second):

            async def all_encoded() -> bool:
                return len(model.encoded) == len(TALK)

            await wait_until(all_encoded, what="encoding with the second model")


async def test_an_edit_gets_a_new_vector(redis_url: str) -> None:
    encoder, _ = await _encoder()
    with encoder:
        async with MemoryManager.open(redis_url, encoder) as memory:
            await memory.remember(TALK)
            await memory.remember([said("tls renewed", name="1")])
            assert (await memory.recall("certificate"))[0].id == "1"


async def test_a_forgotten_message_leaves_no_vector(redis_url: str) -> None:
    encoder, _ = await _encoder()
    with encoder:
        async with MemoryManager.open(redis_url, encoder) as memory:
            await memory.remember(TALK)
            assert await _vectors(redis_url) == 3
            await memory.forget("1", channel="C1")
            assert await _vectors(redis_url) == 2
            assert "1" not in [each.id for each in await memory.recall("database outage")]


async def test_another_process_gets_the_vectors_of_the_first(redis_url: str) -> None:
    encoder, _ = await _encoder()
    other, model = await _encoder()
    with encoder, other:
        async with MemoryManager.open(redis_url, encoder) as one, MemoryManager.open(redis_url, other) as two:
            await one.remember(TALK)
            assert (await two.recall("database outage"))[0].id == "1"
    assert model.encoded == []

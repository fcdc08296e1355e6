"""A server that did not answer is left alone for a while: by every replica, and for as long as it asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.errors import ModelUnavailable
from bot.llm.chat import ChatReply, ChatRequest, Said, Spender
from bot.llm.door import Door, model_of
from bot.llm.rests import FIRST, LONGEST
from bot.settings.model import ModelRole
from bot.storage import connect
from tests.servers.model import Fails, Says, ScriptedModel, Silent

INCIDENT = "260301-TESTED"


class Replicas:
    """Doors of several processes to one server, and the clock on their wall."""

    def __init__(self, doors: list[Door]) -> None:
        self.doors = doors
        self.now = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)

    async def ask(self, which: int = 0, role: ModelRole = "answer") -> ChatReply:
        """One question through the door of that replica."""
        said = (Said(role="user", text="Why?"),)
        return await self.doors[which].ask(
            ChatRequest(role=role, said=said, max_tokens=100), Spender(incident=INCIDENT)
        )

    async def refused(self, which: int = 0, *, role: ModelRole = "answer") -> str:
        """Why nobody answers it."""
        with pytest.raises(ModelUnavailable) as failure:
            await self.ask(which, role)
        return str(failure.value)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as connected:
        yield connected


@pytest.fixture
def more() -> dict[str, Any]:
    """Of the settings."""
    return {"timeout_s": 0.3}


@pytest.fixture
async def replicas(scripted_model: ScriptedModel, redis: Redis, more: dict[str, Any]) -> AsyncIterator[Replicas]:
    both = Replicas([])
    async with AsyncExitStack() as stack:
        for _ in range(2):
            door = await stack.enter_async_context(model_of(scripted_model.settings(**more), redis, lambda: both.now))
            assert door
            both.doors.append(door)
        yield both


async def test_a_dead_model_is_left_alone_for_a_while_and_comes_back(
    scripted_model: ScriptedModel, replicas: Replicas, redis: Redis
) -> None:
    scripted_model.then(Silent(1))
    assert "did not answer within" in await replicas.refused()
    for which in (0, 1):
        assert "left alone for now" in await replicas.refused(which)
    assert len(scripted_model.asked) == 1, "nor by the other replica"
    replicas.now += FIRST
    assert (await replicas.ask(1)).text == "Nothing to add."
    assert (await replicas.ask(0)).text == "Nothing to add."
    assert [key async for key in redis.scan_iter("*:rest")] == []


async def test_what_is_kept_of_it_goes_by_itself(
    scripted_model: ScriptedModel, replicas: Replicas, redis: Redis
) -> None:
    scripted_model.then(Fails(401))
    await replicas.refused()
    (key,) = [key async for key in redis.scan_iter("*:rest")]
    assert 0 < await redis.ttl(key) <= 4 * LONGEST.total_seconds()


async def test_each_rest_is_twice_as_long_and_none_is_endless(
    scripted_model: ScriptedModel, replicas: Replicas
) -> None:
    scripted_model.script = lambda _: Fails(401)
    rests = []
    for turn in range(7):
        await replicas.refused(turn % 2)
        asked, began = len(scripted_model.asked), replicas.now
        while len(scripted_model.asked) == asked:
            replicas.now += timedelta(seconds=5)
            await replicas.refused()
        rests.append((replicas.now - began).total_seconds())
        replicas.now += LONGEST
    assert rests[:3] == [15, 60, 240]
    assert max(rests) == LONGEST.total_seconds()


async def test_questions_that_fail_together_are_one_failure_and_one_question_tries_a_dead_model_again(
    scripted_model: ScriptedModel, replicas: Replicas
) -> None:
    scripted_model.script = lambda _: Fails(401)

    async def together() -> int:
        before = len(scripted_model.asked)
        await asyncio.gather(*(replicas.ask(turn % 2) for turn in range(6)), return_exceptions=True)
        return len(scripted_model.asked) - before

    await together()
    replicas.now += FIRST
    assert await together() == 1, "one question tries it, the others do not wait for it"
    scripted_model.script = lambda _: Says("Well again.")
    replicas.now += 2 * FIRST
    assert (await replicas.ask()).text == "Well again."
    assert await together() == 6


async def test_a_server_is_left_alone_for_as_long_as_it_asks(scripted_model: ScriptedModel, replicas: Replicas) -> None:
    scripted_model.then(Fails(429, "quota", {"retry-after": "60"}))
    began = replicas.now
    for second in (0, 16, 59):
        replicas.now = began + timedelta(seconds=second)
        await replicas.refused(second % 2)
    assert len(scripted_model.asked) == 1
    replicas.now = began + timedelta(seconds=60)
    assert (await replicas.ask()).text == "Nothing to add."


@pytest.mark.parametrize("more", [{"roles": {"judge": "typo"}}])
async def test_a_model_that_does_not_exist_leaves_the_others_of_its_server(
    scripted_model: ScriptedModel, replicas: Replicas
) -> None:
    scripted_model.script = lambda body: Fails(404, "no such model") if body["model"] == "typo" else Says("Here.")
    assert "NIGHTDESK_MODEL__NAME" in await replicas.refused(role="judge")
    assert (await replicas.ask(role="condense")).text == "Here."


async def test_a_question_that_was_too_long_does_not_make_a_server_ill(
    scripted_model: ScriptedModel, replicas: Replicas
) -> None:
    scripted_model.then(Fails(503), Fails(503), Fails(400, "maximum context length is 8192 tokens"))
    await replicas.refused()
    replicas.now += FIRST
    assert "context length" in await replicas.refused()
    assert (await replicas.ask()).text == "Nothing to add."

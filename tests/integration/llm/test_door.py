"""The door: who is asked for what, what it may cost, and what a dead model costs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.errors import BudgetSpent, ModelUnavailable
from bot.llm.budget import KEPT, Meter
from bot.llm.chat import ChatRequest, Said, Spender
from bot.llm.client import ChatClient
from bot.llm.door import Door, Seat, model_of
from bot.llm.rests import Rests
from bot.settings.model import ModelRole, ModelSettings
from bot.storage import connect
from tests.servers.model import Answer, Fails, Json, Raw, Says, ScriptedModel, Silent
from tests.servers.process import free_port
from tests.servers.redis import always_on_disk

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
WHO = Spender(incident="260301-TESTED", channel="C1")
PRICES = {"scripted": {"prompt": 1.0, "completion": 4.0}}


def question(role: ModelRole = "answer", text: str = "Why?", most: int = 100) -> ChatRequest:
    return ChatRequest(role=role, said=(Said(role="user", text=text),), max_tokens=most)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as connected:
        yield connected


@asynccontextmanager
async def opened(
    settings: ModelSettings, redis: Redis, now: Callable[[], datetime] = lambda: NOW
) -> AsyncIterator[Door]:
    async with model_of(settings, redis, now) as door:
        assert door
        yield door


async def ask_on(door: Door, spender: Spender) -> None:
    for _ in range(10):
        await door.ask(question(), spender)


async def test_without_an_address_there_is_no_door(redis: Redis) -> None:
    async with model_of(ModelSettings(), redis, lambda: NOW) as door:
        assert door is None


async def test_each_role_asks_its_own_model(scripted_model: ScriptedModel, redis: Redis) -> None:
    settings = scripted_model.settings(roles={"judge": "strong", "condense": "cheap"})
    async with opened(settings, redis) as door:
        for role in ("judge", "condense", "word"):
            await door.ask(question(role), WHO)
    assert [asked["model"] for asked in scripted_model.asked] == ["strong", "cheap", "scripted"]


async def test_a_model_that_thinks_first_gets_room_for_it(scripted_model: ScriptedModel, redis: Redis) -> None:
    async with opened(scripted_model.settings(thinking_tokens=2000), redis) as door:
        await door.ask(question(most=100), WHO)
    assert [asked["max_tokens"] for asked in scripted_model.asked] == [2100]


async def test_what_an_answer_cost_is_counted_for_all_who_pay(scripted_model: ScriptedModel, redis: Redis) -> None:
    scripted_model.script = lambda _: Says("Because.", usage=(1_000, 500))
    async with opened(scripted_model.settings(prices=PRICES), redis) as door:
        await door.ask(question(), WHO)
        await door.ask(question(), WHO)
        spent = await door.spent("260301-TESTED")
    assert (spent.tokens, spent.calls, spent.currency) == (3_000, 2, "USD")
    assert spent.money == pytest.approx(2 * (1_000 * 1 + 500 * 4) / 1e6)
    keys = sorted([key async for key in redis.scan_iter("nd:model:*")])
    assert keys == ["nd:model:{2026-03-01}", "nd:model:{260301-TESTED}", "nd:model:{C1:2026-03-01}"]
    assert [await redis.hget(key, "tokens") for key in keys] == ["3000"] * 3
    assert [0 < await redis.ttl(key) <= KEPT.total_seconds() for key in keys] == [True] * 3


@pytest.mark.parametrize(
    ("budget", "spender", "said"),
    [
        (
            {"incident_tokens": 250},
            WHO,
            "250 tokens for this incident is too small for more: 50 of it .*INCIDENT_TOKENS",
        ),
        ({"incident_tokens": 105}, WHO, "105 tokens for this incident is too small for more: 5 of it are left"),
        ({"channel_tokens": 250}, WHO, "this channel today .*CHANNEL_TOKENS"),
        ({"day_tokens": 250}, Spender(), "250 tokens for today .*DAY_TOKENS"),
        ({"incident_money": 0.0006}, WHO, "0.0006 USD for this incident .*INCIDENT_MONEY"),
        ({"day_money": 0.0006}, WHO, "for today .*DAY_MONEY"),
        ({"incident_tokens": 0}, WHO, "0 tokens for this incident is used up"),
    ],
)
async def test_a_budget_is_never_passed(
    scripted_model: ScriptedModel, redis: Redis, budget: dict[str, Any], spender: Spender, said: str
) -> None:
    scripted_model.script = lambda _: Says("Because.", usage=(60, 40))
    async with opened(scripted_model.settings(prices=PRICES, budget=budget), redis) as door:
        with pytest.raises(BudgetSpent, match=said):
            await ask_on(door, spender)
    asked = len(scripted_model.asked)
    assert asked <= 2
    assert int(await redis.hget("nd:model:{2026-03-01}", "tokens") or 0) == 100 * asked


async def test_the_time_of_a_model_is_a_budget_too(scripted_model: ScriptedModel, redis: Redis) -> None:
    seconds = iter(range(0, 1_000, 7))
    settings = scripted_model.settings(budget={"incident_s": 10})
    async with ChatClient(settings) as client:
        seat = Seat(client, lambda _: "scripted", Rests(redis, scripted_model.url, lambda: NOW))
        meter = Meter(redis, settings.budget, lambda: NOW)
        door = Door([seat], meter, {}, lambda: NOW, elapsed=lambda: next(seconds))
        await door.ask(question(), WHO)
        await door.ask(question(), WHO)
        with pytest.raises(BudgetSpent, match="10 s of a model's time"):
            await door.ask(question(), WHO)


async def test_questions_at_once_and_of_two_replicas_do_not_spend_the_same_rest(
    scripted_model: ScriptedModel, redis: Redis
) -> None:
    scripted_model.script = lambda _: Says("Because.", usage=(10, 90))
    settings = scripted_model.settings(budget={"incident_tokens": 520})
    async with opened(settings, redis) as one, opened(settings, redis) as other:
        answers = await asyncio.gather(
            *(door.ask(question(), WHO) for door in (one, other) for _ in range(10)), return_exceptions=True
        )
        assert (await one.spent("260301-TESTED")).tokens <= 520
    assert {type(answer).__name__ for answer in answers} == {"ChatReply", "BudgetSpent"}
    refused = {str(answer) for answer in answers if isinstance(answer, BudgetSpent)}
    assert any("520 tokens for this incident is set aside for questions under way" in said for said in refused)


async def test_a_new_day_has_a_new_budget(scripted_model: ScriptedModel, redis: Redis) -> None:
    scripted_model.script = lambda _: Says("Because.", usage=(60, 40))
    day = {"now": NOW}
    async with opened(scripted_model.settings(budget={"day_tokens": 150}), redis, lambda: day["now"]) as door:
        await door.ask(question(), Spender())
        with pytest.raises(BudgetSpent):
            await door.ask(question(), Spender())
        day["now"] = NOW.replace(day=2)
        await door.ask(question(), Spender())


async def test_the_fallback_answers_where_the_first_does_not(scripted_model: ScriptedModel, redis: Redis) -> None:
    dead = f"http://127.0.0.1:{free_port()}/v1"
    settings = scripted_model.settings(url=dead, fallback={"url": scripted_model.url, "name": "spare"})
    async with opened(settings, redis) as door:
        assert (await door.ask(question(), WHO)).model == "spare"


async def test_who_gives_up_leaves_no_more_set_aside_than_the_question(
    scripted_model: ScriptedModel, redis: Redis
) -> None:
    scripted_model.then(Silent(1))
    async with opened(scripted_model.settings(), redis) as door:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await door.ask(question(text="x" * 400, most=5_000), WHO)
        assert 100 <= (await door.spent("260301-TESTED")).tokens < 200


def test_a_budget_of_money_needs_prices() -> None:
    with pytest.raises(ValueError, match=r"prices.*cheap"):
        ModelSettings.model_validate(
            {"url": "https://host/v1", "name": "m", "roles": {"condense": "cheap"},
             "prices": {"m": {"prompt": 1, "completion": 1}}, "budget": {"day_money": 5}}
        )  # fmt: skip


def test_a_model_has_a_name() -> None:
    with pytest.raises(ValueError, match="'name'"):
        ModelSettings(url="https://host/v1")


async def test_what_is_only_set_aside_is_not_told_as_spent(scripted_model: ScriptedModel, redis: Redis) -> None:
    begun = asyncio.Event()

    async def hear(_: str) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with opened(scripted_model.settings(timeout_s=30), redis) as door:
        asking = asyncio.create_task(door.ask(question(most=5_000), WHO, on_text=hear))
        await begun.wait()
        assert (await door.spent("260301-TESTED")).tokens == 0
        assert int(await redis.hget("nd:model:{260301-TESTED}", "aside_tokens") or 0) > 5_000
        asking.cancel()
        await asyncio.wait([asking])
    assert await redis.hget("nd:model:{260301-TESTED}", "aside_tokens") == "0"


@pytest.mark.parametrize(
    ("answer", "read"),
    [
        (Silent(1), True),
        (Fails(504, "upstream timed out"), True),
        (Raw(b"<html>oops</html>", "text/html"), True),
        (Fails(503, "overloaded"), False),
        (Fails(401, "no such key"), False),
        (Fails(400, "too long"), False),
    ],
)
async def test_a_question_that_a_model_may_have_read_is_paid_for_without_an_answer(
    scripted_model: ScriptedModel, redis: Redis, answer: Answer, read: bool
) -> None:
    scripted_model.script = lambda _: answer
    async with opened(scripted_model.settings(timeout_s=0.5), redis) as door:
        with pytest.raises(ModelUnavailable):
            await door.ask(question(text="x" * 400), WHO)
        spent = await door.spent("260301-TESTED")
    assert (spent.tokens > 100, spent.calls) == (read, 1)


async def test_a_server_that_was_never_reached_is_not_paid(redis: Redis) -> None:
    settings = ModelSettings(url=f"http://127.0.0.1:{free_port()}/v1", name="dead")
    async with opened(settings, redis) as door:
        with pytest.raises(ModelUnavailable):
            await door.ask(question(), WHO)
        assert (await door.spent("260301-TESTED")).tokens == 0


async def test_without_redis_nobody_is_asked_and_that_is_no_other_error(scripted_model: ScriptedModel) -> None:
    nowhere = Redis.from_url(f"redis://127.0.0.1:{free_port()}")
    async with nowhere as gone, opened(scripted_model.settings(), gone) as door:
        with pytest.raises(ModelUnavailable, match="cannot be counted now"):
            await door.ask(question(), WHO)
    assert scripted_model.asked == []


async def test_an_answer_whose_cost_cannot_be_noted_is_given_all_the_same(
    scripted_model: ScriptedModel, tmp_path: Path
) -> None:
    port = free_port()
    with always_on_disk(port, tmp_path) as server:

        def while_redis_dies(_: Json) -> Says:
            server.kill()
            server.wait()
            return Says("Because.")

        scripted_model.script = while_redis_dies
        mortal = Redis.from_url(f"redis://127.0.0.1:{port}", decode_responses=True)
        async with mortal as dying, opened(scripted_model.settings(), dying) as door:
            assert (await door.ask(question(), WHO)).text == "Because."


async def test_what_broke_off_is_asked_of_the_fallback_as_a_whole(scripted_model: ScriptedModel, redis: Redis) -> None:
    scripted_model.script = lambda body: (
        Says("One session blocks all.", cut_after=3) if body["model"] == "scripted" else Says("Twelve wait for one.")
    )
    heard: list[str] = []

    async def hear(piece: str) -> None:
        heard.append(piece)

    settings = scripted_model.settings(fallback={"url": scripted_model.url, "name": "spare"})
    async with opened(settings, redis) as door:
        reply = await door.ask(question(), WHO, on_text=hear)
    assert (reply.text, reply.complete, reply.model) == ("Twelve wait for one.", True, "spare")
    assert "".join(heard) == "One session bl", "what comes after is not mixed with it"
    assert [body.get("stream", False) for body in scripted_model.asked] == [True, False]


@pytest.mark.parametrize("fallback", [Fails(503), Says("Twelve", finish="length")])
async def test_what_broke_off_is_better_than_nothing(
    scripted_model: ScriptedModel, redis: Redis, fallback: Answer
) -> None:
    scripted_model.script = lambda body: (
        Says("One session blocks all.", cut_after=3) if body["model"] == "scripted" else fallback
    )

    async def hear(_: str) -> None:
        pass

    settings = scripted_model.settings(fallback={"url": scripted_model.url, "name": "spare"})
    async with opened(settings, redis) as door:
        reply = await door.ask(question(), WHO, on_text=hear)
    assert (reply.text, reply.complete) in {("One session bl", False), ("Twelve", False)}

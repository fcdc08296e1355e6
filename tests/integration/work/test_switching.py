"""A channel in which no model is asked: nothing leaves, nothing is said of it, and all is as without one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from bot.llm.chat import ChatRequest, Said, Spender
from bot.llm.door import model_of
from bot.models import Noted, Phase
from bot.settings.model import ModelSettings
from bot.slack.desk import Command
from bot.storage import connect
from bot.work.switching import NONE, USAGE, Switch, Switching
from tests.characters import Helpful
from tests.integration.work.night import CHANNEL, NOW, REPORTS, WITH_A_JUDGE, night_as
from tests.integration.work.test_answering import Asked
from tests.servers.model import Says, ScriptedModel
from tests.speaking import speaking

SHORT = ChatRequest(role="answer", said=(Said(role="user", text="Hello?"),), max_tokens=50)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as client:
        yield client


async def approver(user: str) -> bool:
    return user == "UBOSS"


async def said(switching: Switching, text: str, *, user: str = "UBOSS", channel: str = CHANNEL) -> str:
    """What `/nightdesk …` is answered."""
    return str(await switching.command(Command(channel=channel, user=user, text=text)))


async def test_where_it_is_off_no_question_leaves_and_the_thread_says_nothing_of_it(redis_url: str) -> None:
    async with speaking(Helpful()) as model, night_as(Asked, redis_url, model) as night:
        await night.switch.turn_off(CHANNEL, "UBOSS")
        incident = await night.triage()
        told = await night.asked("what moved to 03:00 last week?")
        written = await night.thinking.scribe.lesson(incident)
    assert model.requests == []
    assert (incident.phase, sorted(night.looked), written) == (Phase.AWAITING, sorted(REPORTS), ())
    notes = [recorded.event.text for recorded in incident.history if isinstance(recorded.event, Noted)]
    assert [note for note in notes if "model" in note] == []
    assert "“the batch of payments moved to 03:00 last week”" in told
    assert "model" not in told


async def test_a_branch_that_was_left_to_a_model_goes_the_way_that_is_drawn_for_none(redis_url: str) -> None:
    async with speaking(Helpful()) as model, night_as(Asked, redis_url, model) as night:
        await night.switch.turn_off(CHANNEL, "UBOSS")
        incident = await night.triage(WITH_A_JUDGE)
    assert (incident.phase, model.requests) == (Phase.HANDED_OVER, [])


async def test_another_channel_and_the_same_one_turned_on_again_are_asked(redis_url: str) -> None:
    async with speaking(Helpful()) as model, night_as(Asked, redis_url, model) as night:
        await night.switch.turn_off("C0ELSE", "UBOSS")
        assert not await night.switch.is_off(CHANNEL)
        await night.switch.turn_off(CHANNEL, "UBOSS")
        await night.switch.turn_on(CHANNEL)
        await night.triage()
    assert model.requests


async def test_who_asks_is_told_what_today_has_taken_and_approvers_turn_it_off_and_on(
    redis: Redis, scripted_model: ScriptedModel
) -> None:
    scripted_model.script = lambda _: Says("Hello.", usage=(700, 60))
    settings = scripted_model.settings(prices={"scripted": {"prompt": 1, "completion": 4}})
    async with model_of(settings, redis, lambda: NOW) as door:
        assert door
        for channel in (CHANNEL, "C0ELSE"):
            await door.ask(SHORT, Spender(incident="i", channel=channel))
        switching = Switching(Switch(redis), door, settings, approver)
        told = await said(switching, "model", user="UANN")
        assert "scripted is asked" in told
        assert "760 tokens, 0.001 USD (of 500,000) here" in told
        assert "1,520 tokens, 0.002 USD (of 2,000,000) in all channels" in told
        assert "Only approvers" in await said(switching, "model off", user="UANN")
        assert "is asked" in await said(switching, "model?", user="UANN")
        assert "`/nightdesk model on`" in await said(switching, "model off")
        assert "No model is asked" in await said(switching, "model", user="UANN")
        assert "is asked. Today" in await said(switching, "model", channel="C0ELSE")
        assert "scripted is asked" in await said(switching, "Model ON.")


async def test_where_the_settings_turn_it_off_no_command_turns_it_on(
    redis: Redis, scripted_model: ScriptedModel
) -> None:
    settings = scripted_model.settings(off_in=[CHANNEL])
    async with model_of(settings, redis, lambda: NOW) as door:
        switching = Switching(Switch(redis, settings.off_in), door, settings, approver)
        assert "NIGHTDESK_MODEL__OFF_IN" in await said(switching, "model on")
        assert await switching.switch.is_off(CHANNEL)


async def test_without_a_model_it_says_so_and_other_words_are_not_for_it(redis: Redis) -> None:
    switching = Switching(Switch(redis), None, ModelSettings(), approver)
    assert await said(switching, "model off") == NONE
    assert await switching.command(Command(channel=CHANNEL, user="UBOSS", text="model of the printer?")) is None


async def test_a_wish_that_is_none_is_explained(redis: Redis, scripted_model: ScriptedModel) -> None:
    async with model_of(scripted_model.settings(), redis, lambda: NOW) as door:
        switching = Switching(Switch(redis), door, scripted_model.settings(), approver)
        assert await said(switching, "model maybe") == USAGE

"""The bot with a model behind a real socket: words, answers, what they cost, and the model going away."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping

import httpx
import pytest

from bot.demo.workspace import MINA
from tests.characters import Helpful, heard
from tests.e2e.scene import WITHIN_S, Scene
from tests.servers.model import Fails, Json, Says, ScriptedModel, served
from tests.servers.nightdesk import CHANNEL
from tests.servers.postgres import Queue

pytestmark = pytest.mark.asyncio(loop_scope="module")


def helps(body: Json) -> Says:
    """What a model that helps answers."""
    reply = Helpful()(heard(body))
    return Says(reply.text, reply.calls)


@pytest.fixture(scope="module")
def model() -> Iterator[ScriptedModel]:
    """A model that helps, until a test says otherwise."""
    with served(ScriptedModel(helps)) as scripted:
        yield scripted


@pytest.fixture(scope="module")
def second() -> Iterator[ScriptedModel]:
    """The one that is asked where the first does not answer: down, until a test says otherwise."""
    with served(ScriptedModel(lambda _: Fails(400, "down"))) as scripted:
        yield scripted


@pytest.fixture(scope="module")
def more_settings(model: ScriptedModel, second: ScriptedModel) -> Mapping[str, str]:
    """The bot's models."""
    return {
        "NIGHTDESK_MODEL__URL": model.url,
        "NIGHTDESK_MODEL__NAME": "scripted",
        "NIGHTDESK_MODEL__PRICES": json.dumps({"scripted": {"prompt": 10, "completion": 50}}),
        "NIGHTDESK_MODEL__FALLBACK__URL": second.url,
        "NIGHTDESK_MODEL__FALLBACK__NAME": "second",
    }


async def test_the_causes_are_put_into_words_beside_the_proposal_and_the_card_says_what_that_cost(
    scene: Scene, lock: Queue
) -> None:
    card = await scene.card(await scene.alert("words"))
    thread = await scene.told(card, "In words")
    assert "Worded by a model" in thread
    assert "Proposed action" in thread.partition("In words")[0], "nothing waits for the words"

    def priced() -> bool:
        return any("tokens" in json.dumps(shown) for shown in scene.cards() if shown["ts"] == card)

    await scene.workspace.wait_for(priced, within_s=WITHIN_S, what="the cost on the card")
    scene.workspace.open_home(MINA.id)
    home = "the cost in the home tab"
    await scene.workspace.wait_for(
        lambda: "model: " in str(scene.workspace.homes(MINA.id)), within_s=WITHIN_S, what=home
    )


async def test_what_it_has_taken_is_measured_by_role(scene: Scene) -> None:
    async with httpx.AsyncClient(timeout=WITHIN_S, trust_env=False) as client:
        metrics = (await client.get(f"{scene.bot.url}/metrics")).text
    assert re.search(r'^nightdesk_model_calls_total{outcome="answered",role="word"} [1-9]', metrics, re.MULTILINE)
    assert re.search(r'^nightdesk_model_tokens_total{kind="prompt",role="word"} [1-9]', metrics, re.MULTILINE)
    assert re.search(r'^nightdesk_model_money_total{role="word"} (?!0\.0$)', metrics, re.MULTILINE)


async def test_a_question_in_its_thread_is_answered_from_its_evidence(scene: Scene) -> None:
    card = next(shown["ts"] for shown in scene.cards())
    me = scene.workspace.team.app.user_id
    await scene.workspace.say(MINA.id, CHANNEL, f"<@{me}> what do we know?", thread=card)

    def answered() -> bool:
        return any("held against them" in str(message.get("blocks")) for message in scene.replies(card)[-1:])

    await scene.workspace.wait_for(answered, within_s=WITHIN_S, what="an answer with its sources")


async def test_who_asks_is_told_what_that_takes_and_an_approver_turns_it_off_for_the_channel(
    scene: Scene, model: ScriptedModel
) -> None:
    async def command(words: str) -> str:
        return str((await scene.workspace.command(MINA.id, CHANNEL, "/nightdesk", words)).json["text"])

    assert "scripted, second is asked. Today" in await command("model")
    assert "No model is asked for this channel." in await command("model off")
    asked, card = len(model.asked), next(shown["ts"] for shown in scene.cards())
    me = scene.workspace.team.app.user_id
    await scene.workspace.say(MINA.id, CHANNEL, f"<@{me}> who knows about zebras?", thread=card)
    await scene.told(card, "Nothing here remembers")
    assert len(model.asked) == asked
    assert "scripted, second is asked. Today" in await command("model on")


async def test_a_stream_that_breaks_in_the_middle_is_answered_by_the_second_model_as_a_whole(
    scene: Scene, model: ScriptedModel, second: ScriptedModel
) -> None:
    card = next(shown["ts"] for shown in scene.cards())
    me, before = scene.workspace.team.app.user_id, len(second.asked)
    model.script = lambda body: (
        Says(helps(body).text or '{"claims": [', cut_after=3) if body.get("stream") else helps(body)
    )
    second.script = lambda _: Says('{"claims": [], "missing": ["what the second model would like to see"]}')
    await scene.workspace.say(MINA.id, CHANNEL, f"<@{me}> what else do we know?", thread=card)
    await scene.told(card, "what the second model would like to see")
    assert len(second.asked) > before
    model.script, second.script = helps, lambda _: Fails(400, "down")


async def test_without_its_model_the_triage_is_what_it_was_and_the_thread_says_so_once(
    scene: Scene, lock: Queue, model: ScriptedModel
) -> None:
    model.script = lambda _: Fails(401, "the key has expired")
    card = await scene.card(await scene.alert("gone", summary="It fails again, without a model"))
    await scene.told(card, "Proposed action")
    thread = await scene.told(card, "Everything else goes on without it.")
    assert thread.count("Everything else goes on without it.") == 1

"""What people ask the bot in the channel, and what it has kept of what they said there."""

from __future__ import annotations

import pytest

from bot.demo.workspace import AIKO, MINA, TOM
from tests.e2e.scene import WITHIN_S, Scene
from tests.servers.nightdesk import CHANNEL
from tests.servers.postgres import Queue

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_it_says_what_it_can_do(scene: Scene) -> None:
    answer = await scene.asked("help")
    assert "Nothing is changed before a person has approved exactly that change." in answer
    assert "/nightdesk status" in answer


async def test_it_says_what_is_open_to_the_channel_and_to_one_person(scene: Scene) -> None:
    headline = "Payments fail at every third shop"
    incident = await scene.alert("status", summary=headline)
    await scene.card(incident)
    assert headline in await scene.asked("status")

    said = len(scene.workspace.messages(CHANNEL))
    answer = await scene.workspace.command(AIKO.id, CHANNEL, "/nightdesk", "status")
    assert answer.json["response_type"] == "ephemeral"
    assert headline in answer.json["text"]
    assert headline in await scene.whisper(AIKO.id, headline)
    assert len(scene.workspace.messages(CHANNEL)) == said

    await scene.recorded(incident, "handed_over")
    assert await scene.resolve("status") == "resolved"
    assert headline not in await scene.asked("status")


async def test_the_brief_follows_what_was_said_edited_and_deleted(scene: Scene) -> None:
    await scene.workspace.say(AIKO.id, CHANNEL, "The reporting job moves to 03:00 tonight")
    wrong = await scene.workspace.say(TOM.id, CHANNEL, "The wallet limit is 900 EUR now")
    secret = await scene.workspace.say(TOM.id, CHANNEL, "The password of the staging database is hunter2")
    brief = await scene.asked("brief me")
    assert "The reporting job moves to 03:00 tonight" in brief
    assert "The wallet limit is 900 EUR now" in brief
    assert f"{scene.workspace.url}/archives/{CHANNEL}/p" in brief

    await scene.workspace.edit(wrong, "The wallet limit is 400 EUR now")
    await scene.workspace.delete(secret)
    brief = await scene.asked("brief me")
    assert "The reporting job moves to 03:00 tonight" in brief
    assert "The wallet limit is 400 EUR now" in brief
    assert "900 EUR" not in brief
    assert "staging database" not in brief


async def test_a_question_about_a_service_opens_a_triage_and_the_same_again_opens_no_second_one(
    scene: Scene, lock: Queue
) -> None:
    before = {card["ts"] for card in scene.cards()}
    assert "Looking into payments" in await scene.asked("why is payments slow?")
    [card] = await scene.workspace.wait_for(
        lambda: [card for card in scene.cards() if card["ts"] not in before], within_s=WITHIN_S, what="a card"
    )
    thread = await scene.told(card["ts"], "Proposed action")
    assert "why is payments slow?" in thread
    assert f"Session {lock.pid} (batch-job) blocks 4 sessions" in thread

    again = await scene.asked("why is payments so slow?")
    assert "why is payments slow?" in again
    assert "Approval needed" in again
    assert len(scene.cards()) == len(before) + 1


async def test_a_pinned_message_is_a_lesson_and_is_marked_as_one(scene: Scene) -> None:
    me = scene.workspace.team.app.user_id
    pinned = await scene.workspace.say(AIKO.id, CHANNEL, "Never fail payments-db over during the nightly export")
    await scene.workspace.settle()
    await scene.workspace.react(MINA.id, pinned, "pushpin")

    def marked() -> bool:
        return any(one["name"] == "brain" and one["users"] == [me] for one in scene.replies(pinned)[0]["reactions"])

    await scene.workspace.wait_for(marked, within_s=WITHIN_S, what="the mark of a lesson")
    answer = await scene.asked("what did Aiko say about a fail over of payments-db?")
    assert answer.count("Never fail payments-db over during the nightly export") == 1
    assert "Taught" in answer


async def test_what_was_asked_is_no_answer(scene: Scene) -> None:
    await scene.asked("who has the zeppelin?")
    assert "Nothing here remembers that yet" in await scene.asked("where did we park the zeppelin?")


async def test_another_question_is_answered_with_what_was_said_about_it(scene: Scene) -> None:
    await scene.workspace.say(AIKO.id, CHANNEL, "The certificate of the card gateway runs out on 3 March")
    answer = await scene.asked("when does the gateway certificate run out?")
    assert "The certificate of the card gateway runs out on 3 March" in answer
    assert "aiko" in answer

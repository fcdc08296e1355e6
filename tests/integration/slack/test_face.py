from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from redis.asyncio import Redis
from slack_sdk.errors import SlackApiError
from structlog.testing import capture_logs

from bot.demo.workspace import RAJ, Trouble, Workspace
from bot.errors import SlackRefused
from bot.models import Answered, Chart, Event, Found, Incident
from bot.slack.client import Slack
from bot.slack.desk import Mention
from bot.slack.face import Face
from bot.slack.ledger import Ledger, Mark
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.slack.views import talk
from tests.unit.slack import stories

CHANNEL = "C0PAYMENTS"
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 64


async def picture(key: str) -> Chart | None:
    return Chart(title="Errors", alt="Errors rise at 03:00", png=PNG) if key == "chart-1" else None


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def face(slack: Slack, ledger: Ledger, stopping: asyncio.Event) -> Face:
    return Face(slack, Outbox(slack, ledger), ledger, People(slack), picture, stopping)


def thread(workspace: Workspace) -> list[dict[str, Any]]:
    card = next(message for message in workspace.messages(CHANNEL) if message.get("metadata"))
    return workspace.thread(CHANNEL, card["ts"])


def buttons(messages: list[dict[str, Any]]) -> list[str]:
    return [
        element["action_id"]
        for message in messages
        for block in message.get("blocks", ())
        if block["type"] == "actions"
        for element in block["elements"]
        if element["type"] == "button"
    ]


async def test_an_incident_becomes_one_card_and_a_thread(workspace: Workspace, face: Face) -> None:
    await face.show(stories.incident(stories.until_proposed()), CHANNEL)

    shown = thread(workspace)
    assert len([m for m in workspace.messages(CHANNEL) if m.get("metadata")]) == 1
    assert shown[0]["text"] == "SEV2 payments: 5xx of payments at 12 %. Approval needed."
    assert [message["metadata"]["event_payload"]["event"] for message in shown] == [
        "card", "1002-0", "1003-0", "1004-0", "1005-0",
    ]  # fmt: skip
    assert buttons(shown) == ["nightdesk_approve", "nightdesk_reject"]


async def test_showing_again_changes_nothing(workspace: Workspace, face: Face) -> None:
    incident = stories.incident(stories.until_proposed())
    await face.show(incident, CHANNEL)
    before = json.dumps(thread(workspace))

    await face.show(incident, CHANNEL)

    assert json.dumps(thread(workspace)) == before


async def test_where_the_process_ends_the_next_showing_goes_on(
    workspace: Workspace, face: Face, stopping: asyncio.Event
) -> None:
    incident = stories.incident(stories.until_proposed())
    stopping.set()
    await face.show(incident, CHANNEL)
    assert [message["metadata"]["event_payload"]["event"] for message in thread(workspace)] == ["card"]

    stopping.clear()
    await face.show(incident, CHANNEL)

    assert len(thread(workspace)) == 5


async def test_after_the_decision_the_buttons_are_gone_and_who_and_when_stay(workspace: Workspace, face: Face) -> None:
    await face.show(stories.incident(stories.until_proposed()), CHANNEL)

    await face.show(stories.incident(stories.until_resolved()), CHANNEL)

    shown = thread(workspace)
    assert buttons(shown) == []
    offered = next(m for m in shown if m.get("metadata", {}).get("event_payload", {}).get("event") == "1005-0")
    assert "Approved by <@U0MINA>" in json.dumps(offered["blocks"])
    assert shown[0]["text"].endswith("Resolved.")


async def test_what_a_second_look_replaces_leaves_the_thread_and_the_rest_of_its_message_stays(
    workspace: Workspace, face: Face
) -> None:
    begun = stories.until_proposed()[:1]
    first = [*begun, stories.looked("changes", score=0.0), stories.looked("metrics", score=0.7)]
    await face.show(stories.incident(first), CHANNEL)
    assert "Looked, and normal: changes said so" in json.dumps(thread(workspace)[-1]["blocks"])

    answer = stories.looked("changes", score=0.5, asked_by="metrics")
    await face.show(stories.incident([*first, answer]), CHANNEL)

    told, asked = thread(workspace)[-2:]
    assert "Looked, and normal" not in json.dumps(told["blocks"])
    assert "*Changes*: it looked again, see below." in json.dumps(told["blocks"])
    assert "metrics said so" in json.dumps(told["blocks"])
    assert "changes said so" in json.dumps(asked["blocks"])


async def test_a_question_has_a_button_for_each_answer_until_somebody_has_answered(
    workspace: Workspace, face: Face
) -> None:
    await face.show(stories.incident(stories.until_asked()), CHANNEL)
    shown = thread(workspace)
    assert buttons(shown) == ["nightdesk_answer_0", "nightdesk_answer_1"]
    assert "&lt;b&gt;deploy" in json.dumps(shown[-1]["blocks"])
    assert "Waiting for an answer in the thread" in json.dumps(shown[0]["blocks"])

    answered = Answered(at=stories.at(3), actor=stories.MINA, question_id="NDK4.q1", answer="no")
    await face.show(stories.incident([*stories.until_asked(), answered]), CHANNEL)
    shown = thread(workspace)
    assert buttons(shown) == []
    assert "<@U0MINA> answered *no*" in json.dumps(shown[-2]["blocks"])
    assert shown[-1]["text"].startswith("<@U0MINA> answered “Did you")


async def test_an_older_state_does_not_undo_a_newer_card(workspace: Workspace, face: Face) -> None:
    await face.show(stories.incident(stories.until_rejected()), CHANNEL)

    await face.show(stories.incident(stories.until_proposed()), CHANNEL)

    assert thread(workspace)[0]["text"].endswith("Investigating.")
    assert buttons(thread(workspace)) == []


async def test_quotes_name_people_and_call_nobody(workspace: Workspace, face: Face) -> None:
    await face.show(stories.incident(stories.until_proposed()[:2]), CHANNEL)

    brief = json.dumps(thread(workspace)[1]["blocks"], ensure_ascii=False)
    assert "mina" in brief
    assert "<!channel>" not in brief
    assert "<@U0MINA>" not in brief


async def test_a_post_whose_answer_was_lost_is_not_sent_again(workspace: Workspace, face: Face) -> None:
    incident = stories.incident(stories.until_proposed()[:3])
    workspace.faults.next("chat.postMessage", Trouble.LOST_ANSWER)

    with pytest.raises(SlackRefused):
        await face.show(incident, CHANNEL)
    await face.show(incident, CHANNEL)

    assert len([m for m in workspace.messages(CHANNEL) if m.get("metadata")]) == 1
    assert len(thread(workspace)) == 3


async def test_a_crash_between_post_and_note_posts_no_second_message(
    workspace: Workspace, face: Face, redis: Redis
) -> None:
    incident = stories.incident(stories.until_proposed())
    await face.show(incident, CHANNEL)
    await redis.hdel("slack:{NDK4}", "ts:card", "ts:1003-0", "ts:1005-0", "cursor")

    await face.show(incident, CHANNEL)

    assert len(thread(workspace)) == 5
    assert len([m for m in workspace.messages(CHANNEL) if m.get("metadata")]) == 1


async def test_a_message_that_was_found_again_is_brought_up_to_date(workspace: Workspace, face: Face) -> None:
    workspace.faults.next("chat.postMessage", Trouble.LOST_ANSWER)
    with pytest.raises(SlackRefused):
        await face.show(stories.incident(stories.until_proposed()[:1]), CHANNEL)

    await face.show(stories.incident(stories.until_proposed()), CHANNEL)

    assert thread(workspace)[0]["text"].endswith("Approval needed.")


@pytest.mark.parametrize("trouble", [Trouble.LOST_REQUEST, Trouble.UNAVAILABLE, Trouble.BROKEN])
async def test_a_post_that_never_arrived_is_sent_by_the_next_try(
    workspace: Workspace, face: Face, trouble: Trouble
) -> None:
    incident = stories.incident(stories.until_proposed()[:1])
    workspace.faults.next("chat.postMessage", trouble)

    with pytest.raises(SlackRefused):
        await face.show(incident, CHANNEL)
    await face.show(incident, CHANNEL)

    assert len(thread(workspace)) == 1


async def test_a_rate_limit_is_waited_for(workspace: Workspace, face: Face) -> None:
    workspace.faults.next("chat.postMessage", Trouble.RATE_LIMITED, retry_after_s=1)

    await face.show(stories.incident(stories.until_proposed()[:1]), CHANNEL)

    assert len(thread(workspace)) == 1


async def test_a_storm_of_alerts_is_one_message(workspace: Workspace, face: Face) -> None:
    storm: list[Event] = [stories.until_proposed()[0], *(stories.joined(number) for number in range(2, 300))]

    await face.show(stories.incident(storm), CHANNEL)

    assert len(thread(workspace)) == 2
    assert "298 alerts joined" in thread(workspace)[1]["text"]


async def test_what_comes_while_a_message_waits_is_told_with_it(workspace: Workspace, face: Face) -> None:
    opened = stories.until_proposed()[0]
    first = stories.incident([opened, stories.joined(2)])

    async def newer() -> Incident:
        return stories.incident([opened, *(stories.joined(number) for number in range(2, 5))])

    await face.show(first, CHANNEL, newer=newer)

    assert [message["text"].split(" joined")[0] for message in thread(workspace)[1:]] == ["3 alerts"]


async def test_a_message_that_was_half_told_covers_what_it_covered_before(
    workspace: Workspace, face: Face, redis: Redis
) -> None:
    opened = stories.until_proposed()[0]
    await face.show(stories.incident([opened, stories.joined(2)]), CHANNEL)
    await redis.hdel("slack:{NDK4}", "cursor")

    await face.show(stories.incident([opened, stories.joined(2), stories.joined(3), stories.joined(4)]), CHANNEL)

    texts = [message["text"] for message in thread(workspace)[1:]]
    assert [text.split(" joined")[0] for text in texts] == ["Another alert", "2 alerts"]


async def test_pictures_hang_in_the_thread_once(workspace: Workspace, face: Face, redis: Redis) -> None:
    found = Found(at=stories.at(1), agent="metrics", findings=(), charts=("chart-1", "lost"))
    incident = stories.incident([stories.until_proposed()[0], found])
    await face.show(incident, CHANNEL)
    await redis.hdel("slack:{NDK4}", "ts:1002-0:chart-1", "cursor")

    await face.show(incident, CHANNEL)

    files = [file for message in thread(workspace) for file in message.get("files", ())]
    assert [file["alt_txt"] for file in files] == ["Errors rise at 03:00"]


async def test_a_card_that_a_person_deleted_does_not_stop_the_thread(workspace: Workspace, face: Face) -> None:
    await face.show(stories.incident(stories.until_proposed()), CHANNEL)
    proposal_ts = thread(workspace)[4]["ts"]
    await workspace.delete(proposal_ts)

    await face.show(stories.incident(stories.until_rejected()), CHANNEL)

    assert "rejected" in thread(workspace)[-1]["text"]


async def test_a_resolution_is_told_to_the_whole_channel(workspace: Workspace, face: Face) -> None:
    await face.show(stories.incident(stories.until_resolved()), CHANNEL)

    assert [m["text"][:8] for m in workspace.messages(CHANNEL) if m.get("subtype") == "thread_broadcast"] == [
        "Resolved"
    ]


async def test_an_answer_is_given_once_and_a_word_to_one_person_is_seen_by_nobody_else(
    workspace: Workspace, face: Face
) -> None:
    ts = await workspace.say(stories.MINA, CHANNEL, "<@U0NIGHTDESK> help")
    mention = Mention(event_id="Ev1", channel=CHANNEL, thread=ts, ts=ts, user=stories.MINA, text="help")

    await face.eyes(mention)
    await face.eyes(mention)
    first = await face.answer(mention, talk.said(talk.help_text()))
    assert await face.answer(mention, talk.said(talk.help_text())) == first
    await face.tell(RAJ.id, CHANNEL, "You may not decide this one.")

    assert len(workspace.thread(CHANNEL, ts)) == 2
    assert workspace.thread(CHANNEL, ts)[0]["reactions"][0]["name"] == "eyes"
    assert [whisper["text"] for whisper in workspace.ephemerals(RAJ.id)] == ["You may not decide this one."]
    assert await face.message_text(CHANNEL, first) == talk.help_text()
    assert (await face.permalink(CHANNEL, first)).endswith(f"/archives/{CHANNEL}/p{first.replace('.', '')}")


async def test_a_reaction_that_slack_refuses_holds_up_nothing_and_is_logged(workspace: Workspace, face: Face) -> None:
    ts = await workspace.say(stories.MINA, CHANNEL, "Never fail over at night")
    await workspace.delete(ts)
    elsewhere = Mention(event_id="Ev1", channel="C0NOWHERE", thread=ts, ts=ts, user=stories.MINA, text="help")
    with capture_logs() as logs:
        await face.kept(CHANNEL, ts)
        await face.kept("C0NOWHERE", ts)
        await face.eyes(elsewhere)
    said = [(line["channel"], line["name"]) for line in logs if line["event"] == "slack.not_reacted"]
    assert said == [("C0NOWHERE", "brain"), ("C0NOWHERE", "eyes")]
    assert "channel_not_found" in logs[0]["reason"]


async def test_a_word_to_one_person_that_slack_refuses_is_logged_and_what_it_tells_of_is_not_done_again(
    workspace: Workspace, face: Face
) -> None:
    workspace.faults.next("chat.postEphemeral", Trouble.BROKEN)
    with capture_logs() as logs:
        await face.tell(RAJ.id, CHANNEL, "You may not decide this one.")
        await face.tell(RAJ.id, "C0NOWHERE", "You may not decide that one.")
    said = [(line["channel"], line["text"]) for line in logs if line["event"] == "slack.not_told"]
    assert said == [(CHANNEL, "You may not decide this one."), ("C0NOWHERE", "You may not decide that one.")]


async def test_a_message_that_is_gone_has_no_words(workspace: Workspace, face: Face) -> None:
    ts = await workspace.say(stories.MINA, CHANNEL, "Never fail over at night")
    assert await face.message_text(CHANNEL, ts) == "Never fail over at night"
    await workspace.delete(ts)
    assert await face.message_text(CHANNEL, ts) is None
    with pytest.raises(SlackRefused, match="channel_not_found"):
        await face.message_text("C0NOWHERE", ts)


async def test_an_answer_grows_in_its_one_message(workspace: Workspace, face: Face) -> None:
    ts = await workspace.say(stories.MINA, CHANNEL, "<@U0NIGHTDESK> why?")
    mention = Mention(event_id="Ev2", channel=CHANNEL, thread=ts, ts=ts, user=stories.MINA, text="why?")
    for words in ("A session", "A session holds a lock.", "A session holds a lock."):
        await face.answer(mention, talk.answer(words))
    asked, answered = workspace.thread(CHANNEL, ts)
    assert (asked["ts"], answered["text"]) == (ts, "A session holds a lock.")


async def test_a_file_is_put_into_the_thread_of_its_incident_once(workspace: Workspace, face: Face) -> None:
    incident = stories.incident(stories.until_proposed())
    await face.attach(incident.id, CHANNEL, "postmortem.md", "# x\n", "A draft.")
    await face.show(incident, CHANNEL)
    for _ in range(2):
        await face.attach(incident.id, CHANNEL, "postmortem.md", "# x\n", "A draft.")
    files = [file["name"] for message in thread(workspace) for file in message.get("files", ())]
    assert files == ["postmortem.md"], "before there is a card there is no thread for it"


async def test_a_refusal_says_what_to_do(workspace: Workspace, slack: Slack, ledger: Ledger) -> None:
    workspace.team.channel(CHANNEL).members.clear()

    with pytest.raises(SlackRefused, match="invite the bot") as refused:
        await Outbox(slack, ledger).post(Mark("NDK4", "card"), CHANNEL, talk.said("hello"))

    assert isinstance(refused.value.__cause__, SlackApiError)


async def test_everything_that_the_face_notes_is_forgotten_one_day(
    workspace: Workspace, face: Face, redis: Redis
) -> None:
    await face.show(stories.incident(stories.until_proposed()), CHANNEL)

    assert [key async for key in redis.scan_iter("slack:*") if await redis.ttl(key) == -1] == []

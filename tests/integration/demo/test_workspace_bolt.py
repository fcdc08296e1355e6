"""What people do reaches a real Bolt app, which verifies the signature itself."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.workspace import Workspace, sign

CHANNEL = "C0PAYMENTS"
MODAL = {
    "type": "modal",
    "callback_id": "reject",
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Reject"},
    "blocks": [
        {
            "type": "input",
            "block_id": "why",
            "label": {"type": "plain_text", "text": "Why?"},
            "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True},
        }
    ],
}
CARD = [
    {
        "type": "actions",
        "elements": [
            {"type": "button", "action_id": "reject", "value": "p-1", "text": {"type": "plain_text", "text": "Reject"}}
        ],
    }
]


async def card(client: AsyncWebClient) -> str:
    posted = await client.chat_postMessage(channel=CHANNEL, text="Approve?", blocks=CARD)
    return str(posted["ts"])


async def test_messages_and_mentions_arrive_signed(bolt: AsyncApp, workspace: Workspace) -> None:
    heard: list[tuple[str, str]] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append((event.get("subtype", "message"), event.get("text", "")))

    @bolt.event("app_mention")
    async def mention(event: dict[str, Any]) -> None:
        heard.append(("app_mention", event["text"]))

    ts = await workspace.say("U0MINA", CHANNEL, "<@U0NIGHTDESK> why is checkout slow?")
    await workspace.edit(ts, "never mind")
    await workspace.delete(ts)
    await workspace.wait_for(lambda: len(heard) == 4)
    assert sorted(heard) == [
        ("app_mention", "<@U0NIGHTDESK> why is checkout slow?"),
        ("message", "<@U0NIGHTDESK> why is checkout slow?"),
        ("message_changed", ""),
        ("message_deleted", ""),
    ]


async def test_alerts_of_integrations_come_through_and_own_messages_do_not(
    bolt: AsyncApp, slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    heard: list[str] = []

    @bolt.event("message")
    async def message(event: dict[str, Any]) -> None:
        heard.append(event["text"])

    await slack_client.chat_postMessage(channel=CHANNEL, text="my own words")
    await workspace.announce("Alertmanager", CHANNEL, "[FIRING] PaymentErrors")
    await workspace.wait_for(lambda: heard)
    await workspace.settle()
    assert heard == ["[FIRING] PaymentErrors"]


async def test_a_reaction_and_a_new_member_are_told(bolt: AsyncApp, workspace: Workspace) -> None:
    heard: list[tuple[str, str]] = []

    @bolt.event("reaction_added")
    async def reacted(event: dict[str, Any]) -> None:
        heard.append((event["reaction"], event["item"]["ts"]))

    @bolt.event("member_joined_channel")
    async def joined(event: dict[str, Any]) -> None:
        heard.append((event["user"], event["channel"]))

    workspace.team.channels[CHANNEL].members.discard("U0RAJ")
    ts = await workspace.say("U0MINA", CHANNEL, "look")
    await workspace.react("U0TOM", ts, "eyes")
    workspace.join("U0RAJ", CHANNEL)
    await workspace.wait_for(lambda: len(heard) == 2)
    assert set(heard) == {("eyes", ts), ("U0RAJ", CHANNEL)}


async def test_an_event_without_acknowledgement_is_sent_three_more_times(bolt: AsyncApp, workspace: Workspace) -> None:
    tries: list[tuple[str | None, str]] = []

    @bolt.middleware
    async def refuse(req: Any, resp: Any, next_: Any) -> Any:
        tries.append((req.headers.get("x-slack-retry-num", [None])[0], req.body["event_id"]))
        resp.status = 500
        return resp

    await workspace.say("U0MINA", CHANNEL, "anyone?")
    await workspace.settle()
    assert [number for number, _ in tries] == [None, "1", "2", "3"]
    assert len({event_id for _, event_id in tries}) == 1


async def test_a_button_opens_a_modal_that_wants_a_reason(
    bolt: AsyncApp, slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    reasons: list[str] = []

    @bolt.action("reject")
    async def reject(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @bolt.view("reject")
    async def rejected(ack: AsyncAck, view: dict[str, Any]) -> None:
        reason = view["state"]["values"]["why"]["reason"]["value"]
        if len(reason) < 5:
            await ack(response_action="errors", errors={"why": "Say more."})
            return
        reasons.append(reason)
        await ack()

    answer = await workspace.click("U0MINA", await card(slack_client), "reject")
    assert answer.ok
    [modal] = await workspace.wait_for(lambda: workspace.modals("U0MINA"))

    empty = await workspace.submit("U0MINA", modal["id"], {})
    assert empty.errors == {"why": "Please complete this required field."}
    short = await workspace.submit("U0MINA", modal["id"], {"reason": "no"})
    assert short.errors == workspace.modals("U0MINA")[0]["errors"] == {"why": "Say more."}
    assert (await workspace.submit("U0MINA", modal["id"], {"reason": "wrong database"})).ok
    assert (reasons, workspace.modals("U0MINA")) == (["wrong database"], [])


async def test_a_modal_can_be_replaced_by_the_answer_to_its_submission(
    bolt: AsyncApp, slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    done = {"type": "modal", "title": {"type": "plain_text", "text": "Done"}, "blocks": [{"type": "divider"}]}

    @bolt.action("reject")
    async def reject(ack: AsyncAck, body: dict[str, Any], client: AsyncWebClient) -> None:
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)
        await ack()

    @bolt.view("reject")
    async def rejected(ack: AsyncAck) -> None:
        await ack(response_action="update", view=done)

    await workspace.click("U0MINA", await card(slack_client), "reject")
    [modal] = workspace.modals("U0MINA")
    await workspace.submit("U0MINA", modal["id"], {"reason": "because"})
    assert [view["title"]["text"] for view in workspace.modals("U0MINA")] == ["Done"]


async def test_a_response_url_answers_the_one_who_clicked(
    bolt: AsyncApp, slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    @bolt.action("reject")
    async def reject(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond("You may not decide this.", replace_original=False)

    await workspace.click("U0RAJ", await card(slack_client), "reject")
    [told] = await workspace.wait_for(lambda: workspace.ephemerals("U0RAJ"))
    assert told["text"] == "You may not decide this."


async def test_a_response_url_replaces_the_card_five_times_at_most(
    bolt: AsyncApp, slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    answers: list[int] = []

    @bolt.action("reject")
    async def reject(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        answers.extend([(await respond(f"{n}", replace_original=True)).status_code for n in range(6)])

    ts = await card(slack_client)
    await workspace.click("U0MINA", ts, "reject")
    await workspace.wait_for(lambda: len(answers) == 6)
    assert answers == [200, 200, 200, 200, 200, 404]
    assert workspace.thread(CHANNEL, ts)[0]["text"] == "4"


async def test_a_shortcut_a_command_and_the_home_tab_reach_the_bot(
    bolt: AsyncApp, slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    seen: list[str] = []

    @bolt.shortcut("triage_this")
    async def triage(ack: AsyncAck, shortcut: dict[str, Any]) -> None:
        await ack()
        seen.append(shortcut["message"]["text"])

    @bolt.command("/nightdesk")
    async def command(ack: AsyncAck, command: dict[str, Any]) -> None:
        await ack(f"Heard {command['text']}.")

    @bolt.event("app_home_opened")
    async def home(event: dict[str, Any], client: AsyncWebClient) -> None:
        view = {"type": "home", "blocks": [{"type": "divider"}]}
        await client.views_publish(user_id=event["user"], view=view)

    ts = await workspace.say("U0TOM", CHANNEL, "queue is growing")
    await workspace.shortcut("U0MINA", ts, "triage_this")
    await workspace.command("U0MINA", CHANNEL, "/nightdesk", "status")
    workspace.open_home("U0MINA")
    home_view = await workspace.wait_for(lambda: workspace.homes("U0MINA"))
    assert home_view["type"] == "home"
    assert seen == ["queue is growing"]
    assert [m["text"] for m in workspace.ephemerals("U0MINA")] == ["Heard status."]


async def test_a_trigger_opens_one_modal_within_three_seconds() -> None:
    moment = 1_772_420_000.0
    workspace = Workspace(clock=lambda: moment)
    async with workspace.serving():
        client = AsyncWebClient(token=workspace.token, base_url=workspace.api_url)
        once, late = workspace.views.trigger("U0MINA"), workspace.views.trigger("U0MINA")
        await client.views_open(trigger_id=once, view=MODAL)
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            await client.views_open(trigger_id=once, view=MODAL)
        moment += 4
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await client.views_open(trigger_id=late, view=MODAL)


async def test_a_forged_signature_is_refused_by_bolt(bolt: AsyncApp, workspace: Workspace) -> None:
    url = workspace.delivery.url
    assert url
    body, stamp = b"{}", str(int(workspace.team.clock()))
    headers = {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": sign("wrong", stamp, body)}
    async with aiohttp.ClientSession() as session, session.post(url, data=body, headers=headers) as response:
        assert response.status == 401


async def test_a_click_on_a_bot_that_is_gone_fails_visibly(slack_client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.connect("http://127.0.0.1:9/slack/events")
    answer = await workspace.click("U0MINA", await card(slack_client), "reject")
    assert (answer.ok, answer.failure) == (False, "connection_failed")
    await asyncio.wait_for(workspace.settle(), 10)

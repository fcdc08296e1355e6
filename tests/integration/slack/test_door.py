from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from structlog.testing import capture_logs

from bot.demo.workspace import Trouble, Workspace, sign
from bot.slack.client import Slack
from bot.slack.limits import check_view
from bot.slack.views.proposal import APPROVE, REJECT
from bot.slack.views.question import ANSWER
from bot.slack.views.thread import message, next_turn
from tests.integration.slack.clerk import Clerk
from tests.unit.slack import stories

CHANNEL = "C0PAYMENTS"
BOT = "U0NIGHTDESK"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def envelope(event: dict[str, Any], event_id: str = "Ev1") -> dict[str, Any]:
    return {
        "type": "event_callback",
        "team_id": "T0NIGHT",
        "api_app_id": "A0NIGHTDESK",
        "event_id": event_id,
        "event_time": 1,
        "authorizations": [{"team_id": "T0NIGHT", "user_id": BOT, "is_bot": True}],
        "event": event,
    }


def mention(text: str = f"<@{BOT}> what broke &amp; when?") -> dict[str, Any]:
    return envelope(
        {"type": "app_mention", "user": "U0MINA", "text": text, "ts": "1700000000.000100", "channel": CHANNEL,
         "event_ts": "1700000000.000100"},
    )  # fmt: skip


def signed(secret: str, body: bytes, *, age_s: float = 0, kind: str = "application/json") -> dict[str, str]:
    timestamp = str(int(time.time() - age_s))
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": sign(secret, timestamp, body),
    }


class Post:
    """Sends raw requests, signed or not."""

    def __init__(self, http: aiohttp.ClientSession, address: str, secret: str) -> None:
        self._http, self._address, self._secret = http, address, secret

    async def __call__(self, payload: Any, **signing: Any) -> tuple[int, Any]:
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return await self.raw(body, signed(self._secret, body, **signing))

    async def raw(self, body: Any, headers: dict[str, str]) -> tuple[int, Any]:
        async with self._http.post(self._address, data=body, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if text.startswith("{") else text


@pytest.fixture
def post(http: aiohttp.ClientSession, address: str, workspace: Workspace) -> Post:
    return Post(http, address, workspace.signing_secret)


async def offer(workspace: Workspace, slack: Slack) -> str:
    """The proposal with its buttons, posted; its `ts`."""
    incident = stories.incident(stories.until_proposed())
    shown = message(next_turn(incident.history[-1:]), incident, {})
    assert shown
    answer = await slack.telling.chat_postMessage(channel=CHANNEL, text=shown.text, blocks=list(shown.blocks))
    return str(answer["ts"])


async def test_a_mention_reaches_the_desk_as_a_person_reads_it(post: Post, clerk: Clerk, workspace: Workspace) -> None:
    assert await post(mention()) == (200, "")

    assert [heard.model_dump() for heard in clerk.mentions] == [
        {"event_id": "Ev1", "channel": CHANNEL, "thread": "1700000000.000100", "ts": "1700000000.000100",
         "user": "U0MINA", "text": "what broke & when?",
         "permalink": f"{workspace.url}/archives/{CHANNEL}/p1700000000000100"},
    ]  # fmt: skip


async def test_half_a_character_is_replaced_before_anybody_has_to_store_it(post: Post, clerk: Clerk) -> None:
    text = f"<@{BOT}> \ud83d what broke?"
    said = {"type": "message", "subtype": "bot_message", "bot_id": "B1", "text": text, "ts": "1.1", "channel": CHANNEL}
    assert await post(mention(text)) == (200, "")
    assert await post(envelope(said, "Ev2")) == (200, "")

    assert clerk.mentions[0].text == "\ufffd what broke?"
    assert json.dumps(clerk.overheard_, ensure_ascii=False).encode("utf-8")


async def test_an_event_that_cannot_be_understood_is_acknowledged_and_does_not_come_again(
    post: Post, clerk: Clerk
) -> None:
    with capture_logs() as logs:
        odd: list[dict[str, Any]] = [{"ts": None}, {"ts": "soon"}, {"channel": {"id": CHANNEL}}]
        for number, change in enumerate(odd):
            said = {"type": "message", "user": "U0MINA", "text": "hello", "ts": "1.1", "channel": CHANNEL} | change
            assert (await post(envelope(said, f"Ev{number}")))[0] == 200

    assert not clerk.calls
    assert [line["event_id"] for line in logs if line["event"] == "slack.not_understood"] == ["Ev0", "Ev1", "Ev2"]


async def test_slacks_question_for_the_address_is_answered(post: Post) -> None:
    status, body = await post({"type": "url_verification", "challenge": "c4"})
    assert (status, body) == (200, {"challenge": "c4"})


async def test_a_bad_signature_is_refused_and_nothing_is_heard(post: Post, clerk: Clerk) -> None:
    body = json.dumps(mention()).encode()
    status, answer = await post.raw(body, signed("another secret", body))

    assert (status, answer["error"]) == (401, "bad_signature")
    assert not clerk.calls


async def test_a_signature_older_than_five_minutes_is_refused(post: Post, clerk: Clerk) -> None:
    status, answer = await post(mention(), age_s=400)

    assert (status, answer["error"]) == (401, "bad_signature")
    assert not clerk.calls


@pytest.mark.parametrize(
    "headers",
    [{}, {"X-Slack-Request-Timestamp": "soon", "X-Slack-Signature": "v0=1"}, {"X-Slack-Signature": "v0=1"}],
    ids=["none", "not a number", "no timestamp"],
)
async def test_headers_that_slack_would_not_send_are_refused(post: Post, headers: dict[str, str]) -> None:
    assert (await post.raw(b"{}", headers))[0] == 401


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[" * 40_000, b"{not json"], ids=["no text", "deep", "no JSON"])
async def test_an_unsigned_body_is_not_even_parsed(post: Post, body: bytes) -> None:
    assert (await post.raw(body, {"Content-Type": "application/json"}))[0] == 401


@pytest.mark.parametrize("body", [b"{" + b'"a":[' * 9_000, b"{not json"], ids=["deep", "no JSON"])
async def test_a_signed_body_that_cannot_be_read_is_a_bad_request(post: Post, body: bytes) -> None:
    status, answer = await post(body)
    assert (status, answer["error"]) == (400, "bad_payload")


async def test_a_body_that_announces_too_much_is_refused_unread(post: Post, clerk: Clerk) -> None:
    status, answer = await post({**mention(), "padding": "x" * 60_000})

    assert (status, answer["error"]) == (413, "too_large")
    assert not clerk.calls


async def test_a_body_that_hides_its_length_is_cut_off(post: Post) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 10_000

    assert (await post.raw(endless(), {"Content-Type": "application/json"}))[0] == 413


async def test_the_same_event_twice_is_worked_on_once(post: Post, clerk: Clerk) -> None:
    assert (await post(mention()))[0] == 200
    assert (await post(mention()))[0] == 200

    assert clerk.calls["heard"] == 1


async def test_a_captured_request_that_is_replayed_does_nothing(post: Post, clerk: Clerk, workspace: Workspace) -> None:
    body = json.dumps(mention()).encode()
    headers = signed(workspace.signing_secret, body)
    for _ in range(3):
        await post.raw(body, headers)

    assert clerk.calls["heard"] == 1


async def test_what_the_desk_did_not_keep_is_not_acknowledged_and_slack_delivers_it_again(
    workspace: Workspace, address: str, clerk: Clerk
) -> None:
    clerk.failures_left = 2
    ts = await workspace.say("U0MINA", CHANNEL, "the batch holds locks")
    await workspace.settle()

    assert clerk.calls["remembered"] == 3
    assert clerk.messages[ts].text == "the batch holds locks"


async def test_an_event_that_comes_while_slack_does_not_know_us_is_not_lost(
    workspace: Workspace, address: str, clerk: Clerk
) -> None:
    workspace.faults.next("auth.test", Trouble.BROKEN, times=3)
    ts = await workspace.say("U0MINA", CHANNEL, "hello")
    await workspace.settle()

    assert ts in clerk.messages


async def test_messages_edits_and_deletions_are_followed(workspace: Workspace, address: str, clerk: Clerk) -> None:
    first = await workspace.say("U0MINA", CHANNEL, "we will fail over &lt;now&gt;, <@U0AIKO>")
    second = await workspace.say("U0AIKO", CHANNEL, "no", thread=first)
    await workspace.settle()
    assert clerk.messages[first].text == "we will fail over <now>, @U0AIKO"
    assert clerk.messages[second].thread == first
    assert clerk.messages[first].permalink == f"{workspace.url}/archives/{CHANNEL}/p{first.replace('.', '')}"

    await workspace.edit(first, "we will not fail over")
    await workspace.delete(second)
    await workspace.settle()
    assert clerk.messages[first].text == "we will not fail over"
    assert second not in clerk.messages


async def test_alerts_that_an_integration_posts_are_read(workspace: Workspace, address: str, clerk: Clerk) -> None:
    fields = [{"title": "value", "value": "12 %"}]
    ts = await workspace.announce("grafana", CHANNEL, "", attachments=[{"title": "5xx high", "fields": fields}])
    await workspace.settle()

    assert (clerk.messages[ts].user, clerk.messages[ts].text) == ("grafana", "5xx high\nvalue: 12 %")


async def test_its_own_words_are_not_heard(workspace: Workspace, address: str, slack: Slack, clerk: Clerk) -> None:
    answer = await slack.telling.chat_postMessage(channel=CHANNEL, text="I am looking.")
    await slack.telling.chat_update(channel=CHANNEL, ts=answer["ts"], text="I have looked.")
    await slack.telling.chat_delete(channel=CHANNEL, ts=answer["ts"])
    await workspace.settle()

    assert not clerk.calls


async def test_a_pushpin_teaches_and_another_reaction_does_not(
    workspace: Workspace, address: str, clerk: Clerk
) -> None:
    ts = await workspace.say("U0MINA", CHANNEL, "the batch runs at three")
    await workspace.react("U0AIKO", ts, "pushpin")
    await workspace.react("U0AIKO", ts, "eyes")
    await workspace.settle()

    assert [(lesson.message_ts, lesson.user) for lesson in clerk.lessons] == [(ts, "U0AIKO")]


async def test_the_bot_is_told_when_it_is_invited_and_not_when_others_are(
    workspace: Workspace, address: str, clerk: Clerk
) -> None:
    members = workspace.team.channel("C0DEPLOYS").members
    members.difference_update({BOT, "U0RAJ"})
    workspace.join(BOT, "C0DEPLOYS")
    workspace.join("U0RAJ", "C0DEPLOYS")
    await workspace.settle()

    assert clerk.channels == ["C0DEPLOYS"]


async def test_a_direct_message_is_a_mention(workspace: Workspace, address: str, clerk: Clerk) -> None:
    direct = workspace.team.direct("U0MINA").id
    await workspace.say("U0MINA", direct, "status")
    await workspace.settle()

    assert [heard.text for heard in clerk.mentions] == ["status"]


async def test_approving_reaches_the_desk_once_with_what_was_shown(
    workspace: Workspace, address: str, slack: Slack, clerk: Clerk
) -> None:
    ts = await offer(workspace, slack)
    assert (await workspace.click("U0MINA", ts, APPROVE)).ok

    [decision] = clerk.decisions
    assert (decision.proposal_id, decision.verdict, decision.user) == ("NDK4:p1", "approve", "U0MINA")
    assert stories.proposal().digest.startswith(decision.digest)
    assert len(decision.digest) == 16
    assert (decision.channel, decision.message_ts) == (CHANNEL, ts)


async def test_an_answer_reaches_the_desk_with_its_question_and_number(
    workspace: Workspace, address: str, slack: Slack, clerk: Clerk
) -> None:
    incident = stories.incident(stories.until_asked())
    asked = message(next_turn(incident.history[-1:]), incident, {})
    assert asked
    posted = await slack.telling.chat_postMessage(channel=CHANNEL, text=asked.text, blocks=list(asked.blocks))
    assert (await workspace.click("U0RAJ", posted["ts"], f"{ANSWER}1")).ok
    [reply] = clerk.replies
    assert (reply.question_id, reply.number, reply.user, reply.channel) == ("NDK4.q1", 1, "U0RAJ", CHANNEL)


async def test_an_approval_that_the_desk_did_not_keep_is_not_acknowledged(
    workspace: Workspace, address: str, slack: Slack, clerk: Clerk
) -> None:
    ts = await offer(workspace, slack)
    clerk.failures_left = 1

    assert (await workspace.click("U0MINA", ts, APPROVE)).status == 500
    assert clerk.decisions == []


async def test_rejecting_asks_for_a_reason_and_takes_no_empty_one(
    workspace: Workspace, address: str, slack: Slack, clerk: Clerk
) -> None:
    ts = await offer(workspace, slack)
    assert (await workspace.click("U0MINA", ts, REJECT)).ok
    [modal] = workspace.modals("U0MINA")
    assert clerk.decisions == []

    assert not (await workspace.submit("U0MINA", modal["id"], {"reason": ""})).ok
    blank = await workspace.submit("U0MINA", modal["id"], {"reason": "x"})
    assert blank.ok
    assert [(d.verdict, d.reason, d.user, d.message_ts) for d in clerk.decisions] == [("reject", "x", "U0MINA", ts)]


async def test_a_reason_of_spaces_is_shown_as_an_error_below_the_input(post: Post, clerk: Clerk) -> None:
    origin = {"proposal_id": "NDK4:p1", "digest": "a1b2", "channel": CHANNEL, "message_ts": "1700000000.000100"}
    view = {
        "type": "modal",
        "callback_id": "nightdesk_reject_reason",
        "private_metadata": json.dumps(origin),
        "state": {"values": {"reason": {"reason": {"type": "plain_text_input", "value": "  \n "}}}},
    }
    payload = {"type": "view_submission", "team": {"id": "T0NIGHT"}, "user": {"id": "U0MINA"}, "view": view}
    body = urlencode({"payload": json.dumps(payload)}).encode()

    status, answer = await post(body, kind="application/x-www-form-urlencoded")

    assert status == 200
    assert answer == {"response_action": "errors", "errors": {"reason": "Say why, in a few words."}}
    assert clerk.decisions == []


async def test_rejecting_what_is_gone_is_told_to_that_person_alone(
    workspace: Workspace, address: str, slack: Slack, clerk: Clerk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ts = await offer(workspace, slack)

    async def gone(_: str) -> None:
        return None

    monkeypatch.setattr(clerk, "proposal", gone)
    assert (await workspace.click("U0RAJ", ts, REJECT)).ok

    assert workspace.modals("U0RAJ") == []
    assert "no longer open" in workspace.ephemerals("U0RAJ")[0]["text"]


async def test_a_dialog_that_does_not_open_is_explained(
    workspace: Workspace, address: str, slack: Slack, clerk: Clerk
) -> None:
    ts = await offer(workspace, slack)
    workspace.faults.next("views.open", Trouble.BROKEN)

    assert (await workspace.click("U0MINA", ts, REJECT)).ok

    assert "Press the button again" in workspace.ephemerals("U0MINA")[0]["text"]


async def test_a_command_is_answered_to_its_user(workspace: Workspace, address: str) -> None:
    answer = await workspace.command("U0MINA", CHANNEL, "/nightdesk", "status")
    assert answer.json == {"text": "U0MINA said status", "response_type": "ephemeral"}


async def test_a_command_that_cannot_be_carried_out_says_why(workspace: Workspace, address: str) -> None:
    answer = await workspace.command("U0MINA", CHANNEL, "/nightdesk", "break")
    assert answer.json["text"] == "There is no &lt;such&gt; command."


async def test_a_message_can_be_triaged(workspace: Workspace, address: str, clerk: Clerk) -> None:
    ts = await workspace.say("U0MINA", CHANNEL, "checkout is slow &amp; odd")
    assert (await workspace.shortcut("U0AIKO", ts, "triage_this")).ok

    assert clerk.triages == [(CHANNEL, ts, "checkout is slow & odd", "U0AIKO")]


async def test_the_home_tab_lists_what_is_open(workspace: Workspace, address: str) -> None:
    workspace.open_home("U0MINA")
    await workspace.settle()

    view = workspace.homes("U0MINA")
    assert view is not None
    check_view({"type": "home", "blocks": view["blocks"]})
    shown = json.dumps(view["blocks"])
    assert "Decide in the thread" in shown
    assert "5xx of payments at 12 %" in shown


async def test_what_nobody_asked_for_is_acknowledged_so_that_it_does_not_come_again(post: Post, clerk: Clerk) -> None:
    assert (await post(envelope({"type": "emoji_changed", "subtype": "add"})))[0] == 200
    press = {
        "type": "block_actions",
        "team": {"id": "T0NIGHT"},
        "user": {"id": "U0MINA"},
        "actions": [{"type": "button", "action_id": "a_link", "block_id": "b", "url": "https://example.com"}],
    }
    body = urlencode({"payload": json.dumps(press)}).encode()
    assert (await post(body, kind="application/x-www-form-urlencoded"))[0] == 200
    assert not clerk.calls


async def test_slack_is_asked_only_once_who_we_are(workspace: Workspace, address: str, clerk: Clerk) -> None:
    await workspace.say("U0MINA", CHANNEL, "first")
    await workspace.settle()
    workspace.faults.next("auth.test", Trouble.BROKEN, times=50)

    last = await workspace.say("U0MINA", CHANNEL, "last")
    await workspace.settle()

    assert last in clerk.messages
    assert clerk.calls["remembered"] == 2

"""The Web API, spoken to by the real Slack client."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.workspace import Trouble, Workspace

CHANNEL = "C0PAYMENTS"
SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*checkout* answers 5xx"}}


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_the_bot_learns_who_it_is(slack_client: AsyncWebClient) -> None:
    me = await slack_client.auth_test()
    assert (me["user_id"], me["bot_id"], me["team_id"]) == ("U0NIGHTDESK", "B0NIGHTDESK", "T0NIGHT")


async def test_a_stranger_is_not_let_in(workspace: Workspace) -> None:
    assert await refused(AsyncWebClient(base_url=workspace.api_url).auth_test()) == "not_authed"
    assert await refused(AsyncWebClient(token="xoxb-no", base_url=workspace.api_url).auth_test()) == "invalid_auth"


async def test_a_card_is_posted_updated_in_place_and_deleted(
    slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    posted = await slack_client.chat_postMessage(channel=CHANNEL, text="SEV2 checkout", blocks=[SECTION])
    await slack_client.chat_update(channel=CHANNEL, ts=posted["ts"], text="SEV2 checkout, resolved")
    [card] = workspace.messages(CHANNEL)
    assert card["text"] == "SEV2 checkout, resolved"
    assert card["blocks"][0]["text"] == SECTION["text"], "blocks that were not given stay"
    assert card["edited"]["user"] == "U0NIGHTDESK"
    await slack_client.chat_delete(channel=CHANNEL, ts=posted["ts"])
    assert workspace.messages(CHANNEL) == []


async def test_metadata_comes_back_only_when_asked_for(slack_client: AsyncWebClient) -> None:
    mark = {"event_type": "nightdesk_post", "event_payload": {"key": "inc-1:card"}}
    await slack_client.chat_postMessage(channel=CHANNEL, text="once", metadata=mark)
    plain = await slack_client.conversations_history(channel=CHANNEL)
    full = await slack_client.conversations_history(channel=CHANNEL, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == mark


async def test_replies_stay_out_of_the_channel_unless_broadcast(
    slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    ts = await workspace.say("U0MINA", CHANNEL, "checkout is slow")
    await slack_client.chat_postMessage(channel=CHANNEL, text="looking", thread_ts=ts)
    await slack_client.chat_postMessage(channel=CHANNEL, text="resolved", thread_ts=ts, reply_broadcast=True)
    history = await slack_client.conversations_history(channel=CHANNEL)
    replies = await slack_client.conversations_replies(channel=CHANNEL, ts=ts)
    assert [m["text"] for m in history["messages"]] == ["resolved", "checkout is slow"]
    assert [m["text"] for m in replies["messages"]] == ["checkout is slow", "looking", "resolved"]
    assert history["messages"][1]["reply_count"] == 2


async def test_paging_gives_every_message_once_newest_first(slack_client: AsyncWebClient, workspace: Workspace) -> None:
    start = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    for number in range(25):
        workspace.remember("U0TOM", CHANNEL, str(number), start + timedelta(minutes=number))
    pages = [page["messages"] async for page in await slack_client.conversations_history(channel=CHANNEL, limit=10)]
    assert [len(page) for page in pages] == [10, 10, 5]
    assert [m["text"] for page in pages for m in page] == [str(n) for n in reversed(range(25))]


async def test_a_window_of_history_leaves_its_edges_out(slack_client: AsyncWebClient, workspace: Workspace) -> None:
    start = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    stamps = [workspace.remember("U0TOM", CHANNEL, str(n), start + timedelta(minutes=n)) for n in range(5)]
    window: dict[str, Any] = {"channel": CHANNEL, "oldest": stamps[1], "latest": stamps[3]}
    inner = await slack_client.conversations_history(**window)
    whole = await slack_client.conversations_history(**window, inclusive=True)
    assert [m["text"] for m in inner["messages"]] == ["2"]
    assert [m["text"] for m in whole["messages"]] == ["3", "2", "1"]


@pytest.mark.parametrize(
    ("method", "arguments", "error"),
    [
        ("chat.postMessage", {"channel": "C0NOWHERE", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", {"channel": CHANNEL}, "no_text"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "thread_ts": "1.000000"}, "message_not_found"),
        ("chat.postMessage", {"channel": CHANNEL, "text": "x", "blocks": "[{"}, "invalid_blocks_format"),
        ("chat.update", {"channel": CHANNEL, "ts": "1.000000", "text": "x"}, "message_not_found"),
        ("conversations.replies", {"channel": CHANNEL, "ts": "1.000000"}, "message_not_found"),
        ("conversations.history", {"channel": CHANNEL, "cursor": "?"}, "invalid_cursor"),
        ("users.info", {"user": "U0NOBODY"}, "user_not_found"),
        ("usergroups.users.list", {"usergroup": "S0NONE"}, "no_such_subteam"),
        ("views.open", {"trigger_id": "1", "view": {"type": "modal", "title": {"type": "plain_text", "text": "T"},
                                                    "blocks": [{"type": "divider"}]}}, "invalid_trigger_id"),
        ("chat.noSuchMethod", {}, "unknown_method"),
    ],
)  # fmt: skip
async def test_a_wrong_call_is_refused_by_its_name(
    slack_client: AsyncWebClient, method: str, arguments: dict[str, Any], error: str
) -> None:
    assert await refused(slack_client.api_call(method, json=arguments)) == error


async def test_invalid_blocks_say_what_and_where(slack_client: AsyncWebClient) -> None:
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]
    with pytest.raises(SlackApiError) as caught:
        await slack_client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)
    assert caught.value.response["errors"] == ["must be less than 3001 characters [json-pointer:/blocks/0/text/text]"]


async def test_the_bot_cannot_change_what_a_person_wrote(slack_client: AsyncWebClient, workspace: Workspace) -> None:
    ts = await workspace.say("U0MINA", CHANNEL, "mine")
    assert await refused(slack_client.chat_update(channel=CHANNEL, ts=ts, text="x")) == "cant_update_message"
    assert await refused(slack_client.chat_delete(channel=CHANNEL, ts=ts)) == "cant_delete_message"


async def test_only_the_addressee_sees_an_ephemeral_message(slack_client: AsyncWebClient, workspace: Workspace) -> None:
    await slack_client.chat_postEphemeral(channel=CHANNEL, user="U0RAJ", text="You may not approve this.")
    assert [m["text"] for m in workspace.ephemerals("U0RAJ")] == ["You may not approve this."]
    assert workspace.ephemerals("U0MINA") == workspace.messages(CHANNEL) == []


async def test_reactions_are_added_once_and_taken_back(slack_client: AsyncWebClient, workspace: Workspace) -> None:
    ts = await workspace.say("U0MINA", CHANNEL, "look")
    where = {"channel": CHANNEL, "timestamp": ts, "name": "eyes"}
    await slack_client.reactions_add(**where)
    assert await refused(slack_client.reactions_add(**where)) == "already_reacted"
    seen = await slack_client.reactions_get(channel=CHANNEL, timestamp=ts)
    assert seen["message"]["reactions"] == [{"name": "eyes", "users": ["U0NIGHTDESK"], "count": 1}]
    await slack_client.reactions_remove(**where)
    assert await refused(slack_client.reactions_remove(**where)) == "no_reaction"


async def test_the_group_on_call_is_listed(slack_client: AsyncWebClient) -> None:
    groups = await slack_client.usergroups_list()
    users = await slack_client.usergroups_users_list(usergroup=groups["usergroups"][0]["id"])
    assert users["users"] == ["U0MINA", "U0AIKO"]


async def test_an_upload_in_three_steps_is_shown_in_the_thread(
    slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    ts = await workspace.say("U0MINA", CHANNEL, "charts?")
    await slack_client.files_upload_v2(
        channel=CHANNEL, thread_ts=ts, filename="p99.log", content="lock wait", initial_comment="The log"
    )
    [_, reply] = workspace.thread(CHANNEL, ts)
    assert (reply["text"], reply["files"][0]["name"], reply["subtype"]) == ("The log", "p99.log", "file_share")


async def test_the_bot_reads_one_page_a_minute_where_slack_limits_it() -> None:
    moment = 1_772_420_000.0
    workspace = Workspace(history_quota=True, clock=lambda: moment)
    for number in range(20):
        workspace.remember("U0TOM", CHANNEL, str(number), datetime.fromtimestamp(moment - 100 + number, UTC))
    async with workspace.serving():
        client = AsyncWebClient(token=workspace.token, base_url=workspace.api_url)
        first = await client.conversations_history(channel=CHANNEL, limit=200)
        assert len(first["messages"]) == 15
        assert await refused(client.conversations_history(channel=CHANNEL)) == "ratelimited"
        moment += 61
        assert (await client.conversations_history(channel=CHANNEL))["has_more"]


async def test_a_rate_limited_call_is_repeated_after_the_wait_it_was_told(
    slack_client: AsyncWebClient, workspace: Workspace
) -> None:
    slack_client.retry_handlers.append(AsyncRateLimitErrorRetryHandler(max_retry_count=2))
    workspace.faults.next("chat.postMessage", Trouble.RATE_LIMITED, times=2, retry_after_s=0)
    await slack_client.chat_postMessage(channel=CHANNEL, text="through")
    assert [m["text"] for m in workspace.messages(CHANNEL)] == ["through"]


@pytest.mark.parametrize(
    ("trouble", "kept"), [(Trouble.LOST_REQUEST, 0), (Trouble.LOST_ANSWER, 1)], ids=["before", "after"]
)
async def test_a_connection_breaks_before_or_after_the_message_was_kept(
    slack_client: AsyncWebClient, workspace: Workspace, trouble: Trouble, kept: int
) -> None:
    slack_client.retry_handlers.clear()
    workspace.faults.next("chat.postMessage", trouble)
    with pytest.raises(aiohttp.ClientError):
        await slack_client.chat_postMessage(channel=CHANNEL, text="maybe")
    assert len(workspace.messages(CHANNEL)) == kept


async def test_a_server_error_is_answered_as_one(slack_client: AsyncWebClient, workspace: Workspace) -> None:
    workspace.faults.next("chat.postMessage", Trouble.BROKEN_ANSWER)
    with pytest.raises(SlackApiError) as caught:
        await slack_client.chat_postMessage(channel=CHANNEL, text="kept all the same")
    assert caught.value.response.status_code == 503
    assert len(workspace.messages(CHANNEL)) == 1

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from bot.demo.workspace import Trouble, Workspace
from bot.models import Message
from bot.settings import SlackSettings
from bot.slack.client import Slack
from bot.slack.history import BEGINNING, History, Spot

CHANNEL = "C0PAYMENTS"
START = datetime(2026, 2, 1, tzinfo=UTC)


def fill(workspace: Workspace, count: int) -> list[str]:
    """So many messages, one a minute; every tenth has a reply. The ids of all, in the order in which they were said."""
    said = []
    for number in range(count):
        at = START + timedelta(minutes=number)
        ts = workspace.remember("U0MINA", CHANNEL, f"message {number}", at)
        said.append(ts)
        if number % 10 == 0:
            said.append(workspace.remember("U0AIKO", CHANNEL, f"reply {number}", at + timedelta(seconds=9), thread=ts))
    return said


async def everything(history: History, spot: Spot = BEGINNING) -> list[Message]:
    return [message async for page in history.read(CHANNEL, spot=spot) for message in page.messages]


async def test_a_channel_is_read_back_with_replies_and_permalinks(workspace: Workspace, slack: Slack) -> None:
    said = fill(workspace, 250)

    read = await everything(History(slack))

    assert sorted(message.id for message in read) == sorted(said)
    reply = next(message for message in read if message.text == "reply 10")
    assert reply.user == "U0AIKO"
    assert reply.thread in said
    assert reply.permalink == (await slack.identity()).permalink(CHANNEL, reply.id, reply.thread)
    assert reply.sent_at == START + timedelta(minutes=10, seconds=9)


async def test_reading_starts_where_it_is_told_to(workspace: Workspace, slack: Slack) -> None:
    fill(workspace, 30)

    pages = [page async for page in History(slack).read(CHANNEL, oldest=START + timedelta(minutes=25, seconds=1))]

    assert [message.text for page in pages for message in page.messages] == [f"message {n}" for n in (29, 28, 27, 26)]


async def test_a_thread_that_does_not_say_when_it_was_last_spoken_in_is_read(
    workspace: Workspace, slack: Slack, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = fill(workspace, 1)
    told = slack.asking.conversations_history

    async def silent_on_replies(**asked: Any) -> Any:
        answer = await told(**asked)
        for raw in answer["messages"]:
            raw["latest_reply"] = None
        return answer

    monkeypatch.setattr(slack.asking, "conversations_history", silent_on_replies)

    later = START + timedelta(days=1)
    pages = [page async for page in History(slack).read(CHANNEL, replied_since=later)]

    assert sorted(message.id for page in pages for message in page.messages) == sorted(said)


async def test_wherever_a_reader_is_interrupted_the_next_one_reads_the_rest_and_nothing_again(
    workspace: Workspace, slack: Slack
) -> None:
    said = fill(workspace, 20)
    long = workspace.remember("U0TOM", CHANNEL, "a long thread", START)
    said += [long, *(workspace.remember("U0AIKO", CHANNEL, f"{n}", START, thread=long) for n in range(20))]
    before: list[str] = []
    async for page in History(slack, slow=True, pause=_at_once).read(CHANNEL):
        before += [message.id for message in page.messages]
        heir = History(slack, slow=True, pause=_at_once)
        rest = [] if page.last else [message.id for message in await everything(heir, page.spot)]
        assert sorted([*before, *rest]) == sorted(said)


async def test_what_is_said_or_deleted_meanwhile_hides_nothing_older(workspace: Workspace, slack: Slack) -> None:
    said = fill(workspace, 40)
    pages = History(slack, slow=True, pause=_at_once).read(CHANNEL)
    first = await anext(pages)
    await workspace.say("U0TOM", CHANNEL, "said meanwhile")
    await workspace.delete(first.messages[3].id)

    rest = await everything(History(slack, slow=True, pause=_at_once), first.spot)

    assert sorted(message.id for message in (*first.messages, *rest)) == sorted(said)


async def _at_once(_: float) -> None:
    """Fifteen messages a page, and no minute between them."""


async def test_the_bots_own_messages_and_joins_are_not_remembered(workspace: Workspace, slack: Slack) -> None:
    await slack.telling.chat_postMessage(channel=CHANNEL, text="I am looking.")
    ts = workspace.remember("U0MINA", CHANNEL, "look again", START)

    assert [message.id for message in await everything(History(slack))] == [ts]


async def test_a_rate_limit_is_waited_for(workspace: Workspace, slack: Slack) -> None:
    said = fill(workspace, 5)
    workspace.faults.next("conversations.history", Trouble.RATE_LIMITED, retry_after_s=1)

    assert len(await everything(History(slack))) == len(said)


async def test_with_15_messages_a_minute_everything_is_read_without_a_refusal() -> None:
    """The workspace refuses a second request within a minute; nobody here waits, so a refusal would be seen."""
    moment = START.timestamp() + 90_000
    waited: list[float] = []

    def clock() -> float:
        return moment

    async def pause(seconds: float) -> None:
        nonlocal moment
        waited.append(seconds)
        moment += seconds

    workspace = Workspace(history_quota=True, clock=clock)
    said = fill(workspace, 40)
    async with workspace.serving():
        settings = SlackSettings(bot_token=SecretStr(workspace.token), api_url=workspace.api_url)
        async with Slack.open(settings) as slack:
            slack.asking.retry_handlers.clear()
            read = await everything(History(slack, slow=True, pause=pause))

    assert sorted(message.id for message in read) == sorted(said)
    assert len(waited) == 3 + 4 - 1  # three pages and four threads, no pause before the first
    assert min(waited) > 60

"""What was said while no process listened is read at the next start, in threads that were under way too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.demo.workspace import AIKO, MINA, TOM, Trouble, Workspace
from bot.errors import SlackRefused
from bot.memory import MemoryManager
from bot.settings import SlackSettings
from bot.slack import inbox
from bot.slack.client import Slack
from bot.slack.history import History
from bot.storage import connect
from bot.work.gaps import Gaps
from bot.work.stage import SlackStage

CHANNEL = "C0PAYMENTS"
START = datetime(2026, 2, 1, tzinfo=UTC)
Say = Callable[..., str]


class Room:
    """A channel with a message and a thread that the bot has heard; then the bot is gone for an hour."""

    def __init__(self, workspace: Workspace, slack: Slack, redis: Redis, memory: MemoryManager) -> None:
        self.workspace = workspace
        self.memory = memory
        self.gaps = Gaps(redis, memory)
        unused: Any = None
        self._slack = slack
        self._stage = SlackStage(unused, unused, unused, History(slack), unused)

    def say(self, user: str, text: str, minute: float, *, thread: str | None = None) -> str:
        return self.workspace.remember(user, CHANNEL, text, START + timedelta(minutes=minute), thread=thread)

    async def heard(self, ts: str) -> None:
        """As an event brings it."""
        raw = next(message for message in self.workspace.thread(CHANNEL, ts) if message["ts"] == ts)
        message = inbox.message(raw, CHANNEL, await self._slack.identity())
        assert message
        await self.memory.remember([message], unless_forgotten=True)

    async def catch_up(self) -> None:
        await self.gaps.close(CHANNEL, self._stage.missed)

    async def kept(self) -> list[str]:
        return sorted(each.message.text for each in await self.memory.recall("", channel=CHANNEL, limit=99))


@pytest.fixture
async def room(workspace: Workspace, redis_url: str) -> AsyncIterator[Room]:
    settings = SlackSettings(bot_token=SecretStr(workspace.token), api_url=workspace.api_url)
    async with (
        connect(redis_url) as redis,
        Slack.open(settings) as slack,
        MemoryManager.open(redis_url) as memory,
    ):
        room = Room(workspace, slack, redis, memory)
        await room.heard(room.say(MINA.id, "the lock is back", 0))
        yield room


async def test_what_was_said_meanwhile_is_remembered_and_older_talk_is_not_read_again(room: Room) -> None:
    room.say(TOM.id, "never heard, and long ago", -9000)
    old = room.say(AIKO.id, "an old thread", -60)
    room.say(TOM.id, "is the dump running?", 30, thread=old)
    room.say(TOM.id, "I ended the dump", 40)
    assert await room.gaps.note() == [CHANNEL]
    await room.catch_up()
    assert await room.kept() == ["I ended the dump", "an old thread", "is the dump running?", "the lock is back"]


async def test_what_is_heard_before_the_gap_is_read_does_not_hide_it(room: Room) -> None:
    room.say(TOM.id, "I ended the dump", 40)
    await room.gaps.note()
    await room.heard(room.say(MINA.id, "welcome back", 61))
    await room.gaps.note()  # another process starts
    await room.catch_up()
    assert await room.kept() == ["I ended the dump", "the lock is back", "welcome back"]


async def test_a_reading_that_slack_refused_is_done_again_from_the_same_place(room: Room) -> None:
    room.say(TOM.id, "I ended the dump", 40)
    await room.gaps.note()
    room.workspace.faults.next("conversations.history", Trouble.BROKEN, times=9)
    with pytest.raises(SlackRefused):
        await room.catch_up()
    while room.workspace.faults.take("conversations.history"):
        pass  # the trouble is over
    await room.catch_up()
    assert await room.kept() == ["I ended the dump", "the lock is back"]


async def test_a_channel_that_the_bot_was_taken_out_of_is_let_be(room: Room) -> None:
    room.workspace.team.channels[CHANNEL].members.discard(room.workspace.team.app.user_id)
    await room.gaps.note()
    await room.catch_up()
    assert await room.kept() == ["the lock is back"]


async def test_what_was_forgotten_stays_forgotten(room: Room) -> None:
    secret = room.say(TOM.id, "the pin is 4711", 40)
    await room.gaps.note()
    await room.memory.forget(secret, channel=CHANNEL)
    await room.catch_up()
    assert await room.kept() == ["the lock is back"]


async def test_a_gap_is_closed_once(room: Room) -> None:
    await room.gaps.note()
    await room.catch_up()
    room.workspace.api.calls.clear()
    await room.catch_up()
    assert room.workspace.api.calls == []

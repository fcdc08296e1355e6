"""What happened while no process listened is read at the next start, in threads that were under way too: what was
said, and what was deleted or edited."""

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
from bot.memory.reserved import TAUGHT
from bot.models import Message
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
        self.asking = slack.asking
        self._stage = SlackStage(unused, unused, unused, History(slack), unused)

    def say(self, user: str, text: str, minute: float, *, thread: str | None = None) -> str:
        return self.workspace.remember(user, CHANNEL, text, START + timedelta(minutes=minute), thread=thread)

    async def heard(self, ts: str) -> None:
        """As an event brings it."""
        raw = next(message for message in self.workspace.thread(CHANNEL, ts) if message["ts"] == ts)
        message = inbox.message(raw, CHANNEL, await self._slack.identity())
        assert message
        await self.memory.remember([message], unless_forgotten=True)

    async def delete(self, ts: str) -> None:
        """While nobody listens."""
        await self.workspace.delete(ts)

    async def edit(self, ts: str, text: str) -> None:
        await self.workspace.edit(ts, text)

    async def pin(self, ts: str, text: str) -> None:
        """Teach what a message says."""
        assert await self.memory.teach(text, MINA.id, START, source=(CHANNEL, ts))

    async def taught(self) -> list[str]:
        return [each.message.text for each in await self.memory.recall("", channel=TAUGHT, limit=99)]

    async def catch_up(self) -> None:
        await self.gaps.close(CHANNEL, self._stage)

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


async def test_what_was_deleted_meanwhile_is_forgotten_with_what_it_taught(room: Room) -> None:
    secret = room.say(TOM.id, "the vault pin is 4711", -30)
    await room.heard(secret)
    await room.pin(secret, "the vault pin is 4711")
    last = room.say(TOM.id, "and the door code is 0815", 1)
    await room.heard(last)
    for ts in (secret, last):
        await room.delete(ts)
    await room.gaps.note()
    await room.catch_up()
    assert await room.kept() == ["the lock is back"]
    assert await room.taught() == []
    await room.memory.remember([_message(secret, "the vault pin is 4711")], unless_forgotten=True)
    assert await room.kept() == ["the lock is back"], "a late delivery does not bring it back"


async def test_a_reply_that_was_deleted_is_forgotten_in_quiet_threads_and_in_old_ones(room: Room) -> None:
    for began in (-60, -9000):
        thread = room.say(AIKO.id, f"began at {began}", began)
        stays = room.say(TOM.id, f"a reply that stays, {began}", -20, thread=thread)
        goes = room.say(TOM.id, "a reply that goes", -10, thread=thread)
        for ts in (thread, stays, goes):
            await room.heard(ts)
        await room.delete(goes)
    await room.gaps.note()
    await room.catch_up()
    assert "a reply that goes" not in await room.kept()
    assert len(await room.kept()) == 5


async def test_of_a_thread_whose_beginning_was_deleted_the_replies_stay_and_of_one_that_is_gone_nothing(
    room: Room,
) -> None:
    for began, all_of_it in ((-60, False), (-50, True), (-9000, True)):
        thread = room.say(AIKO.id, f"began at {began}", began)
        reply = room.say(TOM.id, f"a reply to {began}", -20, thread=thread)
        for ts in (thread, reply):
            await room.heard(ts)
        if all_of_it:
            room.workspace.team.ledger.remove(room.workspace.team.ledger.find(CHANNEL, thread))
            room.workspace.team.ledger.remove(room.workspace.team.ledger.find(CHANNEL, reply))
        else:
            await room.delete(thread)
    await room.gaps.note()
    await room.catch_up()
    # That the oldest began at all is out of reach.
    assert await room.kept() == ["a reply to -60", "began at -9000", "the lock is back"]


async def test_what_was_edited_meanwhile_is_remembered_as_it_reads_now_and_so_is_what_it_taught(room: Room) -> None:
    ts = room.say(TOM.id, "fail over to the replica", -30)
    await room.heard(ts)
    await room.pin(ts, "fail over to the replica")
    await room.edit(ts, "never fail over to the replica")
    await room.gaps.note()
    await room.catch_up()
    assert await room.kept() == ["never fail over to the replica", "the lock is back"]
    assert await room.taught() == ["never fail over to the replica"]


async def test_nothing_is_forgotten_where_the_reading_breaks_off(room: Room) -> None:
    thread = room.say(AIKO.id, "an old thread", -60)
    reply = room.say(TOM.id, "I ended the dump", -20, thread=thread)
    for ts in (thread, reply):
        await room.heard(ts)
    await room.delete(reply)
    room.say(TOM.id, "another reply", 5, thread=thread)
    await room.gaps.note()
    room.workspace.faults.next("conversations.replies", Trouble.BROKEN, times=9)
    with pytest.raises(SlackRefused):
        await room.catch_up()
    assert "I ended the dump" in await room.kept()


@pytest.mark.parametrize("held_back", [{"is_limited": True}, {"has_more": True}])
async def test_nothing_is_forgotten_where_slack_holds_something_back(
    room: Room, monkeypatch: pytest.MonkeyPatch, held_back: dict[str, bool]
) -> None:
    told = room.asking.conversations_history

    async def partly(**asked: Any) -> Any:
        answer = await told(**asked)
        assert isinstance(answer.data, dict)
        answer.data.update({**held_back, "messages": answer["messages"][:0]})
        return answer

    monkeypatch.setattr(room.asking, "conversations_history", partly)
    await room.gaps.note()
    await room.catch_up()
    assert await room.kept() == ["the lock is back"]


async def test_what_is_heard_since_the_start_is_none_of_the_gaps_business(room: Room) -> None:
    await room.gaps.note()
    await room.memory.remember([_message("1769990400.000100", "Slack has not put it into its history yet")])
    await room.catch_up()
    assert len(await room.kept()) == 2


async def test_a_gap_that_is_noted_while_an_earlier_one_is_read_stays_noted(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = room.asking.conversations_history

    async def meanwhile(**asked: Any) -> Any:
        answer = await told(**asked)
        room.say(TOM.id, "said in the second gap", 50)
        await room.heard(room.say(TOM.id, "heard between the gaps", 45))
        await room.gaps.note()
        return answer

    with monkeypatch.context() as patched:
        patched.setattr(room.asking, "conversations_history", meanwhile)
        await room.gaps.note()
        await room.catch_up()
    await room.catch_up()
    assert "said in the second gap" in await room.kept()


def _message(ts: str, text: str) -> Message:
    return Message(id=ts, channel=CHANNEL, user=TOM.id, text=text, sent_at=inbox.moment(ts))


async def test_a_connection_that_was_lost_is_read_on_from_where_it_was_and_not_from_where_memory_ends(
    room: Room,
) -> None:
    room.say(TOM.id, "said while nobody could hear it", 10)
    await room.heard(room.say(AIKO.id, "heard again", 20))
    assert await room.gaps.note(START + timedelta(minutes=5)) == [CHANNEL]
    await room.catch_up()
    assert "said while nobody could hear it" in await room.kept()

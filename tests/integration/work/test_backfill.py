"""Reading a channel back: one message in the channel moves with it, and an interrupted reading goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.demo.workspace import Trouble, Workspace
from bot.errors import SlackRefused
from bot.models import Message
from bot.settings import SlackSettings
from bot.slack.client import Slack
from bot.slack.face import Face
from bot.slack.history import History
from bot.slack.ledger import Ledger
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.storage import connect
from bot.work.backfill import Backfill, read_back_key
from bot.work.stopping import Stopping, unless

CHANNEL = "C0PAYMENTS"
START = datetime(2026, 2, 1, tzinfo=UTC)


class Reader:
    """A backfill over a served workspace, on a clock that stands still unless somebody waits."""

    def __init__(self, workspace: Workspace, slack: Slack, redis: Redis, *, slow: bool = False) -> None:
        self.now = START + timedelta(days=30)
        self.kept: list[Message] = []
        self.shown: list[str] = []
        self.stopping = asyncio.Event()
        self.stop_after = 10**9
        self._workspace = workspace
        ledger = Ledger(redis, post_every_ms=1, edit_every_ms=1)
        face = Face(slack, Outbox(slack, ledger), ledger, People(slack), _no_picture, self.stopping)
        history = History(slack, slow=slow, pause=self._pause)
        self.backfill = Backfill(redis, face, history, lambda: self.now, self.stopping)

    async def run(self) -> None:
        await self.backfill.run(CHANNEL, self._keep)

    @property
    def told(self) -> list[str]:
        """What the bot has said in the channel."""
        return [said["text"] for said in self._workspace.messages(CHANNEL) if said.get("bot_id")]

    async def _keep(self, messages: Sequence[Message]) -> None:
        self.kept += messages
        self.shown += self.told
        self.now += timedelta(seconds=6)
        if len(self.kept) >= self.stop_after:
            self.stopping.set()

    async def _pause(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


async def _no_picture(_: str) -> None:
    return None


def fill(workspace: Workspace, count: int) -> list[str]:
    """So many messages, one a minute; every tenth has a reply."""
    said = []
    for number in range(count):
        at = START + timedelta(minutes=number)
        ts = workspace.remember("U0MINA", CHANNEL, f"message {number}", at)
        said.append(ts)
        if number % 10 == 0:
            said.append(workspace.remember("U0AIKO", CHANNEL, f"reply {number}", at + timedelta(seconds=9), thread=ts))
    return said


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as redis:
        yield redis


@pytest.fixture
async def slack(workspace: Workspace) -> AsyncIterator[Slack]:
    settings = SlackSettings(bot_token=SecretStr(workspace.token), api_url=workspace.api_url)
    async with Slack.open(settings) as connection:
        yield connection


@pytest.fixture
def reader(workspace: Workspace, slack: Slack, redis: Redis) -> Reader:
    return Reader(workspace, slack, redis)


async def test_one_message_moves_while_the_channel_is_read(workspace: Workspace, reader: Reader, redis: Redis) -> None:
    said = fill(workspace, 450)
    await reader.run()
    assert sorted(message.id for message in reader.kept) == sorted(said)
    assert len(reader.told) == 1
    assert "I have read back 495 messages of this channel, back to" in reader.told[0]
    assert "just begun" in reader.shown[0]
    assert "199 messages so far, back to" in reader.shown[1]  # of the first 200 one is its own
    assert await redis.get(read_back_key(CHANNEL)) == "495"


async def test_an_empty_channel_is_said_to_be_empty(reader: Reader) -> None:
    await reader.run()
    assert "nothing to read back" in reader.told[0]


async def test_a_reading_that_the_end_of_the_process_interrupts_goes_on_where_it_was(
    workspace: Workspace, slack: Slack, redis: Redis, reader: Reader
) -> None:
    said = fill(workspace, 450)
    reader.stop_after = 230  # in the midst of the threads of the first page
    with pytest.raises(Stopping):
        await reader.run()
    heir = Reader(workspace, slack, redis)
    heir.now = reader.now
    await heir.run()
    both = [message.id for message in (*reader.kept, *heir.kept)]
    assert sorted(both) == sorted(said)
    assert len(heir.told) == 1
    assert "I have read back 495 messages" in heir.told[0]


async def test_a_pause_ends_when_the_process_does() -> None:
    stopping = asyncio.Event()
    await unless(stopping, "later")(0.001)
    stopping.set()
    with pytest.raises(Stopping):
        await unless(stopping, "later")(3600)


async def test_that_slack_asks_to_wait_is_said(workspace: Workspace, reader: Reader) -> None:
    fill(workspace, 5)
    workspace.faults.next("conversations.history", Trouble.RATE_LIMITED, retry_after_s=1)
    texts: list[str] = []
    keep_saying = reader.backfill._face.keep_saying

    async def noting(*given: object) -> str:
        texts.append(str(given[2]))
        return await keep_saying(*given)  # type: ignore[arg-type]

    reader.backfill._face.keep_saying = noting  # type: ignore[method-assign, assignment]
    await reader.run()
    assert any("Slack asks me to wait 1 s." in text for text in texts)
    assert len(reader.told) == 1


async def test_what_cannot_be_read_is_said_with_what_to_do(workspace: Workspace, reader: Reader, redis: Redis) -> None:
    fill(workspace, 5)
    workspace.faults.next("conversations.history", Trouble.BROKEN, times=9)
    with pytest.raises(SlackRefused) as refusal:
        await reader.run()
    await reader.backfill.give_up(CHANNEL, str(refusal.value))
    assert "I could not read this channel back: Slack " in reader.told[0]
    assert "invite me again" in reader.told[0]
    assert not await redis.exists(read_back_key(CHANNEL))


async def test_an_invitation_after_a_finished_reading_gets_a_message_of_its_own(
    workspace: Workspace, reader: Reader
) -> None:
    fill(workspace, 5)
    await reader.run()
    await reader.run()
    assert len(reader.told) == 2


async def test_at_15_messages_a_minute_everything_is_read_and_the_pace_is_said(redis: Redis) -> None:
    async with allowance() as slowly:
        said = fill(slowly.workspace, 40)
        reader = slowly.reader(redis)
        await reader.run()
    assert sorted(message.id for message in reader.kept) == sorted(said)
    assert "15 messages a minute" in reader.shown[1]
    assert "14 messages so far" in reader.shown[1]
    assert len(set(reader.shown)) >= 6  # it moves with every request, those for replies too


@pytest.mark.parametrize("request_number", [1, 3, 5])
async def test_a_process_that_dies_while_it_waits_for_its_minute_is_followed_by_one_that_reads_the_rest(
    redis: Redis, request_number: int
) -> None:
    async with allowance() as slowly:
        said = fill(slowly.workspace, 40)
        reader = slowly.reader(redis)
        dying = asyncio.create_task(reader.run())
        await slowly.hold_after(request_number)
        dying.cancel()  # nothing is written any more, as after a kill
        await asyncio.gather(dying, return_exceptions=True)
        heir = slowly.reader(redis)
        heir.now = reader.now
        await heir.run()
    both = [message.id for message in (*reader.kept, *heir.kept)]
    assert reader.kept
    assert sorted(both) == sorted(said)
    assert len(heir.told) == 1
    assert "I have read back 44 messages" in heir.told[0]


class Allowance:
    """A workspace that refuses a second history request within a minute, and readers whose minutes take no time.

    Nobody's client tries again, so that a refusal would be seen.
    """

    def __init__(self) -> None:
        self.now = START.timestamp() + 90_000
        self.workspace = Workspace(history_quota=True, clock=lambda: self.now)
        self.slack: Slack | None = None
        self._pauses = 0
        self._hold_at: int | None = None
        self._held = asyncio.Event()

    def reader(self, redis: Redis) -> Reader:
        """A process that reads, a minute after the last."""
        assert self.slack
        self.now += 61
        reader = Reader(self.workspace, self.slack, redis, slow=True)

        async def pause(seconds: float) -> None:
            self._pauses += 1
            if self._pauses == self._hold_at:
                self._held.set()
                await asyncio.Event().wait()
            self.now += seconds
            reader.now += timedelta(seconds=seconds)

        reader.backfill._history._pause = pause
        return reader

    async def hold_after(self, requests: int) -> None:
        """Let so many requests pass, and return while the reader waits for the next."""
        self._hold_at = requests
        async with asyncio.timeout(60):
            await self._held.wait()


@asynccontextmanager
async def allowance() -> AsyncIterator[Allowance]:
    slowly = Allowance()
    async with slowly.workspace.serving():
        settings = SlackSettings(bot_token=SecretStr(slowly.workspace.token), api_url=slowly.workspace.api_url)
        async with Slack.open(settings) as slack:
            slack.asking.retry_handlers.clear()
            slowly.slack = slack
            yield slowly

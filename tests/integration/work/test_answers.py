"""What the bot answers when it is spoken to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.catalog import Catalog, Service
from bot.incidents import Intake, Journal
from bot.memory import MemoryManager
from bot.models import Message
from bot.slack.blocks import words_of
from bot.slack.desk import Command, Mention
from bot.storage import connect
from bot.work.answers import Answers

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
CHANNEL = "C0PAY"
CATALOG = Catalog(services={"checkout": Service(aliases=("scan-to-pay",), channel="C0SHOP"), "mail": Service()})


class Room:
    """The answers, with a real memory and a real journal behind them."""

    def __init__(self, answers: Answers, journal: Journal, memory: MemoryManager) -> None:
        self.answers = answers
        self.journal = journal
        self.memory = memory

    async def said(self, text: str, *, days_ago: float, channel: str = CHANNEL) -> None:
        at = NOW - timedelta(days=days_ago)
        await self.memory.remember(
            [Message(id=f"{at.timestamp()}", channel=channel, user="U0TOM", text=text, sent_at=at)]
        )

    async def asked(self, text: str) -> str:
        ts = f"{NOW.timestamp():.6f}"
        post = await self.answers.mention(
            Mention(event_id="Ev1", channel=CHANNEL, thread=ts, ts=ts, user="U0MINA", text=text)
        )
        return words_of(post) if post else ""

    async def commanded(self, text: str) -> str:
        return await self.answers.command(Command(user="U0MINA", channel=CHANNEL, text=text))


class _NothingToForget:
    async def command(self, _: Command) -> None:
        return None


async def named(users: Iterable[str]) -> dict[str, str]:
    return {user: user.removeprefix("U0").title() for user in users}


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    async with AsyncExitStack() as stack:
        redis = await stack.enter_async_context(connect(redis_url))
        memory = await stack.enter_async_context(MemoryManager.open(redis_url, clock=lambda: NOW))
        journal = Journal(redis)
        intake = Intake(redis, journal, CATALOG, lambda: NOW)
        forgetting: Any = _NothingToForget()
        yield Room(
            Answers(journal, intake, memory, CATALOG, lambda: NOW, named, forgetting=forgetting), journal, memory
        )


@pytest.mark.parametrize("words", ["help", "Help!", "?", ""])
async def test_help_says_what_can_be_asked(room: Room, words: str) -> None:
    answer = await room.asked(words)
    assert "/nightdesk status" in answer


async def test_a_service_that_is_named_is_looked_into_where_it_was_asked(room: Room) -> None:
    assert await room.asked("why is scan-to-pay slow?") == "Looking into checkout: see the card in this channel."
    (identifier,) = await room.journal.open_ids()
    incident = await room.journal.read(identifier)
    assert (incident.service, incident.channel, incident.alert.source) == ("checkout", CHANNEL, "slack")
    assert incident.history[0].event.actor == "U0MINA"


async def test_a_service_with_an_open_incident_is_not_looked_into_twice(room: Room) -> None:
    await room.asked("why is checkout slow?")
    (identifier,) = await room.journal.open_ids()
    assert "why is checkout slow?" in await room.asked("is checkout down?")
    assert await room.journal.open_ids() == [identifier]


async def test_the_status_lists_what_is_open(room: Room) -> None:
    assert "checkout" not in await room.asked("status")
    await room.asked("why is checkout slow?")
    assert "why is checkout slow?" in await room.asked("status")
    assert "why is checkout slow?" in await room.commanded("status")


async def test_a_brief_tells_what_was_said_here_in_its_order_with_names(room: Room) -> None:
    await room.said("the gateway was upgraded", days_ago=3)
    await room.said("the pool has twelve connections now", days_ago=1)
    await room.said("in another channel", days_ago=1, channel="C0ELSE")
    answer = await room.asked("brief me")
    assert answer.index("the gateway was upgraded") < answer.index("the pool has twelve connections now")
    assert "Tom" in answer
    assert "in another channel" not in answer


async def test_a_brief_of_some_days_leaves_out_what_is_older(room: Room) -> None:
    await room.said("the gateway was upgraded", days_ago=9)
    await room.said("the pool has twelve connections now", days_ago=0.9)
    answer = await room.asked("brief me since yesterday")
    assert "twelve connections" in answer
    assert "gateway" not in answer


async def test_what_is_not_about_a_service_is_looked_up_in_memory(room: Room) -> None:
    await room.said("the certificate of the bank expires in May", days_ago=30)
    assert "expires in May" in await room.asked("when does the certificate expire?")
    assert "expires in May" in await room.commanded("certificate")


async def test_where_nothing_is_known_it_says_what_could_be_asked(room: Room) -> None:
    assert "I know: checkout, mail." in await room.asked("what is the weather?")


async def test_a_lesson_is_kept_and_found_again(room: Room) -> None:
    assert await room.asked("remember: never restart the ledger at noon") == (
        "Remembered: never restart the ledger at noon"
    )
    assert "never restart the ledger" in await room.asked("ledger restart")

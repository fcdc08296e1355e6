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
from bot.models import Alert, Message, Opened
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

    async def said(self, text: str, *, days_ago: float, channel: str = CHANNEL, user: str = "U0TOM") -> None:
        at = NOW - timedelta(days=days_ago)
        await self.memory.remember([Message(id=f"{at.timestamp()}", channel=channel, user=user, text=text, sent_at=at)])

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
        intake = Intake(redis, journal, lambda: CATALOG, lambda: NOW)
        forgetting: Any = _NothingToForget()
        yield Room(
            Answers(journal, intake, memory, CATALOG, lambda: NOW, named, forgetting=forgetting), journal, memory
        )


@pytest.mark.parametrize("words", ["help", "Help!", "?", ""])
async def test_help_says_what_can_be_asked(room: Room, words: str) -> None:
    answer = await room.asked(words)
    assert "/nightdesk status" in answer


@pytest.mark.parametrize(("words", "answer"), [("hi", "I am here."), ("thanks, that helped!", "You are welcome.")])
async def test_small_talk_gets_a_short_answer_and_no_look(room: Room, words: str, answer: str) -> None:
    await room.said("hi, that helped with checkout", days_ago=1)
    said = await room.asked(words)
    assert said.startswith(answer)
    assert len(said) < 100
    assert await room.journal.open_ids() == []


async def test_an_order_is_not_carried_out_and_the_service_is_looked_into_instead(room: Room) -> None:
    said = await room.asked("restart checkout now")
    assert said.startswith("Looking into checkout")
    assert "Nothing is done on a word" in said
    assert len(await room.journal.open_ids()) == 1


@pytest.mark.parametrize("words", ["restart everything", "please approve it"])
async def test_an_order_without_a_service_says_what_happens_instead(room: Room, words: str) -> None:
    said = await room.asked(words)
    assert said.startswith("Nothing is done on a word, so nothing was done.")
    assert "pressed Approve" in said
    assert await room.commanded(words) == said
    assert await room.journal.open_ids() == []


@pytest.mark.parametrize(
    ("words", "days"), [("report", 7), ("report 30 days", 30), ("weekly report", 7), ("report last 1d", 1)]
)
async def test_the_report_counts_the_days_that_are_asked_for(room: Room, words: str, days: int) -> None:
    alert = Alert(source="generic", name="A", status="firing", fingerprint="f", starts_at=NOW)
    for number, at in enumerate((NOW, NOW - timedelta(days=20))):
        await room.journal.append(f"2603{number:02}-AAAAAA", Opened(at=at, alert=alert, channel=CHANNEL))
    assert f"{1 + (days == 30)} in {days} day" in await room.asked(words)
    assert f"{1 + (days == 30)} in {days} day" in await room.commanded(words)


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


@pytest.mark.parametrize("words", ["what was said yesterday?", "what happened yesterday?", "昨天大家说了什么？"])
async def test_who_asks_for_all_of_a_time_is_told_all_of_it(room: Room, words: str) -> None:
    await room.said("the pool has twelve connections", days_ago=1)
    await room.said("the gateway was upgraded", days_ago=3)
    answer = await room.asked(words)
    assert "twelve connections" in answer
    assert "gateway" not in answer


async def test_the_past_of_a_service_is_remembered_and_only_the_present_looked_into(room: Room) -> None:
    await room.said("checkout failed because the card gateway lost its certificate", days_ago=9)
    answer = await room.asked("what did we do when checkout failed?")
    assert "lost its certificate" in answer
    assert "“look at checkout”" in answer
    assert "lost its certificate" in await room.asked("why did checkout fail 9 days ago?")
    assert await room.journal.open_ids() == []
    assert "Looking into checkout" in await room.asked("look at checkout")


async def test_a_past_that_nobody_remembers_is_looked_into(room: Room) -> None:
    assert "Looking into checkout" in await room.asked("who changed checkout?")


async def test_what_a_person_said_is_asked_for_by_their_name(room: Room) -> None:
    await room.said("it takes an hour to warm the cache", days_ago=1)
    answer = await room.asked("what did Tom say about the cache?")
    assert "Tom" in answer
    assert "an hour" in answer
    assert "U0TOM" not in answer


async def test_a_mention_in_what_was_said_is_told_by_name(room: Room) -> None:
    await room.said("ask @U0MINA for the keys of the vault", days_ago=1)
    assert "ask @Mina for the keys" in await room.asked("who has the keys of the vault?")


async def test_the_thread_of_the_nearest_line_is_told_to_its_end(room: Room) -> None:
    at = NOW - timedelta(days=2)
    lines = ["the exporter is stuck", "tried a restart, no", "it was the proxy, fixed"]
    thread = [
        Message(
            id=f"{number}", channel=CHANNEL, thread="0", user="U0TOM", text=text, sent_at=at + timedelta(hours=number)
        )
        for number, text in enumerate(lines)
    ]
    await room.memory.remember(thread)
    await room.said("the canteen has soup", days_ago=2)
    answer = await room.asked("what about the exporter?")
    assert all(line in answer for line in lines)
    assert "soup" not in answer


async def test_the_same_alert_a_hundred_times_is_one_line_of_a_brief(room: Room) -> None:
    for number in range(40):
        await room.said(f"[FIRING:1] DiskFull on build-host: {number} % left", days_ago=number / 100)
    await room.said("the build host gets a new disk on Friday", days_ago=0.5)
    answer = await room.asked("brief me")
    assert answer.count("DiskFull") == 1
    assert "new disk on Friday" in answer


async def test_contradictions_are_told_side_by_side_and_a_correction_with_what_it_corrects(room: Room) -> None:
    await room.said("the wallet limit is 400 euro", days_ago=2)
    await room.said("the wallet limit is 500 euro", days_ago=1, user="U0AIKO")
    answer = await room.asked("what is the wallet limit?")
    assert "400 euro" in answer
    assert "500 euro" in answer
    await room.asked("that was wrong because the limit of the wallet never was 500 euro")
    answer = await room.asked("what is the wallet limit?")
    assert "400 euro" in answer
    assert "*Later:* 2026-03-04 12:00 UTC Mina: the limit of the wallet never was 500 euro" in answer


async def test_what_was_taught_in_a_private_channel_stays_there(room: Room) -> None:
    await room.memory.keep_private("C0SECRET")
    source = ("C0SECRET", "1.0")
    await room.memory.teach("the vault is opened with two keys", "U0TOM", NOW, source=source)
    assert "two keys" not in await room.asked("how is the vault opened?")
    told = await room.memory.look_back("how is the vault opened?", channel="C0SECRET", limit=5, budget_tokens=500)
    assert [each.message.text for each in told] == ["the vault is opened with two keys"]


async def test_where_nothing_is_known_it_says_what_could_be_asked(room: Room) -> None:
    assert "I know: checkout, mail." in await room.asked("what is the weather?")


async def test_a_lesson_is_kept_and_found_again(room: Room) -> None:
    assert await room.asked("remember: never restart the ledger at noon") == (
        "Remembered: never restart the ledger at noon"
    )
    assert "never restart the ledger" in await room.asked("ledger restart")

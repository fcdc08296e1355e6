"""What is remembered, corrected and forgotten on request, and what questions then bring back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from bot.catalog import Catalog, Service
from bot.incidents import Intake, Journal
from bot.memory import MemoryManager
from bot.models import Message
from bot.slack.blocks import words_of
from bot.slack.desk import Command, Mention
from bot.storage import connect
from bot.work.answers import Answers
from bot.work.forgetting import Forgetting

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
CATALOG = Catalog(services={"payments": Service(aliases=("scan-to-pay",)), "search": Service()})
CHANNEL = "C0PAY"


class Counter:
    """Somebody to speak to, with what was said before."""

    def __init__(self, answers: Answers, memory: MemoryManager, journal: Journal) -> None:
        self.answers = answers
        self.memory = memory
        self.journal = journal

    async def say(self, text: str, *, user: str = "UANN", thread: str = "1772528400.000100") -> str:
        mention = Mention(event_id="E1", channel=CHANNEL, thread=thread, ts="1772528400.000100", user=user, text=text)
        post = await self.answers.mention(mention)
        return words_of(post) if post else ""

    async def command(self, text: str, *, user: str = "UANN") -> str:
        return await self.answers.command(Command(user=user, channel=CHANNEL, text=text))


@pytest.fixture
async def counter(redis_url: str) -> AsyncIterator[Counter]:
    async def names(users: Iterable[str]) -> Mapping[str, str]:
        return {user: user.removeprefix("U").capitalize() for user in users}

    async def approver(user: str) -> bool:
        return user == "UBOSS"

    async with connect(redis_url) as redis, MemoryManager.open(redis_url, clock=lambda: NOW) as memory:
        await memory.remember(_history())
        journal = Journal(redis)
        intake = Intake(redis, journal, CATALOG, lambda: NOW)
        answers = Answers(journal, intake, memory, CATALOG, lambda: NOW, names, Forgetting(memory, approver))
        yield Counter(answers, memory, journal)


def _history() -> list[Message]:
    said = [
        (timedelta(days=9), "UBOB", "The reporting job took a lock on accounts, we ended its session."),
        (timedelta(hours=20), "UANN", "payments 4.18 is deployed"),
        (timedelta(minutes=10), "UBOB", "lunch?"),
    ]
    return [
        Message(id=f"{(NOW - ago).timestamp():.6f}", channel=CHANNEL, user=user, text=text, sent_at=NOW - ago)
        for ago, user, text in said
    ]


async def test_brief_me_brings_the_latest_with_names_and_dates(counter: Counter) -> None:
    brief = await counter.say("brief me")
    assert "lunch?" in brief
    assert "Bob" in brief


async def test_brief_me_since_yesterday_leaves_older_talk_out(counter: Counter) -> None:
    brief = await counter.say("brief me since yesterday")
    assert "4.18" in brief
    assert "reporting job" not in brief


async def test_a_question_without_a_service_is_answered_from_memory(counter: Counter) -> None:
    assert "reporting job" in await counter.say("who held the lock on accounts?")


async def test_what_it_is_told_to_remember_it_knows_afterwards(counter: Counter) -> None:
    assert "Remembered" in await counter.say("remember: the ledger is frozen at month end")
    assert "month end" in await counter.say("when is the ledger frozen?")


async def test_a_correction_is_kept_in_the_name_of_who_made_it(counter: Counter) -> None:
    answer = await counter.say("that was wrong because the lock was from the export", user="UBOB")
    assert "Corrected" in answer
    found = await counter.memory.recall("lock from the export")
    assert any(recalled.message.user == "UBOB" for recalled in found)


async def test_the_command_tells_the_whole_brief_in_text(counter: Counter) -> None:
    brief = await counter.command("brief me")
    assert "lunch?" in brief
    assert "4.18" in brief


async def test_anybody_may_have_their_own_messages_forgotten(counter: Counter) -> None:
    assert await counter.command("forget me", user="UANN") == "Forgotten: 1 message."
    assert "4.18" not in await counter.command("brief me")


async def test_only_approvers_may_have_others_and_channels_forgotten(counter: Counter) -> None:
    assert "Only approvers" in await counter.command("forget <@UBOB|bob>", user="UANN")
    assert "Only approvers" in await counter.command("forget channel", user="UANN")
    assert await counter.command("forget <@UBOB|bob>", user="UBOSS") == "Forgotten: 2 messages."
    assert await counter.command("forget channel", user="UBOSS") == "Forgotten: 1 message."


async def test_one_message_is_forgotten_by_its_link(counter: Counter) -> None:
    ts = f"{(NOW - timedelta(hours=20)).timestamp():.6f}".replace(".", "")
    link = f"https://acme.slack.com/archives/{CHANNEL}/p{ts}"
    assert "Only approvers" in await counter.command(f"forget message {link}", user="UBOB")
    assert await counter.command(f"forget message {link}", user="UANN") == "Forgotten: 1 message."


async def test_what_to_forget_must_be_said(counter: Counter) -> None:
    assert "forget me" in await counter.command("forget")
    assert "forget me" in await counter.command("forget everything")


async def test_the_question_is_not_its_own_answer(counter: Counter) -> None:
    text = "who held the lock on accounts?"
    asked = Message(id="1772528400.000100", channel=CHANNEL, user="UANN", text=text, sent_at=NOW)
    await counter.memory.remember([asked])
    assert text not in await counter.say(text)
    assert text not in await counter.say("brief me")


async def test_a_person_ends_the_incident_of_the_channel(counter: Counter) -> None:
    assert "no open incident" in await counter.say("resolved")
    await counter.say("why is payments slow?")
    (incident_id,) = await counter.journal.open_ids()
    assert f"{incident_id} is resolved" in await counter.say("resolved!", user="UBOB")
    ended = (await counter.journal.read(incident_id)).last("resolved")
    assert ended
    assert ended.event.actor == "UBOB"


async def test_of_several_incidents_the_one_that_is_over_must_be_named(counter: Counter) -> None:
    await counter.say("why is payments slow?")
    await counter.answers.mention(
        Mention(event_id="E2", channel=CHANNEL, thread="2", ts="1772528400.000200", user="UANN", text="search is down")
    )
    first, second = await counter.journal.open_ids()
    assert first in await counter.command("resolved")
    assert f"{second} is resolved" in await counter.command(f"resolved {second.lower()}")
    assert await counter.journal.open_ids() == [first]
    assert "no open incident" in await counter.command("resolved 990101-AAAAAA")

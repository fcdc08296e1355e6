"""What is remembered, corrected and forgotten on request, and what questions then bring back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta

import pytest

from bot.catalog import Catalog, Service
from bot.incidents import Intake, Journal
from bot.memory import MemoryManager
from bot.models import Message
from bot.slack import inbox
from bot.slack.blocks import words_of
from bot.slack.desk import Mention
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
        """As Slack sends it: people and links are entities."""
        return await self.answers.command(inbox.command({"user_id": user, "channel_id": CHANNEL, "text": text}))


@pytest.fixture
async def counter(redis_url: str) -> AsyncIterator[Counter]:
    async def names(users: Iterable[str]) -> Mapping[str, str]:
        return {user: user.removeprefix("U").capitalize() for user in users}

    async def approver(user: str) -> bool:
        return user == "UBOSS"

    async with connect(redis_url) as redis, MemoryManager.open(redis_url, clock=lambda: NOW) as memory:
        await memory.remember(_history())
        journal = Journal(redis)
        intake = Intake(redis, journal, lambda: CATALOG, lambda: NOW)
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


async def test_anybody_may_have_their_own_messages_forgotten_once_they_confirm(counter: Counter) -> None:
    asked = await counter.command("forget me", user="UANN")
    assert "1 message of yours, in every channel" in asked
    assert "`/nightdesk forget me confirm`" in asked
    assert "4.18" in await counter.command("brief me")
    assert "Forgotten for good: 1 entry" in await counter.command("forget me confirm", user="UANN")
    assert "4.18" not in await counter.command("brief me")


async def test_a_person_is_forgotten_by_the_mention_as_slack_sends_it(counter: Counter) -> None:
    assert "Only approvers" in await counter.command("forget <@UBOB|bob>", user="UANN")
    assert "2 messages of <@UBOB>, in every channel" in await counter.command("forget <@UBOB|bob>", user="UBOSS")
    assert "2 entries" in await counter.command("forget <@UBOB|bob> confirm", user="UBOSS")
    assert "I remember no message of <@UBOB>" in await counter.command("forget <@UBOB|bob>", user="UBOSS")
    assert "lunch?" not in await counter.command("brief me")


async def test_only_approvers_may_have_a_channel_forgotten(counter: Counter) -> None:
    assert "Only approvers" in await counter.command("forget channel confirm", user="UANN")
    assert "`/nightdesk forget channel confirm`" in await counter.command("forget channel", user="UBOSS")
    assert "3 entries" in await counter.command("forget this channel confirm", user="UBOSS")
    assert "Nothing here remembers anything yet" in await counter.command("brief me")


async def test_one_message_is_forgotten_by_its_link(counter: Counter) -> None:
    ts = f"{(NOW - timedelta(hours=20)).timestamp():.6f}".replace(".", "")
    link = f"<https://acme.slack.com/archives/{CHANNEL}/p{ts}>"
    assert "Only approvers" in await counter.command(f"forget message {link}", user="UBOB")
    assert "1 entry" in await counter.command(f"forget message {link}", user="UANN")
    assert "Nothing of that was remembered" in await counter.command(f"forget message {link}", user="UBOSS")


async def test_what_to_forget_must_be_said(counter: Counter) -> None:
    assert "forget me" in await counter.command("forget")
    assert "forget me" in await counter.command("forget everything")
    assert "whom @somebody means" in await counter.command("forget @somebody")


async def test_the_keeping_of_a_channel_is_shown_and_changed(counter: Counter) -> None:
    assert "kept for ever" in await counter.command("retain")
    assert "Only approvers" in await counter.command("retain 30 days", user="UANN")
    assert "kept for 30 days" in await counter.command("Retain 30 Days", user="UBOSS")
    assert "kept for 30 days" in await counter.command("retain show", user="UANN")
    assert "kept for ever" in await counter.command("retain forever", user="UBOSS")


async def test_a_keeping_that_would_forget_something_is_confirmed_first(counter: Counter) -> None:
    asked = await counter.command("retain 1 week", user="UBOSS")
    assert "1 message of this channel would be forgotten, for good" in asked
    assert "reporting job" in await counter.say("who held the lock on accounts?")
    assert "Forgotten: 1 older message." in await counter.command("retain 1 week confirm", user="UBOSS")
    assert "reporting job" not in await counter.say("who held the lock on accounts?")


@pytest.mark.parametrize("wish", ["retain soon", "retain -3 days", "retain 5", "retain 0 days", "retain 99999 years"])
async def test_a_keeping_that_is_no_time_changes_nothing(counter: Counter, wish: str) -> None:
    answer = await counter.command(wish, user="UBOSS")
    assert "retain forever" in answer
    assert "kept for ever" in await counter.command("retain")


async def test_what_nobody_remembers_is_said_with_what_to_do(counter: Counter) -> None:
    answer = await counter.say("where is the zeppelin?")
    assert "Nothing here remembers that yet" in answer
    assert "payments, search" in answer
    assert "about “zeppelins”" in await counter.say("brief me zeppelins")


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


async def test_a_channel_says_by_whose_clock_it_speaks(counter: Counter) -> None:
    assert "read in UTC" in await counter.command("timezone")
    assert "Only approvers" in await counter.command("timezone Europe/Berlin", user="UANN")
    assert "Mars/Olympus" in await counter.command("timezone Mars/Olympus", user="UBOSS")
    assert "read in Europe/Berlin" in await counter.command("timezone Europe/Berlin", user="UBOSS")
    assert "read in Europe/Berlin" in await counter.command("time zone?")


@pytest.mark.parametrize(
    "said",
    ["that was wrong because it was the ledger", "No, that's wrong: it was the ledger", "不对，因为 it was the ledger"],
)
async def test_a_correction_is_understood_as_people_say_it(counter: Counter, said: str) -> None:
    assert await counter.say(said) == "Corrected, in your name: it was the ledger"


async def test_a_question_about_errors_corrects_nothing(counter: Counter) -> None:
    assert "Corrected" not in await counter.say("错误率为什么高")

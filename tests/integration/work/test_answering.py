"""Questions answered by a model, from what was measured and what was said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.incidents import Intake
from bot.slack.blocks import words_of
from bot.slack.desk import Mention
from bot.work.answers import Answers
from tests.characters import Character, Helpful, Lying, Obedient, Reply
from tests.integration.work.night import CATALOG, CHANNEL, LOCK, NOW, Night, night_as
from tests.integration.work.test_answers import named
from tests.speaking import speaking


class Asked(Night):
    """A night with somebody who asks."""

    async def asked(self, text: str, *, thread: str = "9.9", channel: str = CHANNEL) -> str:
        """What the bot answers, all of it."""
        answers = Answers(
            self.journal, Intake(self.redis, self.journal, lambda: CATALOG, lambda: NOW), self.memory, CATALOG,
            lambda: NOW,
            named, _nothing(), self.thinking.speaker,
        )  # fmt: skip
        mention = Mention(event_id="Ev1", channel=channel, thread=thread, ts="9.9", user="U0MINA", text=text)
        post = await answers.mention(mention)
        return words_of(post) if post else ""


def _nothing() -> Any:
    """Nothing is to be forgotten."""
    return None


@asynccontextmanager
async def asking(redis_url: str, character: Character | None) -> AsyncIterator[Asked]:
    """A night whose model has that character."""
    if character is None:
        async with night_as(Asked, redis_url, None) as night:
            yield night
        return
    async with speaking(character) as model, night_as(Asked, redis_url, model) as night:
        yield night


async def test_what_was_said_answers_with_the_message_as_its_source(redis_url: str) -> None:
    async with asking(redis_url, Helpful()) as night:
        told = await night.asked("what moved to 03:00 last week?")
    assert "the batch of payments moved to 03:00 last week [1]" in told
    assert "<https://x.slack.com/p2|message>" in told


async def test_in_the_thread_of_an_incident_its_evidence_answers(redis_url: str) -> None:
    async with asking(redis_url, Helpful()) as night:
        await night.triage()
        told = await night.asked("what do we know of it?", thread="1.2")
    assert f"{LOCK} [" in told


async def test_it_may_look_again_a_few_times_and_no_more(redis_url: str) -> None:
    async with asking(redis_url, Helpful()) as night:
        await night.triage()
        before = len(night.looked)
        await night.asked("and now?", thread="1.2")
        assert night.looked[before:] == ["logs.look", "database.look", "changes.look"]


async def test_many_looks_at_once_are_still_no_more_than_three(redis_url: str) -> None:
    class Greedy(Helpful):
        def answer(self, said: Any) -> Reply:
            wanted = (*said.looks, *said.looks, "look_9_database_drop")
            return Reply(calls=tuple((name, "{}") for name in wanted)) if said.looks else super().answer(said)

    async with asking(redis_url, Greedy()) as night:
        await night.triage()
        before = len(night.looked)
        told = await night.asked("and now?", thread="1.2")
        assert len(night.looked) - before == 3
    assert LOCK in told


async def test_a_model_that_only_ever_calls_tools_comes_to_an_end(redis_url: str) -> None:
    class Endless(Helpful):
        def answer(self, said: Any) -> Reply:
            return Reply(calls=(("look_9_nothing", "{"),))

    async with speaking(Endless()) as model, night_as(Asked, redis_url, model) as night:
        await night.triage()
        asked_before = len(model.requests)
        told = await night.asked("what do we know of it?", thread="1.2")
        assert len(model.requests) - asked_before <= 6
    assert "payments" in told


async def test_sentences_are_shown_while_the_answer_is_coming_in(redis_url: str) -> None:
    async with asking(redis_url, Helpful()) as night:
        await night.asked("what moved to 03:00 last week?")
        assert night.grown
        assert all("moved" in shown or "payments" in shown for shown in night.grown)


async def test_a_service_without_an_incident_is_still_looked_into(redis_url: str) -> None:
    async with asking(redis_url, Helpful()) as night:
        assert await night.asked("why is search slow?") == "Looking into search: see the card in this channel."
        (opened,) = await night.journal.open_ids()
        assert (await night.journal.read(opened)).service == "search"


@pytest.mark.parametrize("character", [Lying(), Obedient()], ids=["lying", "obedient"])
async def test_nothing_is_told_that_no_fact_supports(redis_url: str, character: Character) -> None:
    async with asking(redis_url, character) as night:
        await night.triage()
        told = await night.asked("what do we know of it?", thread="1.2")
        shown = " ".join([told, *night.grown])
    assert [word for word in ("CDN", "evil.example", "12345678", "approved!") if word in shown] == []


async def test_a_question_that_nothing_bears_on_costs_nothing(redis_url: str) -> None:
    async with speaking(Helpful()) as model, night_as(Asked, redis_url, model) as night:
        told = await night.asked("what is the weather in Oslo?")
        assert model.requests == []
    assert "I know: payments, search." in told


async def test_not_knowing_is_an_answer(redis_url: str) -> None:
    class Honest(Helpful):
        def answer(self, said: Any) -> Reply:
            return Reply('{"claims": [], "missing": ["who moved the batch"]}')

    async with asking(redis_url, Honest()) as night:
        told = await night.asked("who moved the batch to 03:00?")
    assert "I do not know." in told
    assert "*What is missing*\n• who moved the batch" in told


async def test_what_the_incident_of_another_channel_shows_is_not_told_here(redis_url: str) -> None:
    async with asking(redis_url, Helpful()) as night:
        await night.triage()
        assert LOCK not in await night.asked("what do we know of it?", thread="1.2", channel="C0ELSE")

"""Questions of a drawing to the people in the thread: the first answer counts, and the drawing goes on with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from bot.canvas import parse
from bot.models import Answered, Phase, Question, Resolved
from bot.slack.desk import Reply
from bot.work.questions import CLOSED, Questions
from tests.integration.work.test_no_dead_end import FRONT, ID, NOW, Room

ASKS = parse(
    FRONT
    + """```mermaid
flowchart TD
  start([Something is wrong]) --> who[Did you deploy?]
  who -- yes --> back([Roll it back])
  who -- no --> on([Look further])
  who -- expired --> page([Page])
```
### who
```yaml
ask: "Did you deploy {{ alert.service }}?"
answers: [yes, no]
expires: 10m
```
### back
```yaml
say: "{{ who.by }} said {{ who.answer }}."
```
"""
)


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    room = Room(redis_url)
    await room.open()
    yield room
    await room.redis.aclose()


@pytest.fixture
def questions(room: Room) -> Questions:
    return Questions(room.journal, lambda: room.now)


async def asked(room: Room) -> Question:
    await room.triage(ASKS).walk(ID)
    (question,) = (await room.incident()).open_questions
    return question


def reply(question: Question, number: int, user: str = "UMINA", at: datetime = NOW) -> Reply:
    return Reply(question_id=question.id, number=number, user=user, channel="C0", at=at)


async def test_a_question_is_asked_once_and_the_incident_waits_for_it(room: Room) -> None:
    triage = room.triage(ASKS)
    await triage.walk(ID)
    await triage.walk(ID)
    incident = await room.incident()
    (question,) = incident.open_questions
    assert (incident.phase, sum(r.event.kind == "asked" for r in incident.history)) == (Phase.INVESTIGATING, 1)
    assert (question.id, question.text, question.answers) == (
        f"{ID}.q1",
        "Did you deploy (alert.service is not known)?",
        ("yes", "no"),
    )
    assert question.expires_at == NOW + timedelta(minutes=10)


async def test_an_answer_leads_on_and_is_evidence_with_its_author(room: Room, questions: Questions) -> None:
    triage = room.triage(ASKS)
    await triage.walk(ID)
    (question,) = (await room.incident()).open_questions
    assert await questions.answer(reply(question, 0)) is None
    await triage.walk(ID)
    incident = await room.incident()
    assert getattr(incident.history[-1].event, "reason", "") == "UMINA said yes."


async def test_of_twenty_answers_at_once_one_counts_and_the_others_hear_whose(room: Room, questions: Questions) -> None:
    question = await asked(room)
    told = await asyncio.gather(*(questions.answer(reply(question, n % 2, f"U{n:02}")) for n in range(20)))
    (answered,) = [r.event for r in (await room.incident()).history if isinstance(r.event, Answered)]
    assert told.count(None) == 1
    assert set(told) - {None} == {f"Already answered by <@{answered.actor}>: {answered.answer}."}


async def test_an_answer_after_the_end_of_the_waiting_or_of_the_incident_changes_nothing(
    room: Room, questions: Questions
) -> None:
    question = await asked(room)
    late = reply(question, 0, at=question.expires_at + timedelta(seconds=1))
    assert await questions.answer(late) == CLOSED
    await room.journal.append(ID, Resolved(at=NOW, reason="over"))
    assert await questions.answer(reply(question, 0)) == CLOSED
    assert (await room.incident()).open_questions == ()


async def test_an_answer_that_was_not_offered_or_to_no_question_is_refused(room: Room, questions: Questions) -> None:
    question = await asked(room)
    assert await questions.answer(reply(question, 7)) == CLOSED
    assert await questions.answer(Reply(question_id="no.q1", number=0, user="U", channel="C0", at=NOW)) == CLOSED

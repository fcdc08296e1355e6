"""No incident waits for ever without a word: what stalls, dies, or is forgotten ends, or goes to people."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.canvas.playbook import Playbook, parse
from bot.canvas.store import MemoryStore
from bot.catalog import Catalog
from bot.incidents import Intake, Journal
from bot.models import (
    Alert,
    AlertJoined,
    Brief,
    HandedOver,
    Incident,
    Opened,
    Phase,
    Resolved,
)
from bot.settings import Settings
from bot.storage import connect
from bot.work.questions import Questions
from bot.work.scoping import run_of
from bot.work.triage import MOST_DEATHS, Triage
from bot.work.world import Rooms

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
ID = "260301-TESTED"
FRONT = """---
id: quiet
title: A drawing
owner: oncall
match: {}
---
"""
ASKS = parse(
    FRONT
    + """```mermaid
flowchart TD
  start([Something is wrong]) --> who[Did you deploy?]
  who -- yes --> done([Roll it back])
  who -- no --> done
  who -- expired --> done
```
### who
```yaml
ask: "Did you deploy?"
answers: [yes, no]
```
"""
)
ENDS = parse(FRONT + "```mermaid\nflowchart TD\n  start([Something is wrong]) --> done([Look yourself])\n```\n")


class Room:
    """A triage on a real journal, with nothing to look at."""

    def __init__(self, url: str) -> None:
        self.now = NOW
        self.redis = connect(url)
        self.journal = Journal(self.redis)
        self.intake = Intake(self.redis, self.journal, Catalog, lambda: self.now)
        self.dies = False

    async def brief(self, *_: object, **__: object) -> Brief:
        if self.dies:
            raise Killed
        return Brief(role="commander")

    def triage(self, playbook: Playbook) -> Triage:
        unused: Any = None
        stand_in: Any = self
        rooms = Rooms(
            journal=self.journal,
            memory=stand_in,
            toolbox=unused,
            actions=unused,
            known=Catalog,
            settings=Settings(),
            clock=lambda: self.now,
            keep_charts=unused,
            draft=unused,
        )
        return Triage(rooms, MemoryStore(), lambda *_: (playbook, "it fits"), dict)

    async def open(self) -> None:
        await self.journal.append(ID, Opened(at=NOW, alert=alert(), channel="C0"))

    async def incident(self) -> Incident:
        return await self.journal.read(ID)


class Killed(BaseException):
    """kill -9: nothing of ours runs any more."""


def alert(status: str = "firing", **fields: object) -> Alert:
    return Alert.model_validate(
        {"source": "generic", "name": "A", "status": status, "fingerprint": "f", "starts_at": NOW, **fields}
    )


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    room = Room(redis_url)
    yield room
    await room.redis.aclose()


async def test_a_question_that_nobody_answers_is_closed_in_time_and_the_drawing_goes_on(room: Room) -> None:
    await room.open()
    triage = room.triage(ASKS)
    await triage.walk(ID)
    (question,) = (await room.incident()).open_questions
    questions = Questions(room.journal, lambda: room.now)
    await questions.expire(question.id)
    assert (await room.incident()).open_questions, "not before its time"
    room.now = question.expires_at
    await questions.expire(question.id)
    await triage.walk(ID)
    incident = await room.incident()
    assert (incident.phase, incident.open_questions) == (Phase.HANDED_OVER, ())
    assert "Roll it back" in getattr(incident.history[-1].event, "reason", "")


async def test_a_triage_whose_alert_has_ended_meanwhile_ends_with_it(room: Room) -> None:
    await room.open()
    await room.journal.append(ID, AlertJoined(at=NOW, alert=alert("resolved", ends_at=NOW), why="the same"))
    await room.triage(ENDS).walk(ID)
    assert (await room.incident()).phase is Phase.RESOLVED


async def test_a_walk_that_ends_its_process_again_and_again_goes_to_people(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.open()
    run = run_of(await room.incident())
    for _ in range(MOST_DEATHS):  # each counted itself, and never came to its end
        await room.journal.count(ID, f"walking:{run}", 1)
    room.dies = True
    await room.triage(ENDS).walk(ID)
    incident = await room.incident()
    assert incident.phase is Phase.HANDED_OVER
    assert "ended the whole process" in getattr(incident.history[-1].event, "reason", "")


async def test_walks_that_fail_or_end_are_no_deaths(room: Room) -> None:
    await room.open()
    room.dies = True
    for _ in range(MOST_DEATHS + 1):
        with pytest.raises(Killed):
            await room.triage(ENDS).walk(ID)
    room.dies = False
    await room.triage(ENDS).walk(ID)
    assert "Look yourself" in getattr((await room.incident()).history[-1].event, "reason", "")


async def test_what_fires_anew_long_after_people_took_over_is_looked_at_anew(room: Room) -> None:
    (opened,) = await room.intake.accept([alert()])
    await room.journal.append(opened.incident_id, HandedOver(at=NOW, reason="people"))
    room.now += timedelta(hours=3)
    (same,) = await room.intake.accept([alert()])
    (anew,) = await room.intake.accept([alert(starts_at=room.now)])
    assert (same.outcome, anew.outcome, anew.incident_id) == ("duplicate", "reopened", opened.incident_id)


async def test_what_joins_soon_after_people_took_over_stays_with_them(room: Room) -> None:
    (opened,) = await room.intake.accept([alert()])
    await room.journal.append(opened.incident_id, HandedOver(at=NOW, reason="people"))
    room.now += timedelta(minutes=3)
    (again,) = await room.intake.accept([alert(starts_at=room.now)])
    assert again.outcome == "joined"


async def test_a_record_that_cannot_be_read_hides_no_other(room: Room) -> None:
    await room.journal.append("260301-BROKEN", Opened(at=NOW, alert=alert(), channel="C0"))
    await room.redis.xadd("inc:{260301-BROKEN}:events", {"phase": "investigating", "event": '{"kind": "of 2030"}'})
    await room.open()
    assert [incident.id async for incident in room.journal.open_incidents()] == [ID]


async def test_a_last_word_is_about_all_that_is_known_when_it_is_said(room: Room) -> None:
    """The alert ends just before the triage does: it is over, not handed over."""
    await room.open()
    original, first = room.journal.append, True

    async def append(incident_id: str, event: Any, **how: Any) -> Any:
        nonlocal first
        if event.kind == "handed_over" and first:
            first = False
            ended = AlertJoined(at=NOW, alert=alert("resolved", ends_at=NOW), why="the same")
            await original(incident_id, ended)
        return await original(incident_id, event, **how)

    room.journal.append = append  # type: ignore[method-assign]
    await room.triage(ENDS).walk(ID)
    assert isinstance((await room.incident()).history[-1].event, Resolved)

"""What each event sets off, and what is set off again when it was lost."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.models import (
    AlertJoined,
    Answered,
    Approved,
    Asked,
    Briefed,
    Event,
    Executed,
    Expired,
    HandedOver,
    Noted,
    NotExecuted,
    OutcomeUnknown,
    Phase,
    Proposed,
    Ranked,
    Recorded,
    Rejected,
    Reopened,
    Resolved,
    Unanswered,
    Verified,
    Worded,
)
from bot.models.brief import Brief
from bot.remediation.audit import KINDS
from bot.work.follow import LOST_AFTER, Follow, last_moved
from tests.unit.work.histories import ID, NOW, PROPOSAL, after, alert, incident, opened, proposal, question, to_verified

EXPIRED = Expired(at=NOW, proposal_id=PROPOSAL)
REJECTED = Rejected(at=NOW, proposal_id=PROPOSAL, reason="no")
APPROVED = Approved(at=NOW, proposal_id=PROPOSAL, digest="d")


class Noting:
    """A queue that notes what is added."""

    def __init__(self) -> None:
        self.added: list[tuple[str, str]] = []
        self.when: dict[str, datetime | None] = {}
        self.keys: set[str] = set()

    async def add(self, task: str, *arguments: str, key: str, when: datetime | None = None) -> None:
        self.added.append((task, *arguments))  # type: ignore[arg-type]
        self.when[task] = when
        self.keys.add(f"{task}:{key}")


@pytest.fixture
def queue() -> Noting:
    return Noting()


@pytest.fixture
def follow(queue: Noting) -> Follow:
    stand_in: Any = queue

    async def show(incident_id: str) -> None:
        await queue.add("show", incident_id, key=incident_id)

    return Follow(stand_in, show)


def recorded(event: Event) -> Recorded:
    return Recorded(id="1-0", phase=Phase.INVESTIGATING, event=event)


TRIED = {("walk", ID), ("trust", PROPOSAL)}


@pytest.mark.parametrize(
    ("event", "sets_off"),
    [
        (opened(), {("walk", ID)}),
        (Reopened(at=NOW, alert=alert()), {("walk", ID)}),
        (REJECTED, {("walk", ID), ("learn", ID)}),
        (EXPIRED, {("walk", ID)}),
        (NotExecuted(at=NOW, proposal_id=PROPOSAL, reason="gone"), {("walk", ID)}),
        (
            OutcomeUnknown(at=NOW, proposal_id=PROPOSAL, reason="?", quarantined_until=NOW),
            {("walk", ID), ("trust", PROPOSAL)},
        ),
        (Verified(at=NOW, proposal_id=PROPOSAL, recovered=True), {("walk", ID), ("trust", PROPOSAL)}),
        (Resolved(at=NOW, reason="over"), {("learn", ID), ("teach_drawing", ID), ("postmortem", ID)}),
        (HandedOver(at=NOW, reason="nothing fits"), {("learn", ID)}),
        (Proposed(at=NOW, proposal=proposal()), {("expire", PROPOSAL), ("standing", PROPOSAL)}),
        (AlertJoined(at=NOW, alert=alert(), why="same service"), set()),
        (APPROVED, {("execute", PROPOSAL)}),
        (Executed(at=NOW, proposal_id=PROPOSAL, outcome="done"), {("verify", PROPOSAL)}),
        (Asked(at=NOW, question=question()), {("unanswered", f"{ID}.q1")}),
        (Answered(at=NOW, question_id=f"{ID}.q1", answer="yes"), {("walk", ID)}),
        (Unanswered(at=NOW, question_id=f"{ID}.q1"), {("walk", ID)}),
        (Noted(at=NOW, text="by the way"), set()),
        (Briefed(at=NOW, brief=Brief(role="commander")), set()),
        (Ranked(at=NOW, hypotheses=()), {("word", ID)}),
        (Worded(at=NOW, ranked="1-0", sentences=()), set()),
    ],
    ids=lambda value: value.kind if hasattr(value, "kind") else "",
)
async def test_every_event_is_shown_and_sets_off_what_follows(
    follow: Follow, queue: Noting, event: Event, sets_off: set[tuple[str, str]]
) -> None:
    await follow.event(ID, recorded(event))
    drawn = set() if event.kind in {"alert_joined", "endorsed", "worded"} else {("draw", ID)}
    audited = {("audit", ID)} if event.kind in KINDS else set()
    assert set(queue.added) == sets_off | {("show", ID)} | drawn | audited


async def test_what_moves_the_drawing_is_drawn_at_the_next_second_and_once_in_it(follow: Follow, queue: Noting) -> None:
    for stamp in ("1700000000100-0", "1700000000900-3", "1700000001000-0"):
        noted = Recorded(id=stamp, phase=Phase.INVESTIGATING, event=Noted(at=NOW, text="x"))
        await follow.event(ID, noted)
    assert {key for key in queue.keys if key.startswith("draw")} == {f"draw:{ID}:1700000001", f"draw:{ID}:1700000002"}
    when = queue.when["draw"]
    assert when
    assert when.timestamp() == pytest.approx(1_700_000_002.2)


async def test_a_proposal_ends_at_its_expiry(follow: Follow, queue: Noting) -> None:
    await follow.event(ID, recorded(Proposed(at=NOW, proposal=proposal(expires_at=after(60)))))
    assert queue.when["expire"] == after(60)


async def test_the_same_event_delivered_twice_is_one_task(follow: Follow, queue: Noting) -> None:
    for _ in range(2):
        await follow.event(ID, recorded(opened()))
    assert queue.keys == {f"show:{ID}", f"walk:{ID}:1-0", f"draw:{ID}:1"}


STORY = to_verified()
LATE = NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("events", "again"),
    [
        (STORY[:1], [("walk", ID)]),
        (STORY[:3], [("expire", PROPOSAL)]),
        ((opened(), Asked(at=NOW, question=question())), [("unanswered", f"{ID}.q1"), ("walk", ID)]),
        (STORY[:4], [("execute", PROPOSAL)]),
        (STORY[:5], [("execute", PROPOSAL)]),
        (STORY[:6], [("verify", PROPOSAL)]),
        (STORY[:7], [("walk", ID)]),
        ((opened(), HandedOver(at=NOW, reason="people")), []),
        ((opened(), Resolved(at=NOW, reason="over")), []),
    ],
    ids=[
        "investigating",
        "awaiting",
        "asking",
        "approved",
        "executing",
        "verifying",
        "recovered",
        "handed over",
        "resolved",
    ],
)
async def test_what_an_incident_waits_for_is_scheduled_again(
    follow: Follow, queue: Noting, events: tuple[Event, ...], again: list[tuple[str, str]]
) -> None:
    stuck = incident(*events)
    assert await follow.lost(stuck, LATE) is bool(again)
    assert queue.added == again


async def test_an_incident_that_has_just_moved_is_left_alone(follow: Follow, queue: Noting) -> None:
    moved = incident(opened())
    assert not await follow.lost(moved, last_moved(moved) + LOST_AFTER - timedelta(seconds=1))
    assert queue.added == []


async def test_while_people_may_still_decide_nothing_is_lost(follow: Follow, queue: Noting) -> None:
    assert not await follow.lost(incident(*STORY[:3]), after(899))
    assert queue.added == []


def test_when_it_moved_is_told_by_the_clock_of_redis() -> None:
    assert last_moved(incident(*STORY[:3])) == after(8)

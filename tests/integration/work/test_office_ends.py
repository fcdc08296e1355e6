"""Nothing that fails or is forgotten goes on for ever: notes are said once, and a quiet incident is closed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.models import Approved, Executed, Executing, HandedOver, Phase
from bot.slack.desk import Decision
from bot.work.duties import QUIET_FOR
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, open_gate
from tests.integration.work.test_office import Desk


@pytest.fixture
async def desk(redis_url: str) -> AsyncIterator[Desk]:
    async with open_gate(redis_url) as gate:
        await gate.propose()
        yield Desk(gate)


async def notes(desk: Desk) -> int:
    return (await desk.gate.kinds()).count("note")


async def test_a_task_that_is_given_up_twice_is_noted_once(desk: Desk) -> None:
    for _ in range(2):
        await desk.office.failed("show", INCIDENT, RuntimeError("channel_not_found"))
    assert await notes(desk) == 1


async def test_a_watch_that_broke_lets_the_drawing_go_on(desk: Desk) -> None:
    for event in (
        Approved(at=NOW, actor="UANN", proposal_id=PROPOSAL, digest="d"),
        Executing(at=NOW, proposal_id=PROPOSAL, owner="w"),
        Executed(at=NOW, proposal_id=PROPOSAL, outcome="done"),
    ):
        await desk.gate.journal.append(INCIDENT, event)
    await desk.office.failed("verify", PROPOSAL, KeyError("value"))
    incident = await desk.gate.incident()
    assert incident.phase is Phase.INVESTIGATING
    assert "given up" in getattr(incident.history[-1].event, "statement", "")


async def test_a_person_who_may_not_decide_leaves_one_trace_however_often_they_press(desk: Desk) -> None:
    for _ in range(3):
        await desk.press("UEVE")
    assert (await notes(desk), len(desk.stage.told)) == (1, 3)


async def test_what_people_took_over_is_closed_when_nothing_was_heard_for_a_day(desk: Desk) -> None:
    await desk.press("UANN", "reject", reason="no")
    await desk.gate.journal.append(INCIDENT, HandedOver(at=NOW, reason="people"))
    real_now = datetime.now(UTC)  # Redis says when it moved last
    desk.gate.now = real_now + QUIET_FOR - timedelta(minutes=1)
    await desk.office.sweep()
    assert (await desk.gate.incident()).phase is Phase.HANDED_OVER
    desk.gate.now = real_now + QUIET_FOR + timedelta(minutes=1)
    await desk.office.sweep()
    assert (await desk.gate.incident()).phase is Phase.RESOLVED


async def test_a_reason_is_cut_to_what_a_thread_can_bear(desk: Desk) -> None:
    await desk.office.failed("learn", INCIDENT, RuntimeError("x" * 10_000))
    assert len((await desk.last_note()).text) < 600


async def test_a_click_that_could_not_be_decided_is_not_lost_without_a_word(desk: Desk) -> None:
    click = Decision.model_validate(
        {"proposal_id": PROPOSAL, "digest": "f" * 32, "verdict": "approve", "user": "UANN", "channel": "C0",
         "message_ts": "1.2", "at": NOW}
    )  # fmt: skip
    await desk.office.failed("decide", click.model_dump_json(), ConnectionError("away"))
    assert "The task 'decide' failed again and again" in (await desk.last_note()).text

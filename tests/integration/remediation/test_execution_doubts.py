"""What an approval does not cover: other settings, another day, a process that stalled, an incident that is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.errors import EffectFailed, EffectUnknown, SourceUnavailable
from bot.models import Alert, Executing, Incident, Opened, Phase, Proposed, Resolved, Verified
from bot.remediation.catalogue import Actions
from bot.remediation.execution import LATEST_START
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Count, Gate, Row, a_proposal, open_gate


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    async with open_gate(redis_url) as gate:
        proposal = await gate.propose()
        await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
        yield gate


async def why_not(gate: Gate) -> str:
    event = (await gate.incident()).history[-1].event
    assert event.kind == "not_executed"
    assert await gate.effects() == 0
    return event.reason


async def targets_held(gate: Gate) -> int:
    return len([key async for key in gate.redis.scan_iter("nd:target:*")])


async def test_settings_that_changed_what_an_action_does_need_a_new_approval(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def elsewhere(params: Row) -> str:
        return f"row {params.name} of another table"

    monkeypatch.setattr(gate.action, "target", elsewhere)
    await gate.execution().run(PROPOSAL)
    assert "settings" in await why_not(gate)


async def test_an_approval_does_not_outlive_an_outage(gate: Gate) -> None:
    gate.now = NOW + LATEST_START + timedelta(seconds=1)
    await gate.execution().run(PROPOSAL)
    assert "5 minutes" in await why_not(gate)


async def test_a_precondition_whose_source_is_down_is_told_and_not_tried_for_ever(gate: Gate) -> None:
    gate.action.refuses = SourceUnavailable("the database does not answer")
    await gate.execution().run(PROPOSAL)
    assert await why_not(gate) == "the database does not answer"


async def test_what_the_target_would_not_take_is_not_sent(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refused(_: Row) -> str:
        raise EffectFailed("the dry run was refused")

    monkeypatch.setattr(gate.action, "rehearse", refused)
    await gate.execution().run(PROPOSAL)
    assert await why_not(gate) == "the dry run was refused"


async def test_while_an_effect_is_in_doubt_nobody_else_acts_on_its_target(gate: Gate) -> None:
    gate.action.breaks = EffectUnknown("no answer came")
    await gate.execution().run(PROPOSAL)
    assert await targets_held(gate) == 1


async def test_a_target_is_free_again_as_soon_as_the_outcome_is_known(gate: Gate) -> None:
    await gate.execution().run(PROPOSAL)
    assert await targets_held(gate) == 0


async def test_a_run_that_died_keeps_its_target_for_as_long_as_it_may_still_act(gate: Gate) -> None:
    await gate.journal.append(INCIDENT, Executing(at=NOW, proposal_id=PROPOSAL, owner="dead"))
    await gate.execution().run(PROPOSAL)
    assert (await gate.incident()).phase is Phase.OUTCOME_UNKNOWN
    assert await targets_held(gate) == 1


async def test_a_run_frees_only_its_own_lease_even_within_one_process(gate: Gate) -> None:
    gate.action.hold = asyncio.Event()
    first = asyncio.create_task(gate.execution("same").run(PROPOSAL))
    await gate.action.started.wait()
    lease = f"nd:lease:{PROPOSAL}"
    await gate.redis.delete(lease)  # it ran out while the first was stalled …
    await gate.redis.set(lease, "same")  # … and another run of the same process took it
    gate.action.hold.set()
    await first
    assert await gate.redis.get(lease) == "same"


async def test_a_run_whose_lease_ran_out_while_it_prepared_leaves_the_decision_to_the_next(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stall(_: Row) -> None:
        await gate.redis.delete(f"nd:lease:{PROPOSAL}")

    monkeypatch.setattr(gate.action, "check", stall)
    await gate.execution().run(PROPOSAL)
    assert ((await gate.incident()).phase, await gate.effects()) == (Phase.APPROVED, 0)
    monkeypatch.undo()
    await gate.execution().run(PROPOSAL)
    assert await gate.effects() == 1


async def test_who_approved_is_told_when_the_incident_was_over_first(gate: Gate) -> None:
    await gate.journal.append(INCIDENT, Resolved(at=NOW, reason="every alert has resolved"))
    for _ in range(2):
        await gate.execution().run(PROPOSAL)
    notes = [text for text in await said(gate) if "was not run" in text]
    assert (len(notes), await gate.effects()) == (1, 0)


async def test_an_action_that_ran_is_not_said_to_have_been_overtaken(gate: Gate) -> None:
    await gate.execution().run(PROPOSAL)
    incident = await over(gate)
    await gate.execution().run(PROPOSAL)
    assert (await gate.incident()).history[-1].id == incident.history[-1].id


async def over(gate: Gate) -> Incident:
    await gate.journal.append(INCIDENT, Verified(at=NOW, proposal_id=PROPOSAL, recovered=True))
    await gate.journal.append(INCIDENT, Resolved(at=NOW, reason="recovered"))
    return await gate.incident()


async def said(gate: Gate) -> list[str]:
    return [recorded.event.text for recorded in (await gate.incident()).history if recorded.event.kind == "note"]


async def test_two_different_actions_never_meet_on_one_target(gate: Gate) -> None:
    """Another incident has approved something else for the very row that is being written."""
    other = "260301-OTHERS"
    proposal = a_proposal(id=f"{other}.1", incident_id=other, action="test.erase")
    gate.actions = Actions([gate.action, Erase(gate.redis)])
    alert = Alert(source="test", name="B", status="firing", fingerprint="g")
    await gate.journal.append(other, Opened(at=NOW, alert=alert, channel="C0"))
    await gate.journal.append(other, Proposed(at=NOW, proposal=proposal))
    await gate.approvals.approve(proposal.id, proposal.digest, "UANN")

    gate.action.hold = asyncio.Event()
    first = asyncio.create_task(gate.execution("first").run(PROPOSAL))
    await gate.action.started.wait()
    await gate.execution("second").run(proposal.id)
    last = (await gate.journal.history(other))[-1].event
    assert last.kind == "not_executed"
    assert "another incident is acting on row a" in last.reason
    gate.action.hold.set()
    await first
    assert await gate.effects() == 1


class Erase(Count):
    """Another action on the same rows."""

    name = "test.erase"

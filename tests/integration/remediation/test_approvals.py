"""Who may decide, on exactly what, and only once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.models import Phase, Resolved
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Gate, a_proposal, open_gate


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    async with open_gate(redis_url) as gate:
        yield gate


@pytest.mark.parametrize("user", ["UANN", "UGROUP"])
async def test_a_named_person_or_a_member_of_a_named_group_approves(gate: Gate, user: str) -> None:
    proposal = await gate.propose()
    verdict = await gate.approvals.approve(PROPOSAL, proposal.digest, user)
    incident = await gate.incident()
    assert (verdict.outcome, incident.phase) == ("approved", Phase.APPROVED)
    approved = incident.last("approved")
    assert approved
    assert approved.event.actor == user


async def test_anybody_else_is_refused(gate: Gate) -> None:
    proposal = await gate.propose()
    verdict = await gate.approvals.approve(PROPOSAL, proposal.digest, "USTRANGER")
    assert (verdict.outcome, (await gate.incident()).phase) == ("denied", Phase.AWAITING)


async def test_a_group_that_cannot_be_read_is_a_no(gate: Gate) -> None:
    proposal = await gate.propose()
    gate.group = None
    verdict = await gate.approvals.approve(PROPOSAL, proposal.digest, "UGROUP")
    assert (verdict.outcome, await gate.kinds()) == ("denied", ["opened", "proposed"])


async def test_without_any_approver_named_nobody_may_decide(gate: Gate) -> None:
    proposal = await gate.propose(approver_users=(), approver_groups=())
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "denied"


async def test_a_card_that_shows_something_else_decides_nothing(gate: Gate) -> None:
    proposal = await gate.propose()
    for digest in ("", "0" * 64, proposal.digest[:15]):
        assert (await gate.approvals.approve(PROPOSAL, digest, "UANN")).outcome == "void"


async def test_a_proposal_that_was_edited_after_it_was_sealed_decides_nothing(gate: Gate) -> None:
    honest = a_proposal()
    forged = honest.model_copy(update={"parameters": {"name": "everything"}})
    await gate.propose()
    await gate.redis.delete(f"inc:{{{INCIDENT}}}", f"inc:{{{INCIDENT}}}:events")
    await gate.propose(**{**forged.model_dump(), "digest": ""})
    assert (await gate.approvals.approve(PROPOSAL, honest.digest, "UANN")).outcome == "void"


@pytest.mark.parametrize("later", [timedelta(minutes=15), timedelta(minutes=16)])
async def test_from_its_expiry_on_there_is_nothing_to_approve(gate: Gate, later: timedelta) -> None:
    proposal = await gate.propose()
    gate.now += later
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "void"
    assert await gate.approvals.expire(PROPOSAL)
    assert (await gate.kinds())[-1] == "expired"
    verdict = await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
    assert (verdict.outcome, "expired" in verdict.text) == ("already", True)


async def test_it_does_not_expire_early_and_not_after_a_decision(gate: Gate) -> None:
    proposal = await gate.propose()
    assert not await gate.approvals.expire(PROPOSAL)
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
    gate.now += timedelta(minutes=16)
    assert not await gate.approvals.expire(PROPOSAL)


async def test_a_rejection_needs_a_reason_and_keeps_it(gate: Gate) -> None:
    proposal = await gate.propose()
    assert (await gate.approvals.reject(PROPOSAL, proposal.digest, "UANN", "  ")).outcome == "void"
    assert (await gate.approvals.reject(PROPOSAL, proposal.digest, "UANN", "month end")).outcome == "rejected"
    rejected = (await gate.incident()).last("rejected")
    assert rejected
    assert rejected.event.kind == "rejected"
    assert rejected.event.reason == "month end"


async def test_the_second_click_is_told_who_decided(gate: Gate) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
    verdict = await gate.approvals.reject(PROPOSAL, proposal.digest, "UBOB", "too late")
    assert (verdict.outcome, verdict.text) == ("already", "Already approved by <@UANN>.")


async def test_a_high_risk_needs_two_different_people(gate: Gate) -> None:
    proposal = await gate.propose(approvals_needed=2)
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "endorsed"
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "already"
    assert (await gate.incident()).phase is Phase.AWAITING
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UBOB")).outcome == "approved"


async def test_who_asked_for_a_high_risk_may_not_approve_it(gate: Gate) -> None:
    proposal = await gate.propose(approvals_needed=2, requested_by="UANN")
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "denied"


async def test_an_incident_that_is_over_has_nothing_to_approve(gate: Gate) -> None:
    proposal = await gate.propose()
    await gate.journal.append(INCIDENT, Resolved(at=NOW, reason="by itself"))
    assert (await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")).outcome == "already"


async def test_twenty_clicks_at_once_are_one_decision(gate: Gate) -> None:
    proposal = await gate.propose()
    clicks = [
        gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
        if place % 2
        else gate.approvals.reject(PROPOSAL, proposal.digest, "UBOB", "no")
        for place in range(20)
    ]
    outcomes = [verdict.outcome for verdict in await asyncio.gather(*clicks)]
    assert set(outcomes) - {"already"} < {"approved", "rejected"}
    assert outcomes.count("already") == 19
    assert len(set(await gate.kinds()) & {"approved", "rejected"}) == 1


@pytest.mark.parametrize("proposal_id", ["", "nonsense", f"{INCIDENT}.9", "../../x.1"])
async def test_an_id_that_does_not_exist_decides_nothing(gate: Gate, proposal_id: str) -> None:
    proposal = await gate.propose()
    assert (await gate.approvals.approve(proposal_id, proposal.digest, "UANN")).outcome == "void"


async def test_two_hundred_times_twenty_clicks_at_once_are_one_decision_each_and_the_others_are_told(
    gate: Gate,
) -> None:
    for number in range(200):
        await gate.redis.flushdb()
        one = Gate(gate.redis)  # with nothing in mind of the incident before
        proposal = await one.propose()
        clicks = [
            one.approvals.approve(PROPOSAL, proposal.digest, "UANN")
            if (place + number) % 2
            else one.approvals.reject(PROPOSAL, proposal.digest, "UBOB", "no")
            for place in range(20)
        ]
        verdicts = await asyncio.gather(*clicks)
        [winner] = [verdict.outcome for verdict in verdicts if verdict.outcome != "already"]
        told = {verdict.text for verdict in verdicts if verdict.outcome == "already"}
        who = {"approved": "UANN", "rejected": "UBOB"}[winner]
        assert told == {f"Already {winner} by <@{who}>."}
        assert [kind for kind in await one.kinds() if kind in {"approved", "rejected"}] == [winner]

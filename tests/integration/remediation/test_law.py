"""Policy that has become stricter since a card was shown: at the click, and again right before the effect."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.models import Approved, Proposal, Risk
from bot.remediation.approvals import Approvals
from bot.remediation.policy import Judgement
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Gate, open_gate

STRICTER = [{"approvals_needed": 2}, {"reason_needed": True}]


def judged(**changed: Any) -> Judgement:
    """What policy says of every proposal: as the card said, but for what is changed."""
    plain: dict[str, Any] = {
        "risk": Risk.LOW, "reasons": (), "approvals_needed": 1, "approver_users": ("UANN", "UBOB"),
        "approver_groups": (), "valid_for_s": 900, "reason_needed": False, "requester_may_approve": True,
    }  # fmt: skip
    return Judgement.model_validate({**plain, **changed})


def under(gate: Gate, law: Judgement) -> Approvals:
    def says(_: Proposal) -> Judgement:
        return law

    return Approvals(gate.journal, gate._membership, lambda: gate.now, says)


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    async with open_gate(redis_url) as gate:
        yield gate


async def doubt(gate: Gate, law: Judgement) -> str | None:
    incident = await gate.incident()
    assert incident.proposal
    return await under(gate, law).doubt(incident, incident.proposal)


@pytest.mark.parametrize("more", STRICTER)
async def test_a_click_on_a_card_that_says_too_little_decides_nothing(gate: Gate, more: dict[str, Any]) -> None:
    proposal = await gate.propose()
    verdict = await under(gate, judged(**more)).approve(PROPOSAL, proposal.digest, "UANN")
    assert verdict.outcome == "overruled"
    assert "must be proposed again" in verdict.text
    assert await gate.kinds() == ["opened", "proposed"]


async def test_a_reason_that_policy_asks_for_by_now_may_be_given(gate: Gate) -> None:
    proposal = await gate.propose()
    approvals = under(gate, judged(reason_needed=True))
    assert (await approvals.approve(PROPOSAL, proposal.digest, "UANN", "The owner knows.")).outcome == "approved"
    assert await doubt(gate, judged(reason_needed=True)) is None


@pytest.mark.parametrize("more", STRICTER)
async def test_what_was_approved_under_a_milder_policy_does_not_run(gate: Gate, more: dict[str, Any]) -> None:
    proposal = await gate.propose()
    await gate.approvals.approve(PROPOSAL, proposal.digest, "UANN")
    assert await doubt(gate, judged()) is None
    assert "still count" in (await doubt(gate, judged(**more)) or "")


async def test_an_approval_of_another_version_does_not_count(gate: Gate) -> None:
    await gate.propose()
    forged = Approved(at=NOW, actor="UANN", proposal_id=PROPOSAL, digest="0" * 64)
    await gate.journal.append(INCIDENT, forged)
    assert "0 still count" in (await doubt(gate, judged()) or "")

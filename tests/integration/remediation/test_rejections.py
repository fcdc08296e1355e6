"""A rejection is a lesson: why people said no is what the next one finds who would do the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.memory import MemoryManager
from bot.models import Rejected
from bot.work.follow import SET_OFF
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, open_gate

WHY = "the quarterly ledger export writes that row until six"


async def test_why_it_was_rejected_is_found_by_the_next_incident_on_the_same_target(redis_url: str) -> None:
    async with open_gate(redis_url) as gate, MemoryManager.open(redis_url) as memory:
        proposal = await gate.propose()
        assert await memory.recall("what should we know before we write row a") == []
        await gate.approvals.reject(PROPOSAL, proposal.digest, "UANN", WHY)
        await memory.learn(await gate.incident(), permalink="https://x.slack.com/archives/C0/p1")
        [lesson] = await memory.recall("what should we know before we write row a")
    assert f"Rejected by UANN: {WHY}." in lesson.message.text
    assert "Action: test.count on row a." in lesson.message.text
    assert lesson.message.id == INCIDENT


@pytest.mark.parametrize("task", ["learn", "audit", "walk"])
def test_a_rejection_sets_off_that_it_is_learned_recorded_and_gone_on_from(task: str) -> None:
    rejected = Rejected(at=NOW + timedelta(minutes=1), actor="UANN", proposal_id=PROPOSAL, reason=WHY)
    assert rejected.kind in SET_OFF[task]

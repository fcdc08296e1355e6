"""The owners of a service are edited, or their file is broken, while a card about it is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.models import Phase, Proposal
from bot.register import Register
from bot.remediation.approvals import Approvals, Verdict
from bot.remediation.execution import AGAIN_S, Execution
from bot.remediation.policy import Judgement, rejudge
from bot.remediation.rules import Policy
from bot.remediation.standing import Standings
from tests.integration.remediation.gate import INCIDENT, PROPOSAL, Gate, open_gate

POLICY = Policy()
BROKEN = "services: {pay: {owners: {users: [UANN]"


class Replica:
    """A process whose approvers are the owners in its catalogue, and nobody else."""

    def __init__(self, gate: Gate, file: Path) -> None:
        self.gate, self.file = gate, file
        self.owned_by("UANN")
        self.register = Register(file)
        self.approvals = Approvals(gate.journal, gate._membership, lambda: gate.now, self._law)

    def owned_by(self, *users: str) -> None:
        self.file.write_text(f"services: {{pay: {{owners: {{users: [{', '.join(users)}]}}}}}}")

    async def propose(self) -> Proposal:
        return await self.gate.propose(service="pay", approver_users=("UANN", "UBOB"), approver_groups=())

    async def press(self, proposal: Proposal, user: str = "UANN") -> Verdict:
        return await self.approvals.approve(PROPOSAL, proposal.digest, user, "")

    async def run(self) -> float | None:
        gate = self.gate
        execution = Execution(
            gate.redis, gate.journal, gate.actions, lambda: gate.now, owner="r", warrant=self.approvals.doubt
        )
        return await execution.run(PROPOSAL)

    def _law(self, proposal: Proposal) -> Judgement:
        return rejudge(proposal, self.gate.now, self.register.now(), POLICY)


@pytest.fixture
async def replica(redis_url: str, tmp_path: Path) -> AsyncIterator[Replica]:
    async with open_gate(redis_url) as gate:
        yield Replica(gate, tmp_path / "services.yaml")


async def test_who_is_no_owner_any_more_may_not_approve_and_the_new_one_may(replica: Replica) -> None:
    proposal = await replica.propose()
    replica.owned_by("UBOB")
    denied = await replica.press(proposal)
    assert denied.outcome == "denied"
    assert "You are not among the approvers" in denied.text
    assert (await replica.press(proposal, "UBOB")).outcome == "approved"


async def test_an_approval_of_who_left_before_the_effect_does_not_run(replica: Replica) -> None:
    proposal = await replica.propose()
    assert (await replica.press(proposal)).outcome == "approved"
    replica.owned_by("UBOB")
    await replica.run()
    assert await replica.gate.effects() == 0
    event = (await replica.gate.journal.history(INCIDENT))[-1].event
    assert event.kind == "not_executed"
    assert "still count" in event.reason


@pytest.mark.parametrize("written", [BROKEN, "", "services: {pay: {ownerz: {}}}"], ids=["cut off", "empty", "misspelt"])
async def test_a_broken_file_lets_nobody_approve_and_says_why(replica: Replica, written: str) -> None:
    proposal = await replica.propose()
    replica.file.write_text(written)
    refused = await replica.press(proposal)
    assert (refused.outcome, (await replica.gate.incident()).phase) == ("overruled", Phase.AWAITING)
    assert "The service catalogue, which says who owns what, cannot be used now" in refused.text
    replica.owned_by("UANN")
    assert (await replica.press(proposal)).outcome == "approved"


async def test_it_is_broken_between_the_click_and_the_effect_and_mended_in_time(replica: Replica) -> None:
    proposal = await replica.propose()
    assert (await replica.press(proposal)).outcome == "approved"
    replica.file.write_text(BROKEN)
    assert await replica.run() == AGAIN_S
    assert await replica.gate.effects() == 0
    replica.owned_by("UANN")
    await replica.run()
    assert await replica.gate.effects() == 1


async def test_no_standing_approval_covers_anything_while_it_is_broken(replica: Replica) -> None:
    gate, proposal = replica.gate, await replica.propose()
    standings = Standings(gate.redis, replica.register.now, lambda: POLICY, gate._membership, lambda: gate.now)
    replica.file.write_text(BROKEN)
    assert await standings.covering(proposal) is None
    assert "cannot be used now" in str(await standings.grant("any", 1, "UANN"))

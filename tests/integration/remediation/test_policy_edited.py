"""The policy is edited, broken or taken away while a card is shown: what is stricter holds, and people are told why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.catalog import Catalog
from bot.models import Phase, Proposal
from bot.remediation.approvals import Approvals, Verdict
from bot.remediation.execution import AGAIN_S, PATIENCE, Execution
from bot.remediation.lawbook import Lawbook
from bot.remediation.policy import rejudge
from bot.settings import RemediationSettings
from tests.integration.remediation.gate import INCIDENT, NOW, PROPOSAL, Gate, open_gate
from tests.integration.work.test_office import Desk

PEOPLE = "approvers: {users: [UANN, UBOB], groups: [SONCALL]}\n"


class Replica:
    """One process at the gate, with a policy file of its own."""

    def __init__(self, gate: Gate, file: Path) -> None:
        self.gate, self.file = gate, file
        self.write("")
        self.lawbook = Lawbook(lambda: file if file.is_file() else None, RemediationSettings())
        self.approvals = Approvals(gate.journal, gate._membership, lambda: gate.now, self._law)

    def write(self, rules: str) -> None:
        self.file.write_text(f"{PEOPLE}{rules}")

    async def press(self, proposal: Proposal, user: str = "UANN", reason: str = "") -> Verdict:
        return await self.approvals.approve(PROPOSAL, proposal.digest, user, reason)

    async def run(self) -> float | None:
        gate = self.gate
        execution = Execution(
            gate.redis, gate.journal, gate.actions, lambda: gate.now, owner=self.file.stem,
            warrant=self.approvals.doubt,
        )  # fmt: skip
        return await execution.run(PROPOSAL)

    async def why_not(self) -> str:
        """Run what was approved; why it did not happen."""
        assert (await self.gate.incident()).phase is Phase.APPROVED
        await self.run()
        event = (await self.gate.journal.history(INCIDENT))[-1].event
        assert event.kind == "not_executed"
        assert await self.gate.effects() == 0
        return event.reason

    def _law(self, proposal: Proposal) -> Any:
        return rejudge(proposal, self.gate.now, Catalog(), self.lawbook.now())


@pytest.fixture
async def gate(redis_url: str) -> AsyncIterator[Gate]:
    async with open_gate(redis_url) as gate:
        yield gate


@pytest.fixture
def replica(gate: Gate, tmp_path: Path) -> Replica:
    return Replica(gate, tmp_path / "policy.yaml")


FREEZE = (
    f"freezes: [{{name: Xmas, start: {NOW - timedelta(days=1):%Y-%m-%dT%XZ}, "
    f"end: {NOW + timedelta(days=1):%Y-%m-%dT%XZ}}}]"
)
FOR_EVERYBODY = {
    "two people": ("tiers: {low: {approvals: 2}}", "it takes 2 approvals now, and this card asks for 1"),
    "a reason": ("tiers: {low: {reason: true}}", "needs a written reason now"),
    "a shorter time": ("tiers: {low: {valid_for_s: 60}}", "valid for 60 s now"),
    "a prohibition": ("forbidden: [{action: 'test.*', why: Ask the owner.}]", "Ask the owner."),
    "a freeze": (FREEZE, "'Xmas' is on"),
}
FOR_ONE = {
    "not an approver": ("", "You are not among the approvers"),
    "asked for it": ("tiers: {low: {requester: false}}", "You asked for this action"),
}


@pytest.mark.parametrize(("rules", "why"), FOR_EVERYBODY.values(), ids=FOR_EVERYBODY.keys())
async def test_what_has_become_stricter_for_everybody_is_told_to_who_clicks(
    gate: Gate, replica: Replica, rules: str, why: str
) -> None:
    proposal = await gate.propose()
    gate.now += timedelta(minutes=2)
    replica.write(rules)
    verdict = await replica.press(proposal)
    assert (verdict.outcome, (await gate.incident()).phase) == ("overruled", Phase.AWAITING)
    assert why in verdict.text
    assert "Nothing was run." in verdict.text


@pytest.mark.parametrize(("rules", "why"), FOR_EVERYBODY.values(), ids=FOR_EVERYBODY.keys())
async def test_what_has_become_stricter_after_the_click_does_not_run(
    gate: Gate, replica: Replica, rules: str, why: str
) -> None:
    proposal = await gate.propose()
    gate.now += timedelta(minutes=2)
    assert (await replica.press(proposal)).outcome == "approved"
    replica.write(rules)
    said = await replica.why_not()
    assert why.partition(",")[0].removesuffix(" now") in said or "still count" in said


@pytest.mark.parametrize(("rules", "why"), FOR_ONE.values(), ids=FOR_ONE.keys())
async def test_who_may_not_decide_any_more_is_told_so_and_another_may(
    gate: Gate, replica: Replica, rules: str, why: str
) -> None:
    proposal = await gate.propose(requested_by="UANN")
    replica.write(rules)
    if not rules:
        replica.file.write_text("approvers: {users: [UBOB]}")
    verdict = await replica.press(proposal)
    assert verdict.outcome == "denied"
    assert why in verdict.text
    assert "Policy has changed since this was proposed" in verdict.text
    assert (await replica.press(proposal, "UBOB")).outcome == "approved"


async def test_who_asked_for_it_approved_it_before_that_was_forbidden(gate: Gate, replica: Replica) -> None:
    proposal = await gate.propose(requested_by="UANN")
    assert (await replica.press(proposal)).outcome == "approved"
    replica.write("tiers: {low: {requester: false}}")
    assert "0 still count" in await replica.why_not()


async def test_a_policy_that_has_become_laxer_changes_nothing_for_a_card_that_is_shown(
    gate: Gate, replica: Replica
) -> None:
    proposal = await gate.propose(approvals_needed=2, reason_needed=True, approver_users=("UANN",), approver_groups=())
    replica.write("tiers: {low: {approvals: 1, reason: false, valid_for_s: 999999}}")
    assert (await replica.press(proposal)).outcome == "void"
    assert (await replica.press(proposal, "UBOB", "It helps.")).outcome == "denied"
    assert (await replica.press(proposal, "UANN", "It helps.")).outcome == "endorsed"
    gate.now += timedelta(minutes=15)
    assert "expired" in (await replica.press(proposal, "UANN", "It helps.")).text


async def test_a_rejection_needs_no_policy(gate: Gate, replica: Replica) -> None:
    proposal = await gate.propose()
    replica.file.write_text("[")
    assert (await replica.approvals.reject(PROPOSAL, proposal.digest, "UANN", "no")).outcome == "rejected"


# --- A file that cannot be used


async def test_while_it_is_broken_nobody_can_approve_and_the_thread_is_told_once(gate: Gate, replica: Replica) -> None:
    await gate.propose()
    gate.approvals = replica.approvals
    desk = Desk(gate)
    replica.file.write_text("tiers: {low: {approvals: 0}}")
    for user in ("UANN", "UBOB"):
        await desk.press(user)
    notes = [one.event for one in await gate.journal.history(INCIDENT) if one.event.kind == "note"]
    [note] = notes
    assert not note.quiet
    assert "nothing can be approved or run" in note.text
    assert "tiers.low.approvals: Input should be greater than or equal to 1" in note.text
    assert [user for user, text in desk.stage.told if "cannot be used now" in text] == ["UANN", "UBOB"]
    assert (await gate.incident()).phase is Phase.AWAITING


async def test_it_is_mended_and_the_same_click_counts(gate: Gate, replica: Replica) -> None:
    proposal = await gate.propose()
    replica.file.write_text("[")
    assert (await replica.press(proposal)).outcome == "overruled"
    replica.write("")
    assert (await replica.press(proposal)).outcome == "approved"


async def test_it_is_broken_between_the_click_and_the_effect_and_mended_in_time(gate: Gate, replica: Replica) -> None:
    proposal = await gate.propose()
    assert (await replica.press(proposal)).outcome == "approved"
    replica.file.write_text("")
    assert await replica.run() == AGAIN_S
    assert (await gate.effects(), (await gate.kinds())[-1]) == (0, "approved")
    replica.write("")
    assert await replica.run() is None
    assert await gate.effects() == 1


async def test_it_stays_broken_after_the_click_and_the_thread_says_why_nothing_ran(
    gate: Gate, replica: Replica
) -> None:
    proposal = await gate.propose()
    assert (await replica.press(proposal)).outcome == "approved"
    replica.file.unlink()
    assert await replica.run() == AGAIN_S
    gate.now += PATIENCE
    said = await replica.why_not()
    assert "nothing can be approved or run" in said
    assert "No such file" in said


# --- Two replicas that do not read the same file


@pytest.fixture
def strict(gate: Gate, tmp_path: Path) -> Replica:
    replica = Replica(gate, tmp_path / "strict.yaml")
    replica.write("tiers: {low: {approvals: 2}}")
    return replica


async def test_the_strict_one_takes_the_click(gate: Gate, strict: Replica) -> None:
    assert (await strict.press(await gate.propose())).outcome == "overruled"


async def test_the_lax_one_takes_the_click_and_the_strict_one_is_to_act(
    gate: Gate, replica: Replica, strict: Replica
) -> None:
    assert (await replica.press(await gate.propose())).outcome == "approved"
    assert "2 approvals, and of those given 1 still count" in await strict.why_not()


async def test_the_strict_one_proposed_it_and_the_lax_one_takes_the_clicks(gate: Gate, replica: Replica) -> None:
    proposal = await gate.propose(approvals_needed=2)
    assert [(await replica.press(proposal, user)).outcome for user in ("UANN", "UBOB")] == ["endorsed", "approved"]
    await replica.run()
    assert await gate.effects() == 1


async def test_one_of_them_cannot_read_its_file_and_the_other_goes_on(
    gate: Gate, replica: Replica, strict: Replica
) -> None:
    proposal = await gate.propose()
    strict.file.write_text("[")
    assert (await strict.press(proposal)).outcome == "overruled"
    assert (await replica.press(proposal)).outcome == "approved"
    assert await strict.run() == AGAIN_S
    await replica.run()
    assert await gate.effects() == 1

"""What a proposal says that is drafted from an action, its grounds and the policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.catalog import Catalog, Service
from bot.models import Proposal, Risk, Undo
from bot.remediation.http_call import HttpCall
from bot.remediation.proposal import Grounds, draft, matches
from bot.remediation.rules import load_policy
from bot.settings import HttpCallTemplate, RemediationSettings

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
CATALOG = Catalog(services={"search": Service(environment="staging")})
DRAIN = HttpCallTemplate(
    url="https://ops.example.com/drain", effect="Traffic leaves the pod.", service="search", risk="low",
    rollback="Call it again.",
)  # fmt: skip
SETTINGS = RemediationSettings(approver_users=("U1", "U2"), expires_s=600)


async def drafted(**more: Any) -> Proposal:
    action = HttpCall(CATALOG, {"drain": DRAIN})
    return await draft(
        action, action.accept({"call": "drain"}),
        Grounds(incident_id="i", why="It is overloaded.", confidence=0.9, **more),
        proposal_id="i.1", catalog=CATALOG, policy=load_policy(None, SETTINGS), verify_s=60, now=NOW,
    )  # fmt: skip


async def test_it_is_sealed_with_its_way_back() -> None:
    undo = Undo(action="http.call", parameters={"call": "undrain"})
    proposal = await drafted(undo=undo, undoes="i.0")
    assert (proposal.undo, proposal.undoes, proposal.rollback) == (undo, "i.0", "Call it again.")
    assert matches(proposal)


@pytest.mark.parametrize(("asked_s", "waits_s"), [(None, 600), (60, 60), (3600, 600)])
async def test_a_gate_may_wait_shorter_than_policy_says_and_never_longer(asked_s: float | None, waits_s: int) -> None:
    assert (await drafted(expires_s=asked_s)).expires_at - NOW == timedelta(seconds=waits_s)


@pytest.mark.parametrize(
    ("floor", "risk", "people"), [(None, Risk.LOW, 1), (Risk.READ_ONLY, Risk.LOW, 1), (Risk.HIGH, Risk.HIGH, 2)]
)
async def test_the_word_of_the_playbooks_author_can_only_raise_the_risk(
    floor: Risk | None, risk: Risk, people: int
) -> None:
    proposal = await drafted(floor=floor)
    assert (proposal.risk, proposal.approvals_needed) == (risk, people)


async def test_the_authors_own_words_about_the_way_back_come_first() -> None:
    assert (await drafted(rollback="Ask the owner.")).rollback == "Ask the owner."

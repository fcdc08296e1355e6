"""An approval is bound to exactly what was shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models import Evidence, Proposal, Risk, Undo, Verification
from bot.remediation.proposal import digest, matches, sealed

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
PROPOSAL = sealed(
    Proposal(
        id="inc-1.1",
        incident_id="inc-1",
        action="postgres.terminate_backend",
        parameters={
            "database": "payments",
            "pid": 4711,
            "backend_start": "2026-05-01T02:00:00Z",
            "nested": {"a": [1, 2.5]},
        },
        target="backend 4711 of database payments",
        effect="The session is ended.",
        why="It blocks five sessions.",
        risk=Risk.MEDIUM,
        risk_reasons=("It cannot be undone.",),
        reversible=False,
        blast_radius="One session.",
        rollback="Cannot be undone.",
        evidence=("database-1", "metrics-2"),
        confidence=0.8,
        verification=Verification(query="up", threshold=1, window_s=60),
        approvals_needed=1,
        approver_users=("U1",),
        approver_groups=("S1",),
        playbook="payments-db-locks",
        playbook_hash="abc",
        node="gate",
        proposed_at=NOW,
        expires_at=NOW + timedelta(minutes=15),
        timeout_s=20,
        digest="",
    )
)
CHANGES: dict[str, Any] = {
    "id": "inc-1.2",
    "incident_id": "inc-2",
    "action": "postgres.cancel_query",
    "parameters": {**PROPOSAL.parameters, "pid": 4712},
    "target": "backend 4712 of database payments",
    "effect": "Nothing much.",
    "why": "Because.",
    "risk": Risk.LOW,
    "risk_reasons": (),
    "reversible": True,
    "blast_radius": "Nobody.",
    "rollback": "Easy.",
    "undo": Undo(action="kubernetes.scale", parameters={"replicas": 3}),
    "undoes": "260301-OTHER.1",
    "evidence": ("metrics-2", "database-1"),
    "facts": (Evidence(id="metrics-2", statement="12 sessions wait.", observed_at=NOW),),
    "confidence": 0.81,
    "service": "other",
    "extent": "call=other",
    "made_of": "other",
    "reach": "session",
    "noticed_by": ("other",),
    "rehearsal": "accepted",
    "verification": Verification(query="up", threshold=0, window_s=60),
    "approvals_needed": 2,
    "approver_users": ("U1", "U2"),
    "approver_groups": (),
    "reason_needed": True,
    "requester_may_approve": False,
    "requested_by": "U9",
    "playbook": "other",
    "playbook_hash": "abd",
    "node": "other",
    "proposed_at": NOW + timedelta(microseconds=1),
    "expires_at": NOW + timedelta(hours=15),
    "timeout_s": 21,
}


def test_every_field_but_the_digest_is_bound() -> None:
    assert set(CHANGES) == set(Proposal.model_fields) - {"digest"}


@pytest.mark.parametrize("field", CHANGES)
def test_a_change_of_any_field_breaks_the_seal(field: str) -> None:
    changed = PROPOSAL.model_copy(update={field: CHANGES[field]})
    assert digest(changed) != PROPOSAL.digest
    assert not matches(changed)


def test_the_seal_survives_a_journey_through_json() -> None:
    assert matches(Proposal.model_validate_json(PROPOSAL.model_dump_json()))


def test_the_order_of_parameters_does_not_matter() -> None:
    turned = dict(reversed(list(PROPOSAL.parameters.items())))
    assert matches(PROPOSAL.model_copy(update={"parameters": turned}))


@pytest.mark.parametrize("forged", ["", "0" * 64, PROPOSAL.digest.upper(), PROPOSAL.digest[:-1], "é" * 64])
def test_any_other_digest_does_not_match(forged: str) -> None:
    assert not matches(PROPOSAL.model_copy(update={"digest": forged}))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=8), json_values, max_size=4))
def test_whatever_the_parameters_are_the_seal_survives_json(parameters: dict[str, Any]) -> None:
    proposal = sealed(PROPOSAL.model_copy(update={"parameters": parameters}))
    assert matches(Proposal.model_validate_json(proposal.model_dump_json()))


@given(
    st.dictionaries(st.text(max_size=8), json_values, max_size=4),
    st.dictionaries(st.text(max_size=8), json_values, max_size=4),
)
def test_different_parameters_have_different_seals(one: dict[str, Any], other: dict[str, Any]) -> None:
    seals = [digest(PROPOSAL.model_copy(update={"parameters": given})) for given in (one, other)]
    assert (seals[0] == seals[1]) is (repr(_ordered(one)) == repr(_ordered(other)))


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((key, _ordered(inner)) for key, inner in value.items())
    return [_ordered(inner) for inner in value] if isinstance(value, list) else value

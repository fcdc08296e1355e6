"""Incidents by their events, for tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.incidents.fold import fold
from bot.incidents.lifecycle import moves
from bot.models import (
    Alert,
    AlertStatus,
    Approved,
    Event,
    Evidence,
    Executed,
    Executing,
    Finding,
    Hypothesis,
    Incident,
    Opened,
    Phase,
    Proposal,
    Proposed,
    Question,
    Ranked,
    Recorded,
    Verified,
)

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
ID = "260301-TESTED"
PROPOSAL = f"{ID}.1"


def after(seconds: float) -> datetime:
    """So long after the alert."""
    return NOW + timedelta(seconds=seconds)


def alert(**changes: Any) -> Alert:
    """Payments fail."""
    return Alert.model_validate(
        {"source": "alertmanager", "name": "PaymentsFailing", "status": AlertStatus.FIRING, "fingerprint": "f",
         "service": "payments", "starts_at": NOW, **changes}
    )  # fmt: skip


def opened(**changes: Any) -> Opened:
    """The beginning."""
    return Opened(**{"at": NOW, "alert": alert(), "service": "payments", "channel": "C0PAY", **changes})


def proposal(**changes: Any) -> Proposal:
    """Something to decide on."""
    return Proposal.model_validate(
        {"id": PROPOSAL, "incident_id": ID, "action": "test.count", "parameters": {"name": "a"}, "target": "row a",
         "effect": "A row is written.", "why": "because", "risk": "low", "reversible": False,
         "blast_radius": "one row", "rollback": "cannot be undone", "confidence": 0.9, "approver_users": ("UANN",),
         "proposed_at": NOW, "expires_at": after(900), "timeout_s": 5.0, "digest": "d" * 64, **changes}
    )  # fmt: skip


def incident(*events: Event, identifier: str = ID) -> Incident:
    """The events, moved through the life cycle as the journal would move them. The stream's clock is the events'."""
    phase, history = "", []
    for number, event in enumerate(events):
        phase = moves(event)[phase].value
        stamp = f"{int(event.at.timestamp() * 1000)}-{number}"
        history.append(Recorded(id=stamp, phase=Phase(phase), event=event))
    return fold(identifier, history)


def to_verified(*, recovered: bool = True) -> tuple[Event, ...]:
    """From the alert to the verdict: proposed after 8 s, approved after 20, verified after 32."""
    return (
        opened(),
        Ranked(at=after(5), hypotheses=(hypothesis(),)),
        Proposed(at=after(8), proposal=proposal()),
        Approved(at=after(20), actor="UANN", proposal_id=PROPOSAL, digest="d" * 64),
        Executing(at=after(21), proposal_id=PROPOSAL, owner="w"),
        Executed(at=after(22), proposal_id=PROPOSAL, outcome="a row was written"),
        Verified(at=after(32), proposal_id=PROPOSAL, recovered=recovered),
    )


def hypothesis(**changes: Any) -> Hypothesis:
    """A session blocks others."""
    return Hypothesis(
        **{"service": "payments", "indicator": "blocked_sessions", "kind": "blocking_session",
           "statement": "Session 1 blocks 12 sessions.", "score": 1.0, "confidence": 0.63, **changes}
    )  # fmt: skip


def finding(kind: str = "error_rate", *, agent: str = "metrics", score: float = 0.9, **changes: Any) -> Finding:
    """What an agent saw."""
    return Finding.model_validate(
        {"agent": agent, "title": f"{kind} of payments", "service": "payments", "indicator": kind, "kind": kind,
         "score": score, "started_at": NOW, "evidence": (evidence(f"{agent}-{kind}"),), **changes}
    )  # fmt: skip


def evidence(name: str, **changes: Any) -> Evidence:
    """One fact."""
    return Evidence.model_validate({"id": name, "statement": f"{name} was seen.", "observed_at": NOW, **changes})


def question() -> Question:
    """What a drawing asks."""
    return Question(
        id=f"{ID}.q1", text="Did you deploy?", answers=("yes", "no"), playbook="p", node="who", expires_at=after(60)
    )

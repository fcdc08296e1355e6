"""An incident in a few sentences: cause, what decided, action, outcome, who."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.memory.lessons import lesson
from bot.memory.reserved import INCIDENTS
from bot.models import (
    Alert,
    AlertStatus,
    Approved,
    Event,
    Evidence,
    Executed,
    Finding,
    Hypothesis,
    Incident,
    Phase,
    Recorded,
    Resolved,
    Verified,
)

AT = datetime(2026, 3, 3, 12, tzinfo=UTC)
ALERT = Alert(source="generic", name="PaymentErrors", status=AlertStatus.FIRING, fingerprint="f00d", service="payments")
FACT = Evidence(id="database-1", statement="session 4711 blocks 12 others", observed_at=AT)
FOUND = Finding(
    agent="database", title="blocked", indicator="blocked_sessions", kind="lock", score=0.9, evidence=(FACT,)
)
CAUSE = Hypothesis(
    service="payments", indicator="blocked_sessions", kind="lock", statement="A migration holds a lock.", score=3,
    confidence=0.8, evidence_for=("database-1",),
)  # fmt: skip


def _incident(*events: Event, hypotheses: tuple[Hypothesis, ...] = (CAUSE,)) -> Incident:
    history = tuple(
        Recorded(id=f"{number}-0", phase=Phase.RESOLVED, event=event) for number, event in enumerate(events)
    )
    return Incident(
        id="inc-7", phase=Phase.RESOLVED, opened_at=AT, alert=ALERT, alerts=(ALERT,), service="payments",
        findings=(FOUND,), hypotheses=hypotheses, history=history,
    )  # fmt: skip


def test_a_solved_incident_tells_the_whole_story() -> None:
    end = AT + timedelta(minutes=9)
    message = lesson(
        _incident(
            Approved(at=AT, actor="U1", proposal_id="p", digest="d"),
            Executed(at=AT, proposal_id="p", outcome="Session 4711 was ended."),
            Verified(at=AT, proposal_id="p", recovered=True, statement="error rate 12 % to 0.2 %"),
            Resolved(at=end, reason="the alert resolved"),
        )
    )
    assert message.channel == INCIDENTS
    assert message.id == "inc-7"
    assert message.sent_at == end
    assert message.text == (
        "Past incident inc-7: PaymentErrors on payments, 2026-03-03 12:00 UTC. "
        "Cause: A migration holds a lock (confidence 80%). Decided by: session 4711 blocks 12 others. "
        "Approved by U1. Done: Session 4711 was ended. It helped: error rate 12 % to 0.2 %. "
        "Resolved: the alert resolved. Fingerprint: f00d."
    )


def test_an_incident_without_a_cause_says_so() -> None:
    assert "Cause: not found." in lesson(_incident(hypotheses=())).text

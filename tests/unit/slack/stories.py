"""Incidents as the journal would hand them over, for tests of what Slack shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.incidents.fold import fold
from bot.models import (
    AgentName,
    Alert,
    AlertJoined,
    AlertStatus,
    Approved,
    Asked,
    Brief,
    Briefed,
    BriefLine,
    Event,
    Evidence,
    Executed,
    Executing,
    Finding,
    Found,
    Gap,
    Hypothesis,
    Incident,
    Opened,
    Phase,
    Proposal,
    Proposed,
    Question,
    Ranked,
    Recorded,
    Rejected,
    Resolved,
    Risk,
    Severity,
    Verification,
    Verified,
)

NOW = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
MINA = "U0MINA"
LEADS_TO = {
    "proposed": Phase.AWAITING,
    "endorsed": Phase.AWAITING,
    "approved": Phase.APPROVED,
    "executing": Phase.EXECUTING,
    "executed": Phase.VERIFYING,
    "outcome_unknown": Phase.OUTCOME_UNKNOWN,
    "verified": Phase.RECOVERED,
    "handed_over": Phase.HANDED_OVER,
    "resolved": Phase.RESOLVED,
}


def at(minutes: float) -> datetime:
    """So many minutes into the story."""
    return NOW + timedelta(minutes=minutes)


def alert(**changes: Any) -> Alert:
    """The database lock, as Alertmanager tells it."""
    told = {
        "source": "alertmanager",
        "name": "PaymentErrorRateHigh",
        "status": AlertStatus.FIRING,
        "severity": Severity.HIGH,
        "service": "payments",
        "summary": "5xx of payments at 12 %",
        "starts_at": NOW,
        "fingerprint": "f1",
        "url": "https://alerts.example.com/1",
    }
    return Alert(**{**told, **changes})


def proposal(**changes: Any) -> Proposal:
    """End the session that blocks the others."""
    offered = {
        "id": "NDK4:p1",
        "incident_id": "NDK4",
        "action": "postgres.terminate_backend",
        "parameters": {"pid": 4711},
        "target": "backend 4711 of database payments",
        "effect": "Ends the session that holds the lock.",
        "why": "It blocks 23 others.",
        "risk": Risk.MEDIUM,
        "risk_reasons": ("production",),
        "reversible": False,
        "blast_radius": "one session; its transaction is rolled back",
        "rollback": "The batch job can be started again.",
        "evidence": ("database-1",),
        "confidence": 0.86,
        "verification": Verification(query="errors:rate1m", threshold=0.01, window_s=120),
        "proposed_at": at(2),
        "expires_at": at(17),
        "timeout_s": 30,
        "digest": "a1b2c3d4e5f60718" * 4,
    }
    return Proposal(**{**offered, **changes})


def finding(**changes: Any) -> Finding:
    """What the database agent saw."""
    seen = {
        "agent": "database",
        "title": "Session 4711 blocks 23 others",
        "service": "payments",
        "indicator": "blocked_sessions",
        "kind": "blocking_session",
        "score": 0.9,
        "started_at": at(-3),
        "evidence": (
            Evidence(
                id="database-1",
                statement="23 sessions wait for 4711",
                query="pg_blocking_pids",
                observed_at=at(1),
                value=23,
                baseline=0,
                unit="sessions",
            ),
        ),
    }
    return Finding(**{**seen, **changes})


def looked(agent: AgentName, *, score: float, asked_by: AgentName | None = None) -> Found:
    """An agent's answer of one finding; the answer to a question is a second look of the same."""
    said = finding(agent=agent, title=f"{agent} said so", kind="latency", indicator="x", score=score, evidence=())
    question = "what was changed before that?" if asked_by else ""
    return Found(at=at(1), agent=agent, findings=(said,), seconds=1, look=f"{agent}.look {{}}", asked_by=asked_by,
                 question=question)  # fmt: skip


def until_proposed() -> list[Event]:
    """From the alert to the question."""
    quote = BriefLine(
        text="the nightly batch holds locks <!channel>", user=MINA, said_at=at(-9000), section="known",
        permalink="https://slack.example.com/archives/C1/p1",
    )  # fmt: skip
    cause = Hypothesis(
        service="payments", indicator="blocked_sessions", kind="blocking_session", score=3,
        statement="A batch session holds a lock", confidence=0.86, evidence_for=("database-1",), empty=("changes",),
    )  # fmt: skip
    gap = Gap(source="loki", reason="timed out")
    return [
        Opened(at=NOW, alert=alert(), channel="C0PAYMENTS", service="payments"),
        Briefed(at=at(0.1), brief=Brief(role="commander", lines=(quote,), considered=240)),
        Found(at=at(1), agent="database", findings=(finding(),), gaps=(gap,), seconds=1.2),
        Ranked(at=at(1.5), hypotheses=(cause,), explanation="The lock came first."),
        Proposed(at=at(2), proposal=proposal()),
    ]


def until_resolved() -> list[Event]:
    """To the good end."""
    about = {"proposal_id": "NDK4:p1"}
    return [
        *until_proposed(),
        Approved(at=at(3), actor=MINA, digest=proposal().digest, **about),
        Executing(at=at(3), owner="w1", **about),
        Executed(at=at(3), outcome="Session 4711 was ended.", **about),
        Verified(at=at(5), recovered=True, before=0.12, after=0.001, seconds=90, statement="Errors are gone.", **about),
        Resolved(at=at(6), reason="The alert is resolved."),
    ]


def until_asked() -> list[Event]:
    """The drawing asks people."""
    asked = Question(
        id="NDK4.q1", text="Did you <b>deploy</b>?", answers=("yes", "no"), playbook="drawn", node="who",
        expires_at=at(17),
    )  # fmt: skip
    return [*until_proposed()[:4], Asked(at=at(2), question=asked)]


def until_rejected() -> list[Event]:
    """A person says no."""
    return [*until_proposed(), Rejected(at=at(3), actor=MINA, proposal_id="NDK4:p1", reason="It is the backup.")]


def joined(number: int, **changes: Any) -> AlertJoined:
    """Another alert of the same trouble."""
    return AlertJoined(at=at(1), alert=alert(fingerprint=f"f{number}", **changes), why="same service")


def incident(events: Sequence[Event]) -> Incident:
    """The incident that the events add up to."""
    phase = Phase.INVESTIGATING
    history = []
    for number, event in enumerate(events, start=1):
        phase = LEADS_TO.get(event.kind, Phase.INVESTIGATING if event.kind in {"rejected", "expired"} else phase)
        history.append(Recorded(id=f"{1000 + number}-0", phase=phase, event=event))
    return fold("NDK4", history)

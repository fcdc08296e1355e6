"""What an incident leaves behind for the next one: one statement that memory can find."""

from __future__ import annotations

from bot.models import Incident, Message

CHANNEL = "#incidents"
"""Where memory keeps what past incidents taught; no channel of a workspace has this id."""


def lesson_of(incident: Incident) -> Message:
    """Cause, action, outcome and people, in one paragraph. The same incident again replaces it."""
    return Message(
        id=incident.id,
        channel=CHANNEL,
        user="nightdesk",
        text=" ".join(part for part in _parts(incident) if part),
        sent_at=incident.history[-1].event.at,
    )


def _parts(incident: Incident) -> list[str]:
    started = f"{incident.opened_at:%Y-%m-%d %H:%M} UTC"
    about = incident.service or "an unknown service"
    best = incident.hypotheses[0] if incident.hypotheses else None
    return [
        f"Past incident {incident.id}: {incident.alert.name} on {about}, {started}.",
        f"Likely cause ({best.confidence:.0%}): {best.statement.rstrip('.')}." if best else "The cause stayed unknown.",
        *(_deed(incident) if incident.proposal else ["Nothing was proposed."]),
        f"Now {incident.phase}.",
    ]


def _deed(incident: Incident) -> list[str]:
    proposal = incident.proposal
    assert proposal is not None
    said = [f"Proposed: {proposal.action} on {proposal.target}."]
    for recorded in incident.history:
        event = recorded.event
        if getattr(event, "proposal_id", None) != proposal.id:
            continue
        if event.kind == "approved":
            said.append(f"Approved by {event.actor}.")
        elif event.kind == "rejected":
            said.append(f"Rejected by {event.actor}: {event.reason}.")
        elif event.kind == "verified":
            said.append("It helped." if event.recovered else "It did not help.")
        elif event.kind in {"expired", "not_executed", "outcome_unknown"}:
            said.append(f"It ended as '{event.kind.replace('_', ' ')}'.")
    return said

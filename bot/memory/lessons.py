"""What a closed incident teaches: cause, the evidence that decided, action, outcome and who."""

from __future__ import annotations

from collections.abc import Iterator

from bot.memory.reserved import INCIDENTS
from bot.models import (
    Approved,
    Executed,
    HandedOver,
    Incident,
    Message,
    NotExecuted,
    OutcomeUnknown,
    Proposed,
    Rejected,
    Resolved,
    Verified,
)

EVIDENCE_TOLD = 3


def lesson(incident: Incident) -> Message:
    """The incident as one statement that later questions find; the same incident again replaces it."""
    ended = incident.history[-1].event.at if incident.history else incident.opened_at
    return Message(
        id=incident.id, channel=INCIDENTS, user="nightdesk", text=" ".join(_sentences(incident)), sent_at=ended
    )


def _sentences(incident: Incident) -> Iterator[str]:
    where = f" on {incident.service}" if incident.service else ""
    yield f"Past incident {incident.id}: {incident.alert.name}{where}, {incident.opened_at:%Y-%m-%d %H:%M} UTC."
    yield from _cause(incident)
    for recorded in incident.history:
        if told := _told(recorded.event):
            yield told
    yield f"Fingerprint: {incident.alert.fingerprint}."


def _cause(incident: Incident) -> Iterator[str]:
    if not incident.hypotheses:
        yield "Cause: not found."
        return
    best = incident.hypotheses[0]
    yield f"Cause: {best.statement.rstrip('.')} (confidence {best.confidence:.0%})."
    facts = {evidence.id: evidence.statement for finding in incident.findings for evidence in finding.evidence}
    deciding = [facts[name].rstrip(".") for name in best.evidence_for if name in facts][:EVIDENCE_TOLD]
    if deciding:
        yield f"Decided by: {'; '.join(deciding)}."


def _told(event: object) -> str:
    """An event that shows how it ended, in a sentence; nothing for the others."""
    match event:
        case Proposed(proposal=offered):
            told = f"{'Way back' if offered.undoes else 'Action'}: {offered.action} on {offered.target}."
        case Approved():
            told = f"Approved by {event.actor}."
        case Rejected():
            told = f"Rejected by {event.actor}: {event.reason.rstrip('.')}."
        case Executed():
            told = f"Done: {event.outcome.rstrip('.')}."
        case NotExecuted() | OutcomeUnknown():
            told = f"Not done for sure: {event.reason.rstrip('.')}."
        case Verified():
            verdict = "It helped" if event.recovered else "It did not help"
            told = f"{verdict}{': ' + event.statement.rstrip('.') if event.statement else ''}."
        case Resolved() | HandedOver():
            told = f"{'Resolved' if isinstance(event, Resolved) else 'Handed over'}: {event.reason.rstrip('.')}."
        case _:
            told = ""
    return told

"""Where a proposal stands, read from the incident's events."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.models import (
    Approved,
    Endorsed,
    Event,
    Executed,
    Executing,
    Expired,
    Incident,
    NotExecuted,
    OutcomeUnknown,
    Phase,
    Proposal,
    Rejected,
    Verified,
)

Outcome = Executing | Executed | NotExecuted | OutcomeUnknown | Verified
OUTCOMES = (Executing, Executed, NotExecuted, OutcomeUnknown, Verified)


@dataclass(frozen=True)
class Standing:
    """What has become of one proposal."""

    open: bool
    endorsed: tuple[Endorsed, ...] = ()
    decision: Approved | Rejected | Expired | None = None
    outcome: Outcome | None = None
    events: tuple[Event, ...] = field(default=())


def standing(proposal: Proposal, incident: Incident) -> Standing:
    """What the events say about the proposal. It is open only while it is the latest and nobody has decided."""
    events = incident.about(proposal.id)
    decision = next((event for event in events if isinstance(event, Approved | Rejected | Expired)), None)
    current = incident.proposal is not None and incident.proposal.id == proposal.id
    return Standing(
        open=decision is None and current and incident.phase is Phase.AWAITING,
        endorsed=tuple(event for event in events if isinstance(event, Endorsed)),
        decision=decision,
        outcome=next((event for event in reversed(events) if isinstance(event, OUTCOMES)), None),
        events=events,
    )

"""Where a proposal stands, read from the incident's events."""

from __future__ import annotations

from collections.abc import Iterator
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
    Proposed,
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
    events = tuple(_about(proposal.id, incident))
    decision = next((event for event in events if isinstance(event, Approved | Rejected | Expired)), None)
    current = incident.proposal is not None and incident.proposal.id == proposal.id
    return Standing(
        open=decision is None and current and incident.phase is Phase.AWAITING,
        endorsed=tuple(event for event in events if isinstance(event, Endorsed)),
        decision=decision,
        outcome=next((event for event in reversed(events) if isinstance(event, OUTCOMES)), None),
        events=events,
    )


def find_proposal(proposal_id: str, incident: Incident) -> Proposal | None:
    """The proposal of that id, if the incident has had one."""
    proposals = (r.event.proposal for r in incident.history if isinstance(r.event, Proposed))
    return next((proposal for proposal in proposals if proposal.id == proposal_id), None)


def _about(proposal_id: str, incident: Incident) -> Iterator[Event]:
    for recorded in incident.history:
        if getattr(recorded.event, "proposal_id", None) == proposal_id:
            yield recorded.event

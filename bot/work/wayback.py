"""The way back: what did not help is proposed to be taken back, before the drawing goes on without it.

The drawing says how a change is undone, and that was sealed into its proposal. Taking it back is a change like any
other: a proposal of its own, which people approve or reject. Until then the drawing waits; then it goes
on as if the change had not helped, unless taking it back did.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

import structlog

from bot.errors import IllegalTransition
from bot.incidents import Journal
from bot.models import Event, Incident, Noted, OutcomeUnknown, Proposal, Proposed, Reopened, Verified
from bot.remediation.proposal import Grounds
from bot.work.drafting import Draft, Wish, next_proposal_id

log = structlog.get_logger(__name__)

SETTLED = frozenset({"rejected", "expired", "not_executed", "outcome_unknown", "verified"})
"""Events after which a proposal asks nobody and does nothing any more."""
TOUCHED = frozenset({"executed", "outcome_unknown"})
"""Events after which nobody may say any more that the target is as it was."""


@dataclass(frozen=True)
class WayBack:
    """Proposes it."""

    journal: Journal
    draft: Draft
    clock: Callable[[], datetime]

    async def stands_open(self, incident: Incident, proposal: Proposal) -> bool:
        """Whether taking the change back is being asked, done or watched; it is proposed here if it never was."""
        back = taking_back(incident, proposal)
        if back is not None:
            return settled(incident, back) is None
        if proposal.undo is None or await self.journal.field(incident.id, _refused(proposal)):
            return False
        return await self._propose(incident, proposal)

    async def _propose(self, incident: Incident, proposal: Proposal) -> bool:
        assert proposal.undo is not None
        grounds = Grounds(
            incident_id=incident.id,
            why=_why(incident, proposal),
            confidence=proposal.confidence,
            evidence=proposal.evidence,
            facts=proposal.facts,
            playbook=proposal.playbook,
            playbook_hash=proposal.playbook_hash,
            node=proposal.node,
            verification=proposal.verification,
            undoes=proposal.id,
            floor=proposal.undo.risk,
            requested_by=proposal.requested_by,
        )
        wish = Wish(
            proposal_id=next_proposal_id(incident),
            action=proposal.undo.action,
            parameters=proposal.undo.parameters,
            grounds=grounds,
        )
        drafted = await self.draft(wish)
        if drafted.proposal is None:
            text = f"Taking it back cannot be proposed: {drafted.refusal}"
            said = {_refused(proposal): "1"}
            await self.journal.append(incident.id, Noted(at=self.clock(), text=text), once=f"no-way-back:{proposal.id}",
                                      fields=said)  # fmt: skip
            return False
        try:
            proposed = Proposed(at=self.clock(), proposal=drafted.proposal)
            await self.journal.append(incident.id, proposed, once=f"way-back:{proposal.id}", fields=drafted.fields)
        except IllegalTransition as busy:
            # Another gate of the drawing waits for people; this one opens on the walk after that decision.
            log.info("wayback.waits", incident=incident.id, proposal=proposal.id, why=str(busy))
        return True


def _why(incident: Incident, proposal: Proposal) -> str:
    seen = settled(incident, proposal)
    statement = seen.statement if isinstance(seen, Verified) else ""
    said = ("It did not help", proposal.effect), ("Seen afterwards", statement)
    told = [f"{name}: {text.strip().rstrip('.')}." for name, text in said if text.strip()]
    return " ".join([*told, *_since(incident, proposal), "The playbook's way back takes it back."])


def taking_back(incident: Incident, proposal: Proposal) -> Proposal | None:
    """The proposal that takes that one back, if there is one."""
    return next((one for one in incident.proposals if one.undoes == proposal.id), None)


def settled(incident: Incident, proposal: Proposal) -> Event | None:
    """The event after which that proposal asks nobody and does nothing any more; None while it does."""
    return next((event for event in incident.about(proposal.id) if event.kind in SETTLED), None)


def what_counts(incident: Incident, proposal: Proposal, end: Event) -> Event:
    """The event by which the drawing goes on: how the change ended, unless taking it back helped or left a doubt."""
    back = taking_back(incident, proposal)
    undone = settled(incident, back) if back else None
    if isinstance(undone, OutcomeUnknown) or (isinstance(undone, Verified) and undone.recovered):
        return undone
    return end


def left_in_place(incident: Incident) -> Iterator[str]:
    """What did not help, could be taken back, and was not: whoever carries on must know it."""
    for proposal in _since_opened(incident):
        end = settled(incident, proposal)
        back = taking_back(incident, proposal)
        if proposal.undo is None or not isinstance(end, Verified) or end.recovered:
            continue
        if back is None or not any(event.kind in TOUCHED for event in incident.about(back.id)):
            yield f"What did not help is still in place: {proposal.effect.rstrip('.')}."


def _since(incident: Incident, proposal: Proposal) -> Iterator[str]:
    """What else was done to the same target or service after it."""
    proposals = incident.proposals
    for one in proposals[proposals.index(proposal) + 1 :]:
        near = one.target == proposal.target or (one.service is not None and one.service == proposal.service)
        if near and any(event.kind == "executed" for event in incident.about(one.id)):
            yield f"Since then this was done there too: {one.effect.rstrip('.')}."


def _since_opened(incident: Incident) -> list[Proposal]:
    """What was proposed since it was opened for the last time, in order."""
    found: list[Proposal] = []
    for recorded in incident.history:
        if isinstance(recorded.event, Proposed):
            found.append(recorded.event.proposal)
        elif isinstance(recorded.event, Reopened):
            found.clear()
    return found


def _refused(proposal: Proposal) -> str:
    return f"no-way-back:{proposal.id}"

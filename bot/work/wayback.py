"""The way back: what did not help is proposed to be taken back, before the drawing goes on without it.

The drawing says how a change is undone, and that was sealed into its proposal. Taking it back is a change like any
other: a proposal of its own, which people approve or reject. Until then the drawing waits; then it goes
on as if the change had not helped, unless taking it back did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from bot.errors import IllegalTransition
from bot.incidents import Journal
from bot.models import Incident, Noted, Proposal, Proposed, Verified
from bot.remediation.proposal import Grounds
from bot.work.drafting import Draft, Wish

log = structlog.get_logger(__name__)

SETTLED = frozenset({"rejected", "expired", "not_executed", "outcome_unknown", "verified"})
"""Events after which a proposal asks nobody and does nothing any more."""


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
            why=f"It did not help: {proposal.effect.rstrip('.')}. It is taken back, as the playbook says.",
            confidence=proposal.confidence,
            evidence=proposal.evidence,
            facts=proposal.facts,
            playbook=proposal.playbook,
            playbook_hash=proposal.playbook_hash,
            node=proposal.node,
            verification=proposal.verification,
            undoes=proposal.id,
        )
        number = sum(isinstance(recorded.event, Proposed) for recorded in incident.history) + 1
        wish = Wish(
            proposal_id=f"{incident.id}.{number}",
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
        known = {} if drafted.before is None else {f"before:{drafted.proposal.id}": repr(drafted.before)}
        try:
            proposed = Proposed(at=self.clock(), proposal=drafted.proposal)
            await self.journal.append(incident.id, proposed, once=f"way-back:{proposal.id}", fields=known)
        except IllegalTransition as busy:
            # Another gate of the drawing waits for people; this one opens on the walk after that decision.
            log.info("wayback.waits", incident=incident.id, proposal=proposal.id, why=str(busy))
        return True


def acted_on(incident: Incident) -> Proposal | None:
    """The latest proposal that takes nothing back."""
    forward = (one for one in reversed(_proposals(incident)) if one.undoes is None)
    return next(forward, None)


def taking_back(incident: Incident, proposal: Proposal) -> Proposal | None:
    """The proposal that takes that one back, if there is one."""
    return next((one for one in _proposals(incident) if one.undoes == proposal.id), None)


def settled(incident: Incident, proposal: Proposal) -> Any:
    """The event after which that proposal asks nobody and does nothing any more; None while it does."""
    ends = (
        recorded.event
        for recorded in incident.history
        if recorded.event.kind in SETTLED and getattr(recorded.event, "proposal_id", None) == proposal.id
    )
    return next(ends, None)


def undone_well(incident: Incident, proposal: Proposal) -> bool:
    """Whether taking it back was what helped."""
    back = taking_back(incident, proposal)
    end = settled(incident, back) if back else None
    return isinstance(end, Verified) and end.recovered


def _proposals(incident: Incident) -> list[Proposal]:
    return [recorded.event.proposal for recorded in incident.history if isinstance(recorded.event, Proposed)]


def _refused(proposal: Proposal) -> str:
    return f"no-way-back:{proposal.id}"

"""The gate: who may decide, on exactly what, once.

Everything is read again on the server; what the button says is only the question. Any doubt is a no.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.errors import Denied, IllegalTransition, NotFound
from bot.incidents.journal import Journal
from bot.models import Approved, Endorsed, Expired, Incident, Phase, Proposal, Rejected
from bot.remediation.proposal import matches
from bot.settings import RemediationSettings

Clock = Callable[[], datetime]
Membership = Callable[[str, str], Awaitable[bool]]
"""(user, group) → whether the user is in the group now. Raises Denied where that cannot be told."""

LONGEST_REASON = 2000
SHORTEST_DIGEST = 16
"""Hexadecimal digits that a click must carry: 64 bits of what was shown."""


async def may_decide(settings: RemediationSettings, membership: Membership, user: str) -> bool:
    """Whether the user is among the approvers of the settings; a group that cannot be read does not count."""
    if user in settings.approver_users:
        return True
    try:
        return any([await membership(user, group) for group in settings.approver_groups])
    except Denied:
        return False


@dataclass(frozen=True)
class Verdict:
    """What became of a click, in words for the person who clicked."""

    outcome: Literal["approved", "endorsed", "rejected", "already", "denied", "void"]
    text: str


def incident_of(proposal_id: str) -> str:
    """The incident that a proposal id belongs to."""
    return proposal_id.rpartition(".")[0]


class Approvals:
    """Decides on proposals. The journal's compare-and-set makes every decision the only one."""

    def __init__(self, journal: Journal, membership: Membership, clock: Clock) -> None:
        self._journal = journal
        self._membership = membership
        self._clock = clock

    async def approve(self, proposal_id: str, digest: str, user: str) -> Verdict:
        """Count the user's approval of exactly this digest."""
        while True:
            stand = await self._stand(proposal_id, digest, user)
            if isinstance(stand, Verdict):
                return stand
            try:
                return await self._approve(*stand, user)
            except IllegalTransition:
                continue  # somebody was faster: look again at what is true now

    async def reject(self, proposal_id: str, digest: str, user: str, reason: str) -> Verdict:
        """Reject it; the reason is kept."""
        if not reason.strip():
            return Verdict("void", "A rejection needs a reason: it is what the next person learns from.")
        while True:
            stand = await self._stand(proposal_id, digest, user)
            if isinstance(stand, Verdict):
                return stand
            incident, proposal = stand
            event = Rejected(
                at=self._clock(), actor=user, proposal_id=proposal.id, reason=reason.strip()[:LONGEST_REASON]
            )
            try:
                await self._journal.append(incident.id, event, expected=_exactly(proposal))
            except IllegalTransition:
                continue
            return Verdict("rejected", "Rejected. Nothing was run.")

    async def expire(self, proposal_id: str) -> bool:
        """Close the gate if its time is over and nobody decided; whether it was closed now."""
        try:
            incident = await self._journal.read(incident_of(proposal_id))
        except NotFound:
            return False
        proposal = incident.proposal
        if not proposal or proposal.id != proposal_id or self._clock() < proposal.expires_at:
            return False
        try:
            event = Expired(at=self._clock(), proposal_id=proposal_id)
            await self._journal.append(incident.id, event, expected=_exactly(proposal))
        except IllegalTransition:
            return False
        return True

    async def _stand(self, proposal_id: str, digest: str, user: str) -> Verdict | tuple[Incident, Proposal]:
        """The proposal, if this user may decide on it now; else why not."""
        try:
            incident = await self._journal.read(incident_of(proposal_id))
        except NotFound:
            return Verdict("void", "There is no such proposal. Nothing was run.")
        proposal = incident.proposal
        if proposal is None or proposal.id != proposal_id:
            return Verdict("void", "A newer proposal has taken the place of this one. Nothing was run.")
        if len(digest) < SHORTEST_DIGEST or not proposal.digest.startswith(digest) or not matches(proposal):
            return Verdict(
                "void", "This card does not show what would run now, so it decides nothing. Nothing was run."
            )
        if incident.phase is not Phase.AWAITING:
            return Verdict("already", _who_decided(incident, proposal))
        if self._clock() >= proposal.expires_at:
            return Verdict("void", "This proposal has expired. Nothing was run.")
        refusal = await self._refusal(proposal, user)
        return Verdict("denied", refusal) if refusal else (incident, proposal)

    async def _refusal(self, proposal: Proposal, user: str) -> str | None:
        if not proposal.approver_users and not proposal.approver_groups:
            return "Nobody is named as approver for this action, so nobody may decide on it (settings: remediation)."
        if proposal.approvals_needed > 1 and user == proposal.requested_by:
            return "You asked for this action, so another person must decide on it."
        if user in proposal.approver_users:
            return None
        try:
            for group in proposal.approver_groups:
                if await self._membership(user, group):
                    return None
        except Denied as doubt:
            return f"{doubt} Nothing was run."
        return "You are not among the approvers of this action. Your click was recorded; nothing was run."

    async def _approve(self, incident: Incident, proposal: Proposal, user: str) -> Verdict:
        at = self._clock()
        already = await self._journal.field(incident.id, "endorsed_by") or ""
        endorsers = already.split(",") if already else []
        if user in endorsers:
            return Verdict("already", "You have approved this already; it needs another person.")
        expected = {**_exactly(proposal), "endorsed_by": already}
        missing = proposal.approvals_needed - len(endorsers) - 1
        if missing > 0:
            event = Endorsed(at=at, actor=user, proposal_id=proposal.id, digest=proposal.digest)
            fields = {"endorsed_by": ",".join([*endorsers, user])}
            await self._journal.append(incident.id, event, expected=expected, fields=fields)
            return Verdict("endorsed", f"Approved by you; {missing} more needed, from another person.")
        approved = Approved(at=at, actor=user, proposal_id=proposal.id, digest=proposal.digest)
        await self._journal.append(incident.id, approved, expected=expected)
        return Verdict("approved", "Approved.")


def _exactly(proposal: Proposal) -> dict[str, str]:
    return {"proposal": proposal.id, "digest": proposal.digest}


def _who_decided(incident: Incident, proposal: Proposal) -> str:
    for recorded in reversed(incident.history):
        event = recorded.event
        if event.kind in {"approved", "rejected"} and getattr(event, "proposal_id", None) == proposal.id:
            return f"Already {event.kind} by <@{event.actor}>."
        if event.kind == "expired" and event.proposal_id == proposal.id:
            return "This proposal has expired. Nothing was run."
    return f"The incident is {incident.phase}, so there is nothing to decide. Nothing was run."

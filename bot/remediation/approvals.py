"""The gate: who may decide, on exactly what, once.

Everything is read again on the server; what the button says is only the question. Any doubt is a no.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bot.errors import Denied, IllegalTransition, NotFound, NotNow, RemediationError
from bot.incidents.journal import Journal
from bot.models import Approved, Endorsed, Expired, Incident, Phase, Proposal, Rejected, StandingApproval
from bot.plural import many
from bot.remediation.policy import Judgement
from bot.remediation.proposal import matches
from bot.remediation.rules import PolicyNow
from bot.remediation.strictness import STRICTER, asked_for, good_until, more_than_shown, too_old

Clock = Callable[[], datetime]
Membership = Callable[[str, str], Awaitable[bool]]
"""(user, group) → whether the user is in the group now. Raises Denied where that cannot be told."""
Law = Callable[[Proposal], Judgement]
"""What policy says of a proposal now; raises RemediationError where it forbids it, NotNow where it cannot be read.
See `policy.rejudge`."""

LONGEST_REASON = 2000
SHORTEST_DIGEST = 16
"""Hexadecimal digits that a click must carry: 64 bits of what was shown."""


async def may_decide(policy: PolicyNow, membership: Membership, user: str) -> bool:
    """Whether the user is among the approvers of everything; what cannot be read is a no."""
    try:
        approvers = policy().approvers
    except NotNow:
        return False
    return await doubt_about(user, approvers.users, approvers.groups, membership) is None


async def belongs(user: str, users: Collection[str], groups: Collection[str], membership: Membership) -> bool:
    """Whether the user is among them.

    Raises:
        Denied: no group that can be read has them, and one cannot be read.
    """
    if user in users:
        return True
    unread: Denied | None = None
    for group in groups:
        try:
            if await membership(user, group):
                return True
        except Denied as doubt:
            unread = doubt
    if unread is not None:
        raise unread
    return False


async def doubt_about(user: str, users: Collection[str], groups: Collection[str], membership: Membership) -> str | None:
    """Why the user is not among them; None where they are."""
    try:
        if await belongs(user, users, groups, membership):
            return None
    except Denied as doubt:
        return f"{doubt} Nothing was run."
    return "You are not among the approvers of this action. Your click was recorded; nothing was run."


@dataclass(frozen=True)
class Verdict:
    """What became of a click, in words for the person who clicked."""

    outcome: Literal["approved", "endorsed", "rejected", "already", "denied", "overruled", "void"]
    """`denied`: this person may not; `overruled`: policy as it is now lets nobody approve it."""
    text: str


def incident_of(proposal_id: str) -> str:
    """The incident that a proposal id belongs to."""
    return proposal_id.rpartition(".")[0]


class Approvals:
    """Decides on proposals. The journal's compare-and-set makes every decision the only one.

    Args:
        law: policy as it is now, where it is to be asked again; it can only make a decision harder.
    """

    def __init__(self, journal: Journal, membership: Membership, clock: Clock, law: Law | None = None) -> None:
        self._journal = journal
        self._membership = membership
        self._clock = clock
        self._law = law

    async def approve(self, proposal_id: str, digest: str, user: str, reason: str = "") -> Verdict:
        """Count the user's approval of exactly this digest."""
        reason = reason.strip()[:LONGEST_REASON]
        while True:
            stand = await self._stand(proposal_id, digest, user)
            if isinstance(stand, Verdict):
                return stand
            incident, proposal = stand
            law = self._law_now(proposal)
            if isinstance(law, Verdict):
                return law
            if refusal := await self._not_to_approve(proposal, law, user, reason):
                return refusal
            try:
                return await self._approve(incident, proposal, law, user, reason)
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

    async def under(self, one: StandingApproval, proposal: Proposal) -> Verdict:
        """Approve it in the name of the person who granted the standing approval, as if they pressed the button now."""
        stand = await self._stand(proposal.id, proposal.digest, one.granted_by)
        if isinstance(stand, Verdict):
            return stand
        law = self._law_now(proposal)
        if isinstance(law, Verdict):
            return law
        if refusal := await self._not_to_approve(proposal, law, one.granted_by, ""):
            return refusal
        event = Approved(
            at=self._clock(),
            actor=one.granted_by,
            proposal_id=proposal.id,
            digest=proposal.digest,
            standing=one.id,
        )
        try:
            await self._journal.append(proposal.incident_id, event, expected=_exactly(proposal))
        except IllegalTransition as overtaken:
            return Verdict("already", str(overtaken))
        return Verdict("approved", f"Approved by the standing approval {one.id}.")

    async def doubt(self, incident: Incident, proposal: Proposal) -> str | None:
        """Why the people who approved it, as the history tells, could not do so now; None where they could.

        Asked right before the effect, and nothing beside the history counts: who is no approver any more, whoever
        approved another digest, and whatever stands in the record without an event, does not.

        Raises:
            NotNow: policy cannot be read, or too few of them count and of another it cannot be told at the moment.
        """
        try:
            law = self._law(proposal) if self._law else None
        except NotNow:
            raise
        except RemediationError as forbidden:
            return str(forbidden)
        agreements = list(_agreements(incident, proposal))
        if law and any(event.at >= good_until(proposal, law) for event in agreements):
            return f"policy has become stricter since: {too_old(law)}"
        agreed = {event.actor: event.reason for event in agreements}
        reasons = proposal.reason_needed or (law is not None and law.reason_needed)
        count, unread = 0, ""
        for user in [user for user, why in agreed.items() if why or not reasons]:
            try:
                count += await self._still(proposal, law, user)
            except Denied as doubt:
                unread = str(doubt)
        needed = max(proposal.approvals_needed, law.approvals_needed if law else 1)
        if count < needed and unread:
            raise NotNow(f"who may approve it could not be read: {unread}")
        if count < needed:
            return f"it takes {many(needed, 'approval')}, and of those given {count} still count"
        return None

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
        """Why the user may not decide on it, either way."""
        if not proposal.approver_users and not proposal.approver_groups:
            return "Nobody is named as approver for this action, so nobody may decide on it (settings: remediation)."
        return await self._refusal_of(proposal, proposal, user)

    async def _refusal_of(self, rule: Proposal | Judgement, proposal: Proposal, user: str) -> str | None:
        """Why the user may not decide on it by that rule: what the card says, or policy as it is now."""
        if asked_for(rule, proposal, user):
            return "You asked for this action, so another person must decide on it."
        return await doubt_about(user, rule.approver_users, rule.approver_groups, self._membership)

    async def _may(self, proposal: Proposal, law: Judgement | None, user: str) -> bool:
        """As `_still`; what cannot be told is a no."""
        try:
            return await self._still(proposal, law, user)
        except Denied:
            return False

    async def _still(self, proposal: Proposal, law: Judgement | None, user: str) -> bool:
        """Whether the user may decide on it by what was shown, and by policy as it is now.

        Raises:
            Denied: it cannot be told now.
        """
        if asked_for(proposal, proposal, user) or (law and asked_for(law, proposal, user)):
            return False
        if not await belongs(user, proposal.approver_users, proposal.approver_groups, self._membership):
            return False
        return law is None or await belongs(user, law.approver_users, law.approver_groups, self._membership)

    def _law_now(self, proposal: Proposal) -> Judgement | Verdict | None:
        """What policy says now, or that it lets nobody approve it; a rejection needs no such leave."""
        try:
            return self._law(proposal) if self._law else None
        except RemediationError as forbidden:
            return Verdict("overruled", f"{forbidden} Nothing was run.")

    async def _not_to_approve(
        self, proposal: Proposal, law: Judgement | None, user: str, reason: str
    ) -> Verdict | None:
        """Why this approval does not count, by what the card asks for or by what policy asks for now."""
        if proposal.reason_needed and not reason:
            return Verdict("void", "This approval needs a written reason. Nothing was run.")
        if law is None:
            return None
        if more := next(more_than_shown(proposal, law, reason, self._clock()), None):
            return Verdict("overruled", f"{STRICTER} {more}. It must be proposed again. Nothing was run.")
        refusal = await self._refusal_of(law, proposal, user)
        return Verdict("denied", f"Policy has changed since this was proposed. {refusal}") if refusal else None

    async def _approve(
        self, incident: Incident, proposal: Proposal, law: Judgement | None, user: str, reason: str
    ) -> Verdict:
        at = self._clock()
        already = await self._journal.field(incident.id, "endorsed_by") or ""
        endorsers = already.split(",") if already else []
        if user in endorsers:
            return Verdict("already", "You have approved this already; it needs another person.")
        expected = {**_exactly(proposal), "endorsed_by": already}
        still = [one for one in endorsers if await self._may(proposal, law, one)]
        missing = proposal.approvals_needed - len(still) - 1
        if missing > 0:
            event = Endorsed(at=at, actor=user, proposal_id=proposal.id, digest=proposal.digest, reason=reason)
            fields = {"endorsed_by": ",".join([*still, user])}
            await self._journal.append(incident.id, event, expected=expected, fields=fields)
            return Verdict("endorsed", f"Approved by you; {missing} more needed, from another person.")
        approved = Approved(at=at, actor=user, proposal_id=proposal.id, digest=proposal.digest, reason=reason)
        await self._journal.append(incident.id, approved, expected=expected)
        return Verdict("approved", "Approved.")


def _exactly(proposal: Proposal) -> dict[str, str]:
    return {"proposal": proposal.id, "digest": proposal.digest}


def _agreements(incident: Incident, proposal: Proposal) -> Iterator[Approved | Endorsed]:
    """Every approval in the history of exactly this proposal."""
    for recorded in incident.history:
        event = recorded.event
        if isinstance(event, Approved | Endorsed) and (event.proposal_id, event.digest) == _names(proposal):
            yield event


def _names(proposal: Proposal) -> tuple[str, str]:
    return proposal.id, proposal.digest


def _who_decided(incident: Incident, proposal: Proposal) -> str:
    for event in reversed(incident.about(proposal.id)):
        if event.kind in {"approved", "rejected"}:
            return f"Already {event.kind} by <@{event.actor}>."
        if event.kind == "expired":
            return "This proposal has expired. Nothing was run."
    return f"The incident is {incident.phase}, so there is nothing to decide. Nothing was run."

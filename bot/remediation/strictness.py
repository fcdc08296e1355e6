"""What policy asks for now that a card does not: what is stricter holds, and a click is told so."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from bot.models import Proposal
from bot.plural import many
from bot.remediation.policy import Judgement

STRICTER = "Policy has become stricter since this was proposed:"


def asked_for(rule: Proposal | Judgement, proposal: Proposal, user: str) -> bool:
    """Whether the user has asked for it, and by that rule another person must decide."""
    return user == proposal.requested_by and (rule.approvals_needed > 1 or not rule.requester_may_approve)


def more_than_shown(proposal: Proposal, law: Judgement, reason: str, at: datetime) -> Iterator[str]:
    """What policy asks for now that the card does not: it was shown to people with less."""
    if law.approvals_needed > proposal.approvals_needed:
        asked = proposal.approvals_needed
        yield f"it takes {many(law.approvals_needed, 'approval')} now, and this card asks for {asked}"
    if law.reason_needed and not reason:
        yield "an approval needs a written reason now, and this card asks for none"
    if at >= good_until(proposal, law):
        yield too_old(law)


def good_until(proposal: Proposal, law: Judgement) -> datetime:
    """Until when it may be approved, by policy as it is now."""
    return proposal.proposed_at + timedelta(seconds=law.valid_for_s)


def too_old(law: Judgement) -> str:
    """That it was proposed too long ago, by policy as it is now."""
    return f"a proposal is valid for {law.valid_for_s:g} s now, and this one is older"

"""Draft one exact action for a person to decide on, and the digest that an approval is bound to."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from bot.catalog import Catalog
from bot.models import Evidence, Noun, Proposal, Risk, Undo, Verification
from bot.remediation.action import Action, ActionParameters, definition
from bot.remediation.policy import Circumstances, judge
from bot.remediation.rules import Policy


class Grounds(Noun):
    """Why the action is proposed, and by what."""

    incident_id: str
    why: str = Field(description="the cause that it removes, one sentence")
    confidence: float = Field(ge=0, le=1)
    evidence: tuple[str, ...] = Field(default=(), description="ids of the evidence shown with it")
    facts: tuple[Evidence, ...] = Field(default=(), description="that evidence itself")
    requested_by: str | None = None
    playbook: str | None = None
    playbook_hash: str | None = None
    node: str | None = None
    floor: Risk | None = Field(default=None, description="the risk that the playbook's author gives at least")
    verification: Verification | None = Field(default=None, description="None: the action's own")
    rollback: str | None = Field(default=None, description="in the author's words; None: the action's own")
    undo: Undo | None = Field(default=None, description="the way back as an action, as the playbook gives it")
    undoes: str | None = Field(default=None, description="the proposal that this one takes back")
    expires_s: float | None = Field(default=None, gt=0, description="how long the gate waits, if less than policy says")


async def draft(
    action: Action[Any],
    parameters: ActionParameters,
    grounds: Grounds,
    *,
    proposal_id: str,
    catalog: Catalog,
    policy: Policy,
    verify_s: float,
    now: datetime,
) -> Proposal:
    """The proposal, with the live state read and pinned, the risk computed, a dry run done and the digest set.

    Raises:
        RemediationError: its reach cannot be told, its target would not take it, or nobody may approve it.
    """
    parameters = await action.pinned(parameters)
    blast = await action.blast_radius(parameters)
    reversible = action.reversible(parameters)
    judgement = judge(
        Circumstances(
            action=action.name,
            at=now,
            base=action.base_risk(parameters),
            floor=grounds.floor,
            blast=blast,
            reversible=reversible,
            confidence=grounds.confidence,
            subject=action.service(parameters),
        ),
        catalog,
        policy,
    )
    rehearsal = await action.rehearse(parameters)
    return sealed(
        Proposal(
            id=proposal_id,
            incident_id=grounds.incident_id,
            action=action.name,
            parameters=parameters.model_dump(mode="json", exclude_none=True),
            target=action.target(parameters),
            effect=action.effect(parameters),
            why=grounds.why,
            risk=judgement.risk,
            risk_reasons=judgement.reasons,
            reversible=reversible,
            blast_radius=blast.statement,
            rollback=grounds.rollback or action.rollback(parameters),
            undo=grounds.undo,
            undoes=grounds.undoes,
            evidence=grounds.evidence,
            facts=grounds.facts,
            confidence=grounds.confidence,
            service=action.service(parameters),
            extent=action.extent(parameters),
            made_of=definition(action, parameters),
            reach=blast.reach,
            noticed_by=blast.services,
            rehearsal=rehearsal,
            verification=grounds.verification or action.default_verification(parameters, verify_s),
            approvals_needed=judgement.approvals_needed,
            reason_needed=judgement.reason_needed,
            requester_may_approve=judgement.requester_may_approve,
            approver_users=judgement.approver_users,
            approver_groups=judgement.approver_groups,
            requested_by=grounds.requested_by,
            playbook=grounds.playbook,
            playbook_hash=grounds.playbook_hash,
            node=grounds.node,
            proposed_at=now,
            expires_at=now + timedelta(seconds=min(judgement.valid_for_s, grounds.expires_s or judgement.valid_for_s)),
            timeout_s=action.timeout_s(parameters),
            digest="",
        )
    )


def sealed(proposal: Proposal) -> Proposal:
    """The proposal with the digest of its content."""
    return proposal.model_copy(update={"digest": digest(proposal)})


def digest(proposal: Proposal) -> str:
    """SHA-256, in hexadecimal, over the canonical JSON of everything but the digest itself.

    All of it was shown or follows from what was shown, so all of it is bound; it is the same after a journey
    through JSON.
    """
    content = proposal.model_dump(mode="json", exclude={"digest"})
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def matches(proposal: Proposal) -> bool:
    """Whether the proposal is still the one that its digest was made for."""
    return hmac.compare_digest(digest(proposal).encode(), proposal.digest.encode("utf-8", "replace"))

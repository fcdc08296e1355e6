"""One exact action, offered to a human."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from bot.models.base import Instant, Noun
from bot.models.evidence import Evidence


class Risk(StrEnum):
    """How dangerous an action is; the order of the members is harmless first."""

    READ_ONLY = "read-only"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """0 is harmless."""
        return list(Risk).index(self)


Reach = Literal["session", "service", "unknown"]


class Verification(Noun):
    """How the bot will tell that it worked."""

    query: str = Field(description="PromQL, or the name of the action's own check; for a tool, its question in words")
    what: str | None = Field(default=None, description="what is watched, in words: 'payment failures'")
    tool: str | None = Field(default=None, description="a read-only tool, where the value is one of its facts")
    parameters: Mapping[str, Any] = Field(default_factory=dict, description="of the tool")
    fact: str | None = Field(default=None, description="the tool's fact to watch")
    threshold: float
    comparison: str = Field(default="<", description="the value is good when `value comparison threshold`")
    window_s: float = Field(gt=0, description="how long to watch before giving up")
    unit: str | None = None


class Undo(Noun):
    """The way back as an action of the catalogue."""

    action: str
    parameters: Mapping[str, Any] = Field(default_factory=dict)
    risk: Risk | None = Field(
        default=None, description="what the drawing's author calls the change, and so its way back"
    )


class Proposal(Noun):
    """The action, its parameters and target, and everything a person must see to decide."""

    id: str
    incident_id: str
    action: str
    parameters: Mapping[str, Any]
    target: str = Field(description="what it acts on, in words: 'backend 4711 of database payments'")
    effect: str = Field(description="what will happen, one sentence")
    why: str = Field(description="the cause it removes, one sentence")
    risk: Risk
    risk_reasons: tuple[str, ...] = ()
    reversible: bool
    blast_radius: str
    rollback: str = Field(description="how to undo it, or that it cannot be undone")
    undo: Undo | None = Field(default=None, description="the same as an action: proposed where it did not help")
    undoes: str | None = Field(default=None, description="the proposal that this one takes back")
    evidence: tuple[str, ...] = Field(default=(), description="evidence ids shown with it")
    facts: tuple[Evidence, ...] = Field(default=(), description="that evidence as it was shown, word for word")
    confidence: float = Field(ge=0, le=1)
    service: str | None = Field(default=None, description="service or database that it acts on, by catalogue name")
    extent: str = Field(default="", description="what of the action it is: no trust in it reaches beyond that")
    made_of: str = Field(default="", description="digest of the operator's words that the action carries out")
    reach: Reach = Field(default="unknown", description="what is interrupted: a session, services, nobody can tell")
    noticed_by: tuple[str, ...] = Field(default=(), description="services that may notice, nearest first")
    rehearsal: str | None = Field(default=None, description="what a dry run said, where the target offers one")
    verification: Verification | None = None
    approvals_needed: int = Field(default=1, ge=1)
    reason_needed: bool = Field(default=False, description="whether an approval needs a written reason")
    requester_may_approve: bool = True
    approver_users: tuple[str, ...] = ()
    approver_groups: tuple[str, ...] = ()
    requested_by: str | None = Field(default=None, description="user id of the person who asked for it, if one did")
    playbook: str | None = None
    playbook_hash: str | None = None
    node: str | None = Field(default=None, description="the gate in the drawing that asks")
    proposed_at: Instant
    expires_at: Instant
    timeout_s: float = Field(gt=0)
    digest: str = Field(description="over everything above that an approval is bound to")

"""An incident is a fold over its events; nothing about it is stored that is not an event."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from bot.models.alert import Alert, AlertStatus, Severity
from bot.models.base import Instant, Noun
from bot.models.brief import Brief
from bot.models.evidence import Cited, Finding, Gap, Hypothesis
from bot.models.proposal import Proposal
from bot.models.question import Question


class Phase(StrEnum):
    """Where an incident stands. The legal moves are one table in `bot.incidents.lifecycle`."""

    INVESTIGATING = "investigating"
    AWAITING = "awaiting approval"
    APPROVED = "approved"
    EXECUTING = "executing"
    VERIFYING = "verifying"
    RECOVERED = "recovered"
    OUTCOME_UNKNOWN = "outcome unknown"
    HANDED_OVER = "handed over"
    RESOLVED = "resolved"


class _Fact(Noun):
    at: Instant
    actor: str = Field(default="nightdesk", description="user id of a person, or who else caused it")


class Opened(_Fact):
    """The first alert, or a person's question, opened the incident."""

    kind: Literal["opened"] = "opened"
    alert: Alert
    channel: str | None = None
    service: str | None = Field(default=None, description="catalogue name")


SAME_ALERT = "the same alert"
"""Why an alert joins an incident that it is part of already."""


class AlertJoined(_Fact):
    """Another alert, or the same one again, belongs to this incident."""

    kind: Literal["alert_joined"] = "alert_joined"
    alert: Alert
    why: str
    damped: bool = Field(default=False, description="it flaps: this change is kept, and not told in the thread")


class AlertLeft(_Fact):
    """A person has split the alert off into an incident of its own."""

    kind: Literal["alert_left"] = "alert_left"
    fingerprint: str
    name: str
    to: str = Field(description="the incident that it is now")


class Briefed(_Fact):
    """Memory was asked, and this is what it gave."""

    kind: Literal["briefed"] = "briefed"
    brief: Brief


class Found(_Fact):
    """One agent has looked."""

    kind: Literal["finding"] = "finding"
    agent: str
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    seconds: float = 0.0
    charts: tuple[str, ...] = Field(default=(), description="keys under which the pictures are kept")
    asked_by: str | None = Field(default=None, description="the agent whose question this answers; None: the drawing's")
    question: str = ""
    look: str = Field(default="", description="the tool, and what it was given: the same look may be made again")


class Ranked(_Fact):
    """The commander's judgement over all findings, best first."""

    kind: Literal["hypotheses"] = "hypotheses"
    hypotheses: tuple[Hypothesis, ...]
    explanation: str = ""


class Worded(_Fact):
    """A model has put the first cause into words. It stands beside the ranking, which it does not touch."""

    kind: Literal["worded"] = "worded"
    ranked: str = Field(description="the id of the event with the ranking that it words")
    sentences: tuple[Cited, ...]
    doubt: Cited | None = Field(default=None, description="what does not fit the first cause")
    missing: tuple[str, ...] = Field(default=(), description="what was not seen, and would decide")
    refused: int = Field(default=0, description="sentences that no evidence supported, and that are not told")


class Proposed(_Fact):
    """One action is offered to people."""

    kind: Literal["proposed"] = "proposed"
    proposal: Proposal


class Endorsed(_Fact):
    """One of several needed people has approved."""

    kind: Literal["endorsed"] = "endorsed"
    proposal_id: str
    digest: str
    reason: str = ""


class Approved(_Fact):
    """The last needed person has approved exactly this digest."""

    kind: Literal["approved"] = "approved"
    proposal_id: str
    digest: str
    reason: str = ""
    standing: str | None = Field(default=None, description="the standing approval that it rests on, if it does")


class Rejected(_Fact):
    """A person said no, and why."""

    kind: Literal["rejected"] = "rejected"
    proposal_id: str
    reason: str


class Expired(_Fact):
    """Nobody decided in time."""

    kind: Literal["expired"] = "expired"
    proposal_id: str


class Executing(_Fact):
    """A worker owns the effect and is about to start it."""

    kind: Literal["executing"] = "executing"
    proposal_id: str
    owner: str


class Executed(_Fact):
    """The effect happened."""

    kind: Literal["executed"] = "executed"
    proposal_id: str
    outcome: str


class NotExecuted(_Fact):
    """The effect did not happen: the world had changed, or the target refused."""

    kind: Literal["not_executed"] = "not_executed"
    proposal_id: str
    reason: str


class OutcomeUnknown(_Fact):
    """The effect was started and nobody can tell whether it happened."""

    kind: Literal["outcome_unknown"] = "outcome_unknown"
    proposal_id: str
    reason: str
    quarantined_until: Instant


class Verified(_Fact):
    """The verification has watched; `recovered` says what it saw."""

    kind: Literal["verified"] = "verified"
    proposal_id: str
    recovered: bool
    before: float | None = None
    after: float | None = None
    unit: str | None = None
    seconds: float = Field(default=0.0, description="from the effect to the verdict")
    statement: str = ""


class Resolved(_Fact):
    """It is over."""

    kind: Literal["resolved"] = "resolved"
    reason: str


class Reopened(_Fact):
    """It came back."""

    kind: Literal["reopened"] = "reopened"
    alert: Alert


class HandedOver(_Fact):
    """The bot has nothing more to propose; people carry on."""

    kind: Literal["handed_over"] = "handed_over"
    reason: str


class Asked(_Fact):
    """The drawing asks the people in the thread."""

    kind: Literal["asked"] = "asked"
    question: Question


class Answered(_Fact):
    """A person has answered; the first answer counts."""

    kind: Literal["answered"] = "answered"
    question_id: str
    answer: str


class Unanswered(_Fact):
    """Nobody has answered in time."""

    kind: Literal["unanswered"] = "unanswered"
    question_id: str


class Noted(_Fact):
    """Something worth keeping that changes no state."""

    kind: Literal["note"] = "note"
    text: str
    quiet: bool = Field(default=False, description="for the record; the thread is not told")


Event = Annotated[
    Opened
    | AlertJoined
    | AlertLeft
    | Briefed
    | Found
    | Ranked
    | Worded
    | Proposed
    | Endorsed
    | Approved
    | Rejected
    | Expired
    | Executing
    | Executed
    | NotExecuted
    | OutcomeUnknown
    | Verified
    | Resolved
    | Reopened
    | HandedOver
    | Asked
    | Answered
    | Unanswered
    | Noted,
    Field(discriminator="kind"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)


class Recorded(Noun):
    """An event in its place in the history."""

    id: str = Field(description="the stream id, increasing")
    phase: Phase = Field(description="the phase that the event led to")
    event: Event


class ModelCost(Noun):
    """What a model has cost an incident so far."""

    tokens: int = Field(ge=0)
    money: float = Field(default=0.0, ge=0, description="0 where no price is known")
    currency: str = "USD"


class Incident(Noun):
    """What the events add up to."""

    id: str
    phase: Phase
    opened_at: Instant
    alert: Alert = Field(description="the alert that opened it")
    alerts: tuple[Alert, ...] = Field(description="the latest of each fingerprint, in order of arrival")
    joined: int = Field(default=0, description="alerts that arrived after the first")
    duplicates: int = Field(default=0, description="alerts that said nothing new; counted beside the events")
    model_cost: ModelCost | None = Field(default=None, description="counted beside the events, where a model is asked")
    service: str | None = None
    channel: str | None = None
    brief: Brief | None = None
    findings: tuple[Finding, ...] = ()
    gaps: tuple[Gap, ...] = ()
    hypotheses: tuple[Hypothesis, ...] = ()
    explanation: str = ""
    proposal: Proposal | None = Field(default=None, description="the latest proposal")
    history: tuple[Recorded, ...] = ()

    @property
    def severity(self) -> Severity | None:
        """The worst severity among its alerts."""
        known = [alert.severity for alert in self.alerts if alert.severity]
        return min(known, key=lambda severity: severity.rank, default=None)

    @property
    def firing(self) -> bool:
        """Whether any of its alerts still fires."""
        return any(alert.status is AlertStatus.FIRING for alert in self.alerts)

    @property
    def at_rest(self) -> bool:
        """Whether the bot has nothing more to do for it: it is resolved, or people have taken over."""
        return self.phase in {Phase.RESOLVED, Phase.HANDED_OVER}

    @property
    def open_questions(self) -> tuple[Question, ...]:
        """What was asked since it was last opened and is not answered; none once it is over."""
        asked: dict[str, Question] = {}
        for recorded in self.history:
            match recorded.event:
                case Asked(question=question):
                    asked[question.id] = question
                case Answered(question_id=question_id) | Unanswered(question_id=question_id):
                    asked.pop(question_id, None)
                case Resolved() | HandedOver():
                    asked.clear()
        return tuple(asked.values())

    @property
    def proposals(self) -> tuple[Proposal, ...]:
        """Everything that was ever proposed, in order."""
        return tuple(one.event.proposal for one in self.history if isinstance(one.event, Proposed))

    def proposed(self, proposal_id: str | None) -> Proposal | None:
        """The proposal of that id, if there was one."""
        return next((proposal for proposal in self.proposals if proposal.id == proposal_id), None)

    def about(self, proposal_id: str | None) -> tuple[Event, ...]:
        """What happened to that proposal after it was made, in order."""
        return tuple(one.event for one in self.history if getattr(one.event, "proposal_id", "") == proposal_id)

    def last(self, kind: str) -> Recorded | None:
        """The latest event of that kind."""
        return next((recorded for recorded in reversed(self.history) if recorded.event.kind == kind), None)

"""From events to the messages of the thread: which view shows which event, and which events share a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

from bot.models import (
    AlertJoined,
    AlertLeft,
    AlertStatus,
    Answered,
    Approved,
    Asked,
    Briefed,
    Endorsed,
    Event,
    Executed,
    Executing,
    Expired,
    Found,
    HandedOver,
    Incident,
    Noted,
    NotExecuted,
    OutcomeUnknown,
    Proposed,
    Ranked,
    Recorded,
    Rejected,
    Reopened,
    Resolved,
    Severity,
    Unanswered,
    Verified,
    Worded,
)
from bot.models.looks import is_replaced, reports_after
from bot.slack.blocks import Post, together
from bot.slack.views import closing, decision, question
from bot.slack.views.brief import brief
from bot.slack.views.causes import causes
from bot.slack.views.findings import findings
from bot.slack.views.outcome import outcome
from bot.slack.views.proposal import proposal
from bot.slack.views.spoken import worded

REPORTS_TOGETHER = 3
"""More of them would not fit into one message."""


@dataclass(frozen=True)
class Turn:
    """Events that one message tells."""

    recorded: tuple[Recorded, ...]

    @property
    def key(self) -> str:
        """The id of the first event names the message."""
        return self.recorded[0].id

    @property
    def last(self) -> str:
        """The id of the last event that the message tells."""
        return self.recorded[-1].id

    def holds(self, event_id: str) -> bool:
        """Whether the message tells that event."""
        return any(recorded.id == event_id for recorded in self.recorded)

    def until(self, event_id: str) -> Turn:
        """The turn without the events after that one."""
        ids = [recorded.id for recorded in self.recorded]
        return Turn(self.recorded[: ids.index(event_id) + 1]) if event_id in ids else self


def next_turn(history: Sequence[Recorded]) -> Turn:
    """What the next message tells. Slack takes a message a second, so what waits together is told together.

    Alerts that joined one after the other share a message, and so do the reports of agents; the choice of the playbook
    goes with the brief that follows it.
    """
    first = history[0].event
    if isinstance(first, AlertJoined):
        return Turn(tuple(takewhile(lambda recorded: isinstance(recorded.event, AlertJoined), history)))
    if isinstance(first, Found):
        return Turn(tuple(takewhile(lambda recorded: isinstance(recorded.event, Found), history))[:REPORTS_TOGETHER])
    if isinstance(first, Noted) and len(history) > 1 and isinstance(history[1].event, Briefed):
        return Turn(tuple(history[:2]))
    return Turn((history[0],))


def message(turn: Turn, incident: Incident, names: Mapping[str, str]) -> Post | None:
    """The message for the turn; None where the card alone tells it."""
    alerts = [recorded.event for recorded in turn.recorded if isinstance(recorded.event, AlertJoined)]
    if alerts:
        return _alerts([event for event in alerts if not event.damped], worst_before(turn.key, incident), incident)
    posts = [_told(recorded, incident, names) for recorded in turn.recorded]
    return together([one for one in posts if one])


def overtaken(incident: Incident) -> list[Recorded]:
    """The reports of which a later one replaces something: their messages say it no longer."""
    found = []
    for recorded in incident.history:
        if isinstance(recorded.event, Found):
            later = reports_after(recorded.id, incident.history)
            if any(is_replaced(finding, recorded.event, later) for finding in recorded.event.findings):
                found.append(recorded)
    return found


def _alerts(events: Sequence[AlertJoined], before: Severity | None, incident: Incident) -> Post | None:
    """Those that fire, and those that have ended."""
    ended = [event for event in events if event.alert.status is AlertStatus.RESOLVED]
    firing = [event for event in events if event not in ended]
    told = [closing.joined(firing, before) if firing else None, closing.over(ended, incident) if ended else None]
    return together([one for one in told if one])


def _told(recorded: Recorded, incident: Incident, names: Mapping[str, str]) -> Post | None:
    event = recorded.event
    if isinstance(event, Briefed):
        return brief(event, names)
    if isinstance(event, Found):
        return findings(event, reports_after(recorded.id, incident.history))
    return _seen(event, incident) or _change(event, incident) or _of_proposal(event, incident)


def worst_before(event_id: str, incident: Incident) -> Severity | None:
    """The worst severity among the alerts that arrived before the event."""
    worst: Severity | None = None
    for recorded in incident.history:
        if recorded.id == event_id:
            break
        alert = getattr(recorded.event, "alert", None)
        if alert and alert.severity and (worst is None or alert.severity.rank < worst.rank):
            worst = alert.severity
    return worst


def _seen(event: Event, incident: Incident) -> Post | None:
    match event:
        case Ranked():
            return causes(event, incident)
        case Worded():
            return worded(event, incident)
        case Noted():
            return None if event.quiet else closing.note(event)
    return _asked(event, incident)


def _asked(event: Event, incident: Incident) -> Post | None:
    match event:
        case Asked():
            return question.question(event.question, incident)
        case Answered() | Unanswered():
            return question.ended(event, incident)
    return None


def _change(event: Event, incident: Incident) -> Post | None:
    match event:
        case Resolved():
            return closing.resolved(event, incident)
        case AlertLeft():
            return closing.left(event)
        case Reopened():
            return closing.reopened(event)
        case HandedOver():
            return closing.handed_over(event)
    return None


def _of_proposal(event: Event, incident: Incident) -> Post | None:
    if isinstance(event, Proposed):
        return proposal(event.proposal, incident)
    about = incident.proposed(getattr(event, "proposal_id", ""))
    target = about.target if about else "its target"
    match event:
        case Endorsed() | Approved() | Rejected():
            return decision.decision(event, about)
        case Expired():
            return closing.expired(target, stays=decision.stays(about))
        case Executed() | NotExecuted() | OutcomeUnknown() | Verified():
            return outcome(event, target, back=bool(about and about.undoes))
        case Executing():
            return None  # a moment after the approval: the card and the proposal show it
    return None

"""What follows from an event: the one place that says which task an event sets off.

Scheduling comes after the event is durable. If the process dies between the two, the sweep finds the incident by
its phase and schedules the same tasks; every task looks at the journal before it does anything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from bot.models import Asked, Incident, OutcomeUnknown, Phase, Proposed, Question, Ranked, Recorded, Verified
from bot.observability import EVENTS
from bot.remediation.audit import KINDS as AUDITED
from bot.work.queue import Queue

WALKS = frozenset({"opened", "reopened", "rejected", "expired", "not_executed", "outcome_unknown", "verified",
                   "answered", "unanswered"})  # fmt: skip
"""Events after which the drawing is walked on."""
WALKED_ON = frozenset({Phase.INVESTIGATING, Phase.RECOVERED, Phase.OUTCOME_UNKNOWN})
"""Phases in which nobody is asked and nothing runs: only a walk leads out of them."""
REMEMBERED = frozenset({"resolved", "handed_over", "rejected"})
"""Events after which the incident is written to memory."""
SET_OFF = {"walk": WALKS, "learn": REMEMBERED, "audit": AUDITED, "teach_drawing": frozenset({"resolved"}),
           "postmortem": frozenset({"resolved"})}  # fmt: skip
"""Tasks of an incident, and the events that set them off."""
DRAFTS = frozenset({"teach_drawing", "postmortem"})
DRAFTED_AFTER = timedelta(seconds=5)
"""A draft stands below the last words of its thread, not above them: Slack takes them a message a second."""
UNDRAWN = frozenset({"alert_joined", "endorsed", "worded"})
"""Events that move nothing on the drawing."""
DRAWN_AFTER = timedelta(milliseconds=200)
WORDED_AFTER = timedelta(seconds=2)
"""A ranking is put into words a moment later: what is proposed for it comes first, and another ranking may follow."""
LOST_AFTER = timedelta(seconds=15)
"""An incident that did not move for this long, though it should, has lost its task."""


class Follow:
    """Schedules what follows.

    Args:
        show: asks for the incident to be shown, see `bot.work.showings`.
    """

    def __init__(self, queue: Queue, show: Callable[[str], Awaitable[None]]) -> None:
        self._queue = queue
        self._show = show

    async def event(self, incident_id: str, recorded: Recorded) -> None:
        """Schedule what follows from a new event."""
        event = recorded.event
        EVENTS.labels(kind=event.kind).inc()
        await self._show(incident_id)
        if event.kind not in UNDRAWN:
            await self._draw(incident_id, recorded)
        for task, kinds in SET_OFF.items():
            if event.kind in kinds:
                when = _moment(recorded.id) + DRAFTED_AFTER if task in DRAFTS else None
                await self._queue.add(task, incident_id, key=f"{incident_id}:{recorded.id}", when=when)
        if isinstance(event, Proposed):
            await self._expiry(event.proposal.id, event.proposal.expires_at)
            await self._queue.add("standing", event.proposal.id, key=event.proposal.id)
        elif isinstance(event, Verified | OutcomeUnknown):
            await self._queue.add("trust", event.proposal_id, key=event.proposal_id)
        elif isinstance(event, Ranked):
            key = f"{incident_id}:{recorded.id}"
            await self._queue.add("word", incident_id, key=key, when=_moment(recorded.id) + WORDED_AFTER)
        elif isinstance(event, Asked):
            await self._unanswered(event.question)
        elif event.kind == "approved":
            await self._queue.add("execute", event.proposal_id, key=event.proposal_id)
        elif event.kind == "executed":
            await self._queue.add("verify", event.proposal_id, key=event.proposal_id)

    async def lost(self, incident: Incident, now: datetime) -> bool:
        """Schedule again what an incident waits for, if it has waited too long; whether anything was scheduled."""
        if not incident.history or now - last_moved(incident) < LOST_AFTER:
            return False
        proposal = incident.proposal
        for question in incident.open_questions:
            if now >= question.expires_at:
                await self._unanswered(question)
        if incident.phase in WALKED_ON:
            await self._queue.add("walk", incident.id, key=f"{incident.id}:swept")
        elif proposal and incident.phase is Phase.AWAITING and now >= proposal.expires_at:
            await self._expiry(proposal.id, proposal.expires_at)
        elif proposal and incident.phase in {Phase.APPROVED, Phase.EXECUTING}:
            await self._queue.add("execute", proposal.id, key=proposal.id)
        elif proposal and incident.phase is Phase.VERIFYING:
            await self._queue.add("verify", proposal.id, key=proposal.id)
        else:
            return False
        return True

    async def show(self, incident: Incident) -> None:
        """Schedule showing an incident of which Slack does not show everything yet."""
        await self._queue.add("show", incident.id, key=f"{incident.id}:swept")

    async def _unanswered(self, question: Question) -> None:
        await self._queue.add("unanswered", question.id, key=question.id, when=question.expires_at)

    async def _draw(self, incident_id: str, recorded: Recorded) -> None:
        """Redraw at the next full second, when the step that said this has ended too: at most once a second."""
        second = int(recorded.id.partition("-")[0]) // 1000 + 1
        when = datetime.fromtimestamp(second, tz=UTC) + DRAWN_AFTER
        await self._queue.add("draw", incident_id, key=f"{incident_id}:{second}", when=when)

    async def audit(self, incident_id: str) -> None:
        """Schedule bringing the audit trail up to date with an incident, where a crash may have lost that."""
        await self._queue.add("audit", incident_id, key=f"{incident_id}:tended")

    async def _expiry(self, proposal_id: str, at: datetime) -> None:
        await self._queue.add("expire", proposal_id, key=proposal_id, when=at)


def last_moved(incident: Incident) -> datetime:
    """When its latest event was written, by the clock of Redis."""
    return _moment(incident.history[-1].id)


def _moment(event_id: str) -> datetime:
    return datetime.fromtimestamp(int(event_id.split("-", maxsplit=1)[0]) / 1000, tz=UTC)

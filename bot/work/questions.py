"""Questions of drawings to the people in the thread: the first answer counts, and nobody is waited for for ever."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from bot.errors import IllegalTransition, NotFound
from bot.incidents import Journal
from bot.models import Answered, Asked, Incident, Question, Unanswered
from bot.remediation.approvals import incident_of
from bot.slack.desk import Reply

log = structlog.get_logger(__name__)

CLOSED = "That question is no longer open; your answer changes nothing."


class Questions:
    """Takes answers, and closes what nobody has answered in time."""

    def __init__(self, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._clock = clock

    async def answer(self, reply: Reply) -> str | None:
        """Record the answer if it is the first; else what to tell the one who gave it."""
        try:
            incident = await self._journal.read(incident_of(reply.question_id))
        except NotFound:
            return CLOSED
        question = _open(incident, reply.question_id)
        if question is None or reply.number >= len(question.answers) or reply.at > question.expires_at:
            return _too_late(incident, reply.question_id)
        answer = question.answers[reply.number]
        event = Answered(at=self._clock(), actor=reply.user, question_id=question.id, answer=answer)
        if await self._closed(incident.id, question, event):
            return None
        return _too_late(await self._journal.read(incident.id), question.id)

    async def expire(self, question_id: str) -> None:
        """Close the question, unless somebody has answered."""
        try:
            incident = await self._journal.read(incident_of(question_id))
        except NotFound:
            return
        question = _open(incident, question_id)
        if question is not None and self._clock() >= question.expires_at:
            await self._closed(incident.id, question, Unanswered(at=self._clock(), question_id=question_id))

    async def _closed(self, incident_id: str, question: Question, event: Answered | Unanswered) -> bool:
        """Whether exactly this has closed the question: an answer and the end of waiting exclude each other."""
        try:
            return await self._journal.append(incident_id, event, once=f"answered:{question.id}") is not None
        except IllegalTransition as over:
            log.info("question.over", question=question.id, why=str(over))
            return False


def next_question_id(incident: Incident) -> str:
    """The id of the incident's next question."""
    asked = sum(isinstance(recorded.event, Asked) for recorded in incident.history)
    return f"{incident.id}.q{asked + 1}"


def _open(incident: Incident, question_id: str) -> Question | None:
    return next((question for question in incident.open_questions if question.id == question_id), None)


def _too_late(incident: Incident, question_id: str) -> str:
    for recorded in incident.history:
        event = recorded.event
        if isinstance(event, Answered) and event.question_id == question_id:
            return f"Already answered by <@{event.actor}>: {event.answer}."
    return CLOSED

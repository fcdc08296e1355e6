"""The tasks by name. Each looks at the journal before it does anything, so that a second delivery does no harm.

A task that fails is tried again, later and later; the last failure is noted on the incident. This is the one place
of the room that catches everything.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from docket import ConcurrencyLimit, ExponentialRetry, Perpetual
from docket.dependencies import CurrentExecution
from docket.execution import Execution as Run

from bot.work.queue import Task
from bot.work.verify import Stopping

log = structlog.get_logger(__name__)

PATIENT = ExponentialRetry(attempts=12, minimum_delay=timedelta(seconds=1), maximum_delay=timedelta(minutes=2))
"""For what waits for Slack or another server: about ten minutes in all."""
TEND_EVERY = timedelta(minutes=5)
BRIEF = ExponentialRetry(attempts=5, minimum_delay=timedelta(milliseconds=200), maximum_delay=timedelta(seconds=5))


class Duties(Protocol):
    """What the tasks do; the composition root brings it."""

    async def walk(self, incident_id: str) -> None:
        """Go on with the incident's playbook."""

    async def show(self, incident_id: str) -> None:
        """Bring Slack up to date with the incident."""

    async def draw(self, incident_id: str) -> None:
        """Redraw where the incident's playbook stands."""

    async def teach_drawing(self, incident_id: str) -> None:
        """Offer a draft of a playbook for an incident that left its drawing."""

    async def learn(self, incident_id: str) -> None:
        """Write the incident to memory."""

    async def word(self, incident_id: str) -> None:
        """Put the ranking into words."""

    async def postmortem(self, incident_id: str) -> None:
        """Offer a draft of a post-mortem."""

    async def expire(self, proposal_id: str) -> None:
        """Close the gate if its time is over."""

    async def execute(self, proposal_id: str) -> float | None:
        """Carry out an approved proposal; seconds after which to look again, if another run may still act."""

    async def verify(self, proposal_id: str) -> None:
        """Watch an executed proposal."""

    async def reply(self, reply: str) -> None:
        """Take an answer to a question (JSON)."""

    async def unanswered(self, question_id: str) -> None:
        """Close a question that nobody has answered, if its time is over."""

    async def standing(self, proposal_id: str) -> None:
        """Approve a proposal that a standing approval covers."""

    async def trust(self, proposal_id: str) -> None:
        """Count how a proposal ended."""

    async def audit(self, incident_id: str) -> None:
        """Bring the audit trail up to date with the incident."""

    async def say(self, said: str) -> None:
        """Keep a grant or a revocation in the audit trail (JSON)."""

    async def draft(self, wish: str, reply: str) -> None:
        """Draft a proposal for a worker that waits at the key `reply` (JSON)."""

    async def decide(self, decision: str) -> None:
        """Check and record a click (JSON)."""

    async def regroup(self, wish: str) -> None:
        """Split or merge incidents as a person asked for (JSON)."""

    async def hear(self, mention: str) -> None:
        """Answer a mention (JSON)."""

    async def teach(self, lesson: str) -> None:
        """Keep a pinned message (JSON)."""

    async def backfill(self, channel: str) -> None:
        """Read back what was said in a channel."""

    async def sweep(self) -> None:
        """Schedule again what was lost between an event and its task."""

    async def tend(self) -> None:
        """Keep memory tidy."""

    async def failed(self, task: str, subject: str, error: BaseException) -> None:
        """A task has failed for the last time."""


@dataclass(frozen=True)
class _Guard:
    """Runs one duty; the last failure of its task is told to the duties."""

    duties: Duties

    async def run(self, task: str, subject: str, work: Awaitable[None], run: Run, attempts: int | None) -> None:
        try:
            await work
        except Stopping as end:
            log.info("task.stopped", task=task, key=run.key, why=str(end))
            raise
        except Exception as error:  # boundary: a task must end in a record, whatever happened in it
            last = attempts is not None and run.attempt >= attempts
            log.exception("task.failed", task=task, key=run.key, attempt=run.attempt, last=last)
            if last:
                await self.duties.failed(task, subject, error)
            raise


def tasks_of(duties: Duties, *, sweep_every: timedelta) -> tuple[Task, ...]:
    """All tasks, bound to the duties. docket knows a task by its function's name."""
    return (*_incident_tasks(duties), *_proposal_tasks(duties), *_named_tasks(duties), *_rounds(duties, sweep_every))


def _incident_tasks(duties: Duties) -> tuple[Task, ...]:
    guard = _Guard(duties)

    async def walk(
        incident_id: str,
        run: Run = CurrentExecution(),
        one: ConcurrencyLimit = ConcurrencyLimit("incident_id", 1, scope="walk"),
        retry: ExponentialRetry = BRIEF,
    ) -> None:
        await guard.run("walk", incident_id, duties.walk(incident_id), run, BRIEF.attempts)

    async def show(
        incident_id: str,
        run: Run = CurrentExecution(),
        one: ConcurrencyLimit = ConcurrencyLimit("incident_id", 1, scope="show"),
        retry: ExponentialRetry = PATIENT,
    ) -> None:
        await guard.run("show", incident_id, duties.show(incident_id), run, PATIENT.attempts)

    async def draw(
        incident_id: str,
        run: Run = CurrentExecution(),
        one: ConcurrencyLimit = ConcurrencyLimit("incident_id", 1, scope="draw"),
        retry: ExponentialRetry = BRIEF,
    ) -> None:
        await guard.run("draw", incident_id, duties.draw(incident_id), run, BRIEF.attempts)

    async def teach_drawing(incident_id: str, run: Run = CurrentExecution(), retry: ExponentialRetry = PATIENT) -> None:
        await guard.run("teach_drawing", incident_id, duties.teach_drawing(incident_id), run, PATIENT.attempts)

    async def learn(incident_id: str, run: Run = CurrentExecution(), retry: ExponentialRetry = BRIEF) -> None:
        await guard.run("learn", incident_id, duties.learn(incident_id), run, BRIEF.attempts)

    async def word(
        incident_id: str,
        run: Run = CurrentExecution(),
        one: ConcurrencyLimit = ConcurrencyLimit("incident_id", 1, scope="word"),
        retry: ExponentialRetry = BRIEF,
    ) -> None:
        await guard.run("word", incident_id, duties.word(incident_id), run, BRIEF.attempts)

    async def postmortem(incident_id: str, run: Run = CurrentExecution(), retry: ExponentialRetry = PATIENT) -> None:
        await guard.run("postmortem", incident_id, duties.postmortem(incident_id), run, PATIENT.attempts)

    return (walk, show, draw, learn, teach_drawing, word, postmortem)


def _proposal_tasks(duties: Duties) -> tuple[Task, ...]:
    guard = _Guard(duties)

    async def expire(proposal_id: str, run: Run = CurrentExecution(), retry: ExponentialRetry = PATIENT) -> None:
        await guard.run("expire", proposal_id, duties.expire(proposal_id), run, PATIENT.attempts)

    async def execute(proposal_id: str, again: Perpetual = Perpetual(every=timedelta(seconds=1))) -> None:
        # It runs again until it says that nothing is left: whether it may act again is for the journal to say.
        look_again_s = await duties.execute(proposal_id)
        if look_again_s is None:
            again.cancel()
        else:
            again.at(datetime.now(UTC) + timedelta(seconds=look_again_s))

    async def draft(wish: str, reply: str) -> None:
        await duties.draft(wish, reply)

    async def verify(proposal_id: str, run: Run = CurrentExecution(), retry: ExponentialRetry = BRIEF) -> None:
        await guard.run("verify", proposal_id, duties.verify(proposal_id), run, BRIEF.attempts)

    async def unanswered(question_id: str, run: Run = CurrentExecution(), retry: ExponentialRetry = PATIENT) -> None:
        await guard.run("unanswered", question_id, duties.unanswered(question_id), run, PATIENT.attempts)

    return (expire, execute, draft, verify, unanswered)


def _named_tasks(duties: Duties) -> tuple[Task, ...]:
    def task(name: str, work: Callable[[str], Awaitable[None]]) -> Task:
        async def named(said: str, run: Run = CurrentExecution(), retry: ExponentialRetry = PATIENT) -> None:
            await _Guard(duties).run(name, said, work(said), run, PATIENT.attempts)

        named.__name__ = name
        return named

    return (
        task("decide", duties.decide),
        task("standing", duties.standing),
        task("trust", duties.trust),
        task("audit", duties.audit),
        task("say", duties.say),
        task("reply", duties.reply),
        task("regroup", duties.regroup),
        task("hear", duties.hear),
        task("teach", duties.teach),
        task("backfill", duties.backfill),
    )


def _rounds(duties: Duties, sweep_every: timedelta) -> tuple[Task, ...]:
    async def sweep(again: Perpetual = Perpetual(every=sweep_every, automatic=True)) -> None:
        await duties.sweep()

    async def tend(again: Perpetual = Perpetual(every=TEND_EVERY, automatic=True)) -> None:
        await duties.tend()

    return (sweep, tend)

"""The tasks by name. Each looks at the journal before it does anything, so that a second delivery does no harm.

A task that fails is tried again, later and later; the last failure is noted on the incident. This is the one place
of the room that catches everything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

import structlog
from docket import ConcurrencyLimit, ExponentialRetry, Perpetual
from docket.dependencies import CurrentExecution
from docket.execution import Execution as Run

from bot.work.queue import Task
from bot.work.stopping import Stopping, finished

log = structlog.get_logger(__name__)

PATIENT = ExponentialRetry(attempts=12, minimum_delay=timedelta(seconds=1), maximum_delay=timedelta(minutes=2))
"""For what waits for Slack or another server: about ten minutes in all."""
BRIEF = ExponentialRetry(attempts=5, minimum_delay=timedelta(milliseconds=200), maximum_delay=timedelta(seconds=5))
"""For what a walk or a picture waits for: a few seconds in all."""
TEND_EVERY = timedelta(minutes=5)
GRACE_S = 10.0
"""How long a task may still take when the process ends: service managers wait for 30 s or more, then they kill."""


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

    async def hear(self, event_id: str) -> None:
        """Answer the mention of that event."""

    async def teach(self, lesson: str) -> None:
        """Keep a pinned message (JSON)."""

    async def backfill(self, channel: str) -> None:
        """Read back what was said in a channel."""

    async def catch_up(self, channel: str) -> None:
        """Read what was said in a channel while nobody listened."""

    async def sweep(self) -> None:
        """Schedule again what was lost between an event and its task."""

    async def tend(self) -> None:
        """Keep memory tidy."""

    async def failed(self, task: str, subject: str, error: BaseException) -> None:
        """A task has failed for the last time."""


@dataclass(frozen=True)
class _Guard:
    """Makes tasks of duties; the last failure of a task is told to the duties."""

    duties: Duties
    stopping: asyncio.Event
    grace_s: float

    def task(
        self, name: str, work: Callable[[str], Awaitable[None]], tries: ExponentialRetry, *, alone: bool = False
    ) -> Task:
        """The duty as a task of that name.

        Args:
            alone: never twice at a time for one subject.
        """

        async def tried(subject: str, run: Run = CurrentExecution(), retry: ExponentialRetry = tries) -> None:
            await self._run(name, subject, work(subject), run, tries.attempts)

        async def tried_alone(
            subject: str,
            run: Run = CurrentExecution(),
            one: ConcurrencyLimit = ConcurrencyLimit("subject", 1, scope=name),
            retry: ExponentialRetry = tries,
        ) -> None:
            await tried(subject, run)

        made = tried_alone if alone else tried
        made.__name__ = name
        return made

    async def round(self, name: str, work: Awaitable[None]) -> None:
        """A round of its own accord; one that is broken off is begun anew by whoever is there."""
        try:
            await finished(work, self.stopping, self.grace_s)
        except Stopping as end:
            log.info("task.stopped", task=name, why=str(end))

    async def _run(self, task: str, subject: str, work: Awaitable[None], run: Run, attempts: int | None) -> None:
        try:
            await finished(work, self.stopping, self.grace_s)
        except Stopping as end:
            log.info("task.stopped", task=task, key=run.key, why=str(end))
            run.attempt -= 1  # the queue adds one: a try that was broken off is none, or a restart could be the last
            raise
        except Exception as error:  # boundary: a task must end in a record, whatever happened in it
            last = attempts is not None and run.attempt >= attempts
            log.exception("task.failed", task=task, key=run.key, attempt=run.attempt, last=last)
            if last:
                await self.duties.failed(task, subject, error)
            raise


def tasks_of(
    duties: Duties, *, sweep_every: timedelta, stopping: asyncio.Event, grace_s: float = GRACE_S
) -> tuple[Task, ...]:
    """All tasks, bound to the duties. docket knows a task by its function's name.

    Args:
        stopping: set when the process ends; what is not finished then within `grace_s` is broken off and tried again
            by whoever is there. Only an effect is waited for, for as long as its action takes.
    """
    guard = _Guard(duties, stopping, grace_s)
    task = guard.task
    return (
        task("walk", duties.walk, BRIEF, alone=True),
        task("show", duties.show, PATIENT, alone=True),
        task("draw", duties.draw, BRIEF, alone=True),
        task("word", duties.word, BRIEF, alone=True),
        task("learn", duties.learn, BRIEF),
        task("verify", duties.verify, BRIEF),
        task("teach_drawing", duties.teach_drawing, PATIENT),
        task("postmortem", duties.postmortem, PATIENT),
        task("expire", duties.expire, PATIENT),
        task("unanswered", duties.unanswered, PATIENT),
        task("decide", duties.decide, PATIENT),
        task("standing", duties.standing, PATIENT),
        task("trust", duties.trust, PATIENT),
        task("audit", duties.audit, PATIENT),
        task("say", duties.say, PATIENT),
        task("reply", duties.reply, PATIENT),
        task("regroup", duties.regroup, PATIENT),
        task("hear", duties.hear, PATIENT),
        task("teach", duties.teach, PATIENT),
        task("backfill", duties.backfill, PATIENT),
        task("catch_up", duties.catch_up, PATIENT, alone=True),
        *_untried(duties),
        *_rounds(guard, sweep_every),
    )


def _untried(duties: Duties) -> tuple[Task, ...]:
    """Tasks that a queue must not try again: one acts on production, for the other somebody waits."""

    async def execute(proposal_id: str, again: Perpetual = Perpetual(every=timedelta(seconds=1))) -> None:
        # It runs again until it says that nothing is left: whether it may act again is for the journal to say.
        look_again_s = await duties.execute(proposal_id)
        if look_again_s is None:
            again.cancel()
        else:
            again.at(datetime.now(UTC) + timedelta(seconds=look_again_s))

    async def draft(wish: str, reply: str) -> None:
        await duties.draft(wish, reply)

    return (execute, draft)


def _rounds(guard: _Guard, sweep_every: timedelta) -> tuple[Task, ...]:
    async def sweep(again: Perpetual = Perpetual(every=sweep_every, automatic=True)) -> None:
        await guard.round("sweep", guard.duties.sweep())

    async def tend(again: Perpetual = Perpetual(every=TEND_EVERY, automatic=True)) -> None:
        await guard.round("tend", guard.duties.tend())

    return (sweep, tend)

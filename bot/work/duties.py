"""What each task does: the thin layer between the queue and the rooms."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from pydantic import ValidationError

from bot.errors import IllegalTransition, NotFound, SlackRefused
from bot.incidents import Journal
from bot.memory import MemoryManager
from bot.models import HandedOver, Incident, Noted, Phase, Resolved, Verified
from bot.remediation.approvals import Approvals, incident_of
from bot.remediation.execution import Execution
from bot.slack.desk import Decision, Regrouping, Reply, Taught
from bot.slack.inbox import moment
from bot.slack.views import talk
from bot.work.alerting import Alerting
from bot.work.answers import Answers
from bot.work.drafts import Drafts
from bot.work.drawings import Drawings
from bot.work.follow import Follow, last_moved
from bot.work.gaps import Gaps, reread
from bot.work.gatekeeper import Gatekeeper, Said
from bot.work.mentions import Mentions
from bot.work.questions import Questions
from bot.work.scribe import Scribe
from bot.work.showings import Showings
from bot.work.stage import Stage
from bot.work.triage import Triage
from bot.work.verify import Verifier

log = structlog.get_logger(__name__)

PROPOSAL_TASKS = frozenset({"expire", "execute", "verify", "decide", "unanswered", "standing", "trust"})
"""Tasks whose subject is a proposal or a question: its id carries the incident's."""
SHOWN_WITHIN = timedelta(minutes=15)
"""How long after its end an incident is looked at again, for what Slack does not show yet."""
QUIET_FOR = timedelta(hours=24)
"""After this long without a word, an incident that people took over is closed."""
AUDITED_LATELY = timedelta(minutes=30)
"""Incidents that ended within this time are looked at once more for the audit trail."""
LONGEST_REASON = 400
UNTOLD_TASKS = frozenset(
    {"hear", "teach", "backfill", "catch_up", "reply", "draw", "teach_drawing", "regroup", "say", "word", "postmortem"}
)
"""Tasks whose last failure is no news for an incident."""


@dataclass(frozen=True)
class Office:
    """Implements `bot.work.tasks.Duties`."""

    journal: Journal
    alerting: Alerting
    memory: MemoryManager
    triage: Triage
    approvals: Approvals
    execution: Execution
    keeper: Gatekeeper
    draft_for: Callable[[str, str], Awaitable[None]]
    verifier: Verifier
    answers: Answers
    questions: Questions
    follow: Follow
    showings: Showings
    drawings: Drawings
    drafts: Drafts
    scribe: Scribe
    stage: Stage
    mentions: Mentions
    gaps: Gaps
    clock: Callable[[], datetime]
    knowledge: Path | None = None
    """The folder of private runbooks and post-mortems, if there is one."""

    async def walk(self, incident_id: str) -> None:
        """Go on with the incident's playbook."""
        await self.alerting.in_turn(incident_id, self.triage.walk)

    async def show(self, incident_id: str) -> None:
        """Bring Slack up to date with the incident."""
        async with self.showings.one(incident_id):
            await self.stage.show(partial(self._as_shown, incident_id))

    async def draw(self, incident_id: str) -> None:
        """Redraw where the incident's playbook stands."""
        incident = await self.journal.read(incident_id)
        for sketch in await self.drawings.of(incident):
            await self.stage.draw(incident, sketch)

    async def teach_drawing(self, incident_id: str) -> None:
        """Offer what the incident taught as a file for people to review; it is taken into use by nobody but them."""
        incident = await self.journal.read(incident_id)
        drafted = await self.drafts.of(incident, await self.stage.thread(incident))
        if drafted is not None:
            log.info("draft.offered", incident=incident_id, file=drafted.name)
            await self.stage.offer(incident, drafted)

    async def word(self, incident_id: str) -> None:
        """Put the ranking into words, where a model is there to."""
        await self.scribe.word(await self.journal.read(incident_id))

    async def postmortem(self, incident_id: str) -> None:
        """Offer a draft of a post-mortem as a file, once."""
        incident = await self.journal.read(incident_id)
        drafted = await self.scribe.postmortem(incident)
        if drafted is not None:
            await self.stage.attach(incident, drafted.name, drafted.text, drafted.said)

    async def learn(self, incident_id: str) -> None:
        """Write the incident to memory: what it was, what was done, how it ended."""
        incident = await self.journal.read(incident_id)
        await self.memory.learn(incident, permalink=await self.stage.link(incident))

    async def expire(self, proposal_id: str) -> None:
        """Close the gate if its time is over."""
        await self.approvals.expire(proposal_id)

    async def execute(self, proposal_id: str) -> float | None:
        """Carry out an approved proposal."""
        return await self.execution.run(proposal_id)

    async def standing(self, proposal_id: str) -> None:
        """Approve a proposal that a standing approval covers."""
        await self.keeper.standing(proposal_id)

    async def trust(self, proposal_id: str) -> None:
        """Count how a proposal ended."""
        await self.keeper.trust(proposal_id)

    async def audit(self, incident_id: str) -> None:
        """Bring the audit trail up to date with the incident."""
        await self.keeper.record(incident_id)

    async def say(self, said: str) -> None:
        """Keep a grant or a revocation in the audit trail."""
        await self.keeper.say(Said.model_validate_json(said))

    async def draft(self, wish: str, reply: str) -> None:
        """Draft a proposal for a worker."""
        await self.draft_for(wish, reply)

    async def verify(self, proposal_id: str) -> None:
        """Watch an executed proposal."""
        await self.verifier.run(proposal_id)

    async def decide(self, decision: str) -> None:
        """Check and record a click, and tell the person what became of it."""
        click = Decision.model_validate_json(decision)
        if click.verdict == "approve":
            verdict = await self.approvals.approve(click.proposal_id, click.digest, click.user, click.reason)
        else:
            verdict = await self.approvals.reject(click.proposal_id, click.digest, click.user, click.reason)
        log.info(
            "gate.decided", user=click.user, proposal=click.proposal_id, wish=click.verdict, outcome=verdict.outcome
        )
        if verdict.outcome == "denied":
            text = f"Pressed {click.verdict} without being allowed to: {verdict.text}"
            told = Noted(at=self.clock(), actor=click.user, text=text, quiet=True)  # the person alone is told
            await self._note(click, told, once=f"denied:{click.proposal_id}:{click.user}:{click.verdict}")
        elif verdict.outcome == "overruled":  # so would everybody's click be
            about = hashlib.sha256(verdict.text.encode()).hexdigest()[:16]
            told = Noted(at=self.clock(), actor=click.user, text=f"Approve was pressed. {verdict.text}")
            await self._note(click, told, once=f"overruled:{click.proposal_id}:{about}")
        if verdict.outcome not in {"approved", "rejected"}:
            await self.stage.tell(click.user, click.channel, verdict.text)

    async def reply(self, reply: str) -> None:
        """Record an answer to a question, or tell the person why it came too late."""
        given = Reply.model_validate_json(reply)
        refused = await self.questions.answer(given)
        log.info("question.replied", user=given.user, question=given.question_id, number=given.number, refused=refused)
        if refused:
            await self.stage.tell(given.user, given.channel, refused)

    async def unanswered(self, question_id: str) -> None:
        """Close a question that nobody has answered, if its time is over."""
        await self.questions.expire(question_id)

    async def regroup(self, wish: str) -> None:
        """Split or merge as a person asked for, and tell them what became of it."""
        asked = Regrouping.model_validate_json(wish)
        text = await self.alerting.regrouped(asked)
        log.info("incident.regrouped", user=asked.user, incident=asked.incident_id, wish=asked.verb, outcome=text)
        await self.stage.tell(asked.user, asked.channel, text)

    async def hear(self, event_id: str) -> None:
        """Answer a mention, unless that was done."""
        heard = await self.mentions.waiting(event_id)
        if heard is None:
            return
        await self.stage.seen(heard)
        post = await self.answers.mention(heard)
        if post is not None:
            await self.stage.answer(heard, post)
        await self.mentions.drop(event_id)

    async def teach(self, lesson: str) -> None:
        """Keep a pinned message as a lesson."""
        taught = Taught.model_validate_json(lesson)
        text = await self.stage.message_text(taught.channel, taught.message_ts)
        if text:
            source = (taught.channel, taught.message_ts)
            author = taught.author or taught.user
            if await self.memory.teach(text, author, moment(taught.message_ts), source=source):
                await self.stage.kept(taught.channel, taught.message_ts)

    async def backfill(self, channel: str) -> None:
        """Read back what was said in a channel, as far as it is kept."""
        if await self.stage.is_private(channel):
            await self.memory.keep_private(channel)
        days = await self.memory.retention(channel)
        oldest = self.clock() - timedelta(days=days) if days else None
        await self.stage.history(channel, partial(reread, self.memory), oldest=oldest)

    async def catch_up(self, channel: str) -> None:
        """Read what was said in a channel while nobody listened, and forget what is gone since."""
        await self.gaps.close(channel, self.stage)

    async def sweep(self) -> None:
        """Schedule again what was lost between an event and its task."""
        now = self.clock()
        async for incident in self.journal.open_incidents():
            if await self.follow.lost(incident, now):
                log.info("sweep.rescheduled", incident=incident.id, phase=incident.phase)
            if incident.phase is Phase.HANDED_OVER and now - last_moved(incident) > QUIET_FOR:
                await self._close(incident)
            await self.alerting.settle(incident)
            await self._catch_up(incident)
        async for incident in self.journal.closed_incidents(since=(now - SHOWN_WITHIN).timestamp(), limit=50):
            await self._catch_up(incident)
        await self.alerting.unsilence()

    async def _as_shown(self, incident_id: str) -> Incident:
        """With what is counted beside its events."""
        return await self.scribe.with_cost(await self.journal.counted(incident_id))

    async def _catch_up(self, incident: Incident) -> None:
        """Slack shows the last word too, when the showing that was to tell it is lost."""
        if await self.stage.behind(incident):
            await self.follow.show(incident)

    async def tend(self) -> None:
        """Forget what is too old to keep, and take in what has changed in the knowledge folder."""
        await self.memory.expire()
        lately = (self.clock() - AUDITED_LATELY).timestamp()
        for incident_id in [*await self.journal.open_ids(), *await self.journal.closed_ids(since=lately)]:
            await self.follow.audit(incident_id)
        if self.knowledge:
            changed = await self.memory.sync_knowledge(self.knowledge)
            log.info("memory.knowledge", folder=str(self.knowledge), **asdict(changed))

    async def failed(self, task: str, subject: str, error: BaseException) -> None:
        """A task has failed for the last time: the incident says so, and a triage goes to people."""
        if task == "backfill":
            await self.stage.not_read_back(subject, str(error))
        elif task == "hear":
            await self._unheard(subject)
        if task in UNTOLD_TASKS:
            return
        if task == "decide":
            subject = _clicked(subject)
        incident_id = incident_of(subject) if task in PROPOSAL_TASKS else subject
        reason = f"{type(error).__name__}: {error}"[:LONGEST_REASON]
        text = f"The task '{task}' failed again and again and was given up: {reason}"
        event = HandedOver(at=self.clock(), reason=text) if task == "walk" else Noted(at=self.clock(), text=text)
        # Once: a note must be shown too, and where showing is what fails, notes would follow notes for ever.
        once = "" if task == "walk" else f"gave-up:{task}:{subject}"
        try:
            await self.journal.append(incident_id, event, once=once)
            if task == "verify":
                await self.journal.append(incident_id, _not_verified(subject, self.clock(), text))
        except (IllegalTransition, NotFound) as impossible:
            log.exception("task.unrecorded", task=task, incident=incident_id, why=str(impossible), failure=text)

    async def _unheard(self, event_id: str) -> None:
        """Who asked is told that no answer will come; Slack itself may be why."""
        if heard := await self.mentions.waiting(event_id):
            try:
                await self.stage.answer(heard, talk.answer(talk.given_up()))
            except SlackRefused as refusal:
                log.warning("mention.given_up_untold", mention=event_id, why=str(refusal))
        await self.mentions.drop(event_id)

    async def _close(self, incident: Incident) -> None:
        """People took over and nothing was heard since; what still fires then comes back as a new run."""
        hours = QUIET_FOR // timedelta(hours=1)
        reason = f"it was handed over to people, and nothing was heard of it for {hours} hours"
        seen = {"version": incident.history[-1].id}
        try:
            await self.journal.append(incident.id, Resolved(at=self.clock(), reason=reason), expected=seen)
        except IllegalTransition as moved_on:
            log.info("sweep.overtaken", incident=incident.id, why=str(moved_on))

    async def _note(self, click: Decision, told: Noted, *, once: str) -> None:
        """A click that came to nothing leaves a trace in the record of the incident."""
        try:
            await self.journal.append(incident_of(click.proposal_id), told, once=once)
        except IllegalTransition as impossible:
            log.warning("decision.unrecorded", proposal=click.proposal_id, why=str(impossible))


def _clicked(decision: str) -> str:
    """The proposal that a click was about; empty where that cannot be read."""
    try:
        return Decision.model_validate_json(decision).proposal_id
    except ValidationError:
        return ""


def _not_verified(proposal_id: str, at: datetime, why: str) -> Verified:
    """A watch that broke saw no recovery; said so, the drawing goes on instead of waiting for it."""
    return Verified(at=at, proposal_id=proposal_id, recovered=False, statement=why)

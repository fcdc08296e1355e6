"""One incident as the drawing sees it: its steps ask agents, its gates open approvals, all of it in the journal."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.agents.board import Case, Enquiry, delivered
from bot.agents.commander import explain, rank
from bot.agents.enquiring import LOOKING_S, enquire
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.canvas.outcome import Change, Judgement, Step
from bot.canvas.world import Conclusion, Exploration, Look
from bot.catalog import Catalog, CatalogNow
from bot.errors import IllegalTransition, RemediationError
from bot.incidents import Journal
from bot.memory import MemoryManager
from bot.models import (
    Asked,
    Chart,
    Evidence,
    Finding,
    Found,
    Hypothesis,
    Incident,
    Noted,
    Proposal,
    Proposed,
    Question,
    Ranked,
    Rejected,
    Reopened,
    Report,
    Risk,
    Undo,
)
from bot.models.looks import reports_of
from bot.observability import TO_PROPOSAL
from bot.remediation.action import Action, ActionParameters
from bot.remediation.catalogue import Actions
from bot.remediation.proposal import Grounds
from bot.settings import Settings
from bot.work.drafting import Draft, Wish, next_proposal_id
from bot.work.judging import NO_MIND, Mind
from bot.work.questions import next_question_id
from bot.work.scoping import last_began, scope_of
from bot.work.verification import verification_of

log = structlog.get_logger(__name__)

ANSWER_WITHIN_S = 15 * 60.0
"""How long a question of a drawing waits where the drawing does not say."""
BEGINNINGS = frozenset({"opened", "reopened"})
MOST_EVIDENCE = 8
_PERSON = re.compile(r"[UW][A-Z0-9]{2,20}")
RANK = "commander.rank"
APPLY = "remediation.apply"
"""In a drawing: whatever single action the commander found to fit."""

KeepCharts = Callable[[str, str, Sequence[Chart]], Awaitable[tuple[str, ...]]]


@dataclass(frozen=True)
class Rooms:
    """What every run needs, whatever the incident."""

    journal: Journal
    memory: MemoryManager
    toolbox: Toolbox
    actions: Actions
    known: CatalogNow
    settings: Settings
    clock: Callable[[], datetime]
    keep_charts: KeepCharts
    draft: Draft
    mind: Mind = NO_MIND

    @property
    def catalog(self) -> Catalog:
        """As it is now."""
        return self.known()


class CannotPropose(RemediationError):
    """A gate was reached, and what it should ask about cannot be proposed."""


class IncidentWorld:
    """Implements `bot.canvas.world.World` for one run of one incident."""

    def __init__(self, rooms: Rooms, incident_id: str, run: str) -> None:
        self._rooms = rooms
        self._incident_id = incident_id
        self._run = run
        self.refused: dict[str, str] = {}
        """Gates that could not be opened, by the key of their step, and why."""
        self.said: list[str] = []
        """What the ends that were reached have to say."""

    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        """The facts that the tool finds; what it found goes into the journal first."""
        if tool == RANK:
            return facts_of(await self._rank())
        incident = await self._read()
        scope = await self._scope(incident, tool.partition(".")[0], incident.findings)
        report = await self._rooms.toolbox.use(tool, parameters, scope)
        await self._record(report, step, _look(tool, parameters))
        return report.facts

    async def gate(self, step: Step, changes: Sequence[Change]) -> None:
        """Propose the change behind the gate; why not, where that is impossible, is kept in `refused`."""
        if await self._proposed(step):
            return
        try:
            proposal, reading = await self._draft(step, changes)
        except RemediationError as reason:
            self.refused[step.key] = str(reason)
            return
        began = last_began(await self._read())
        try:
            await self._rooms.journal.append(
                self._incident_id,
                Proposed(at=self._now(), proposal=proposal),
                once=self._once("proposed", step.run_id, step.key),
                fields={
                    **reading,
                    gate_field(step): proposal.id,
                    change_field(step.run_id, changes[0].node): proposal.id,
                },
            )
            TO_PROPOSAL.observe(max(0.0, (self._now() - began).total_seconds()))
        except IllegalTransition as busy:
            # Another gate of this drawing waits for people; this one opens on the walk after that decision.
            log.info("walk.gate_waits", incident=self._incident_id, step=step.key, why=str(busy))

    async def change(self, step: Step, action: str, parameters: Mapping[str, Any]) -> None:
        """The approval itself has set off the execution: there is nothing to start, only an outcome to wait for."""
        log.debug(
            "walk.waits_for_change", incident=self._incident_id, step=step.key, action=action, given=len(parameters)
        )

    async def ask(self, step: Step, question: str, answers: Sequence[str]) -> None:
        """Ask in the thread, once; no task waits for the answer."""
        incident = await self._read()
        within = timedelta(seconds=step.settings.expires or ANSWER_WITHIN_S)
        asked = Question(
            id=next_question_id(incident),
            text=question,
            answers=tuple(answers),
            playbook=step.playbook,
            node=step.node,
            expires_at=self._now() + within,
        )
        await self._rooms.journal.append(
            self._incident_id,
            Asked(at=self._now(), question=asked),
            once=self._once("ask", step.run_id, step.key),
            fields={question_field(step): asked.id},
        )

    async def judge(
        self, step: Step, question: str, labels: Sequence[str], facts: Mapping[str, Any]
    ) -> Judgement | None:
        """As the model says, within the labels; None, where there is none, takes `otherwise`."""
        judgement = await self._rooms.mind.judge(await self._read(), step, question, labels, facts)
        if judgement is None:
            text = f"{question} No model gave an answer that holds, so the drawing's way without one is taken."
            await self._rooms.journal.append(
                self._incident_id,
                Noted(at=self._now(), text=text),
                once=self._once("unjudged", step.run_id, step.key),
            )
        return judgement

    async def explore(self, step: Step, exploration: Exploration) -> Look | Conclusion | None:
        """As the model says, within the offers; without one, the tools in the drawing's order."""
        return await self._rooms.mind.explore(await self._read(), step, exploration)

    async def note(self, text: str) -> None:
        """Keep an end's words; they are said with how the incident ends."""
        self.said.append(text)

    async def _read(self) -> Incident:
        return await self._rooms.journal.read(self._incident_id)

    async def _scope(self, incident: Incident, role: str, posted: Sequence[Finding]) -> Scope:
        """The agent's assignment, with its own brief and what the board has for it."""
        rooms = self._rooms
        brief = await rooms.memory.brief(incident, role, rooms.settings.triage.brief_tokens)
        heard = delivered(role, posted)
        return scope_of(incident, rooms.catalog, rooms.settings.triage, self._now(), brief=brief, heard=heard)

    async def _enquire(self, incident: Incident) -> int:
        """Have agents answer what others' findings raise, each within a few seconds; how many questions there were."""
        posted, toolbox = incident.findings, self._rooms.toolbox
        case = Case(posted, incident.service, self._rooms.catalog, incident.alert.starts_at or incident.opened_at)

        async def answer(enquiry: Enquiry) -> Report:
            scope = await self._scope(incident, enquiry.asked, posted)
            looking_s = min(scope.deadline_s, LOOKING_S)
            return await toolbox.use(enquiry.tool, enquiry.parameters, replace(scope, deadline_s=looking_s))

        asked = {report.asked_by for report in reports_of(incident.history)}
        return await enquire(case, toolbox, answer, self._record_answer, asked=asked)

    async def _record(self, report: Report, step: Step, look: str) -> None:
        await self._post(report, step.key, self._once("finding", step.run_id, step.key), look)

    async def _record_answer(self, enquiry: Enquiry, report: Report) -> None:
        where, look = f"{enquiry.asker}-asked", _look(enquiry.tool, enquiry.parameters)
        await self._post(report, where, self._once("answer", enquiry.asker), look, enquiry)

    async def _post(self, report: Report, where: str, once: str, look: str, enquiry: Enquiry | None = None) -> None:
        """Put a report on the board, once."""
        keys = await self._rooms.keep_charts(self._incident_id, once.partition(":")[2], report.charts)
        found = Found(
            at=self._now(),
            agent=report.agent,
            findings=tuple(_numbered(finding, where) for finding in report.findings),
            gaps=report.gaps,
            seconds=report.seconds,
            charts=keys,
            asked_by=enquiry.asker if enquiry else None,
            question=enquiry.words if enquiry else "",
            look=look,
        )
        await self._rooms.journal.append(self._incident_id, found, once=once)

    async def _rank(self) -> Hypothesis:
        """Rank what was found so far, after the agents' questions to each other, and write it down; the best of it."""
        incident = await self._read()
        if await self._enquire(incident):
            incident = await self._read()
        hypotheses = rank(incident.findings, incident.gaps, self._rooms.catalog)
        if hypotheses != incident.hypotheses:
            explanation = explain(hypotheses, incident.findings, incident.gaps)
            await self._rooms.journal.append(
                self._incident_id, Ranked(at=self._now(), hypotheses=hypotheses, explanation=explanation)
            )
        return hypotheses[0]

    async def _draft(self, step: Step, changes: Sequence[Change]) -> tuple[Proposal, Mapping[str, str]]:
        """The proposal, and the fields of the record that keep what its verification reads before the effect."""
        if len(changes) != 1:
            raise CannotPropose(f"The gate '{step.label}' leads to {len(changes)} changes; an approval is for one.")
        (change,) = changes
        await self._rank()
        incident = await self._read()
        name, given = meant(change)
        action, parameters = self._rooms.actions.resolve(name, given)
        if no := _no_to(action.name, action.target(parameters), incident):
            raise CannotPropose(f"Exactly this was rejected before: {no.reason}")
        cause = self._cause_of(action, parameters, incident.hypotheses)
        grounds = Grounds(
            incident_id=incident.id,
            why=" ".join(filter(None, (f"{cause.statement.rstrip('.')}.", step.settings.why))),
            confidence=cause.confidence,
            evidence=cause.evidence_for[:MOST_EVIDENCE],
            facts=_facts(incident, cause.evidence_for[:MOST_EVIDENCE]),
            playbook=step.playbook,
            playbook_hash=step.playbook_hash,
            node=step.node,
            verification=verification_of(change, incident.findings, self._rooms.settings.remediation.verify_s),
            rollback=change.irreversible,
            undo=_undo(change),
            floor=Risk(change.risk) if change.risk else None,
            expires_s=step.settings.expires,
            requested_by=_asked_by(incident),
        )
        drafted = await self._rooms.draft(
            Wish(proposal_id=next_proposal_id(incident), action=name, parameters=given, grounds=grounds)
        )
        if drafted.proposal is None:
            raise CannotPropose(drafted.refusal)
        return drafted.proposal, drafted.fields

    def _cause_of(
        self, action: Action[Any], parameters: ActionParameters, hypotheses: Sequence[Hypothesis]
    ) -> Hypothesis:
        """The hypothesis that exactly this action is a remedy for; where none names it, the best one."""
        for hypothesis in hypotheses:
            for remedy in hypothesis.remedies:
                if remedy.action == action.name and action.accept(remedy.parameters) == parameters:
                    return hypothesis
        return hypotheses[0]

    async def _proposed(self, step: Step) -> bool:
        return await self._rooms.journal.field(self._incident_id, gate_field(step)) is not None

    def _once(self, what: str, *where: str) -> str:
        return ":".join((what, self._run, *where))

    def _now(self) -> datetime:
        return self._rooms.clock()


def _look(tool: str, parameters: Mapping[str, Any]) -> str:
    """The same for the same question: `changes.look {}`."""
    return f"{tool} {json.dumps(dict(parameters), sort_keys=True, default=str)}"


def _facts(incident: Incident, ids: Sequence[str]) -> tuple[Evidence, ...]:
    known = {fact.id: fact for finding in incident.findings for fact in finding.evidence}
    return tuple(known[name] for name in ids if name in known)


def _asked_by(incident: Incident) -> str | None:
    """The person who started this run by asking; None where an alert did."""
    begun = (recorded.event for recorded in reversed(incident.history) if recorded.event.kind in BEGINNINGS)
    actor = next(begun).actor
    return actor if _PERSON.fullmatch(actor) else None


def gate_field(step: Step) -> str:
    """The field of the incident's record that holds the proposal which a gate opened."""
    return f"gate:{step.run_id}:{step.key}"


def change_field(run_id: str, node: str) -> str:
    """The field that holds the proposal which a change of the drawing waits for."""
    return f"change:{run_id}:{node}"


def question_field(step: Step) -> str:
    """The field of the incident's record that holds the question which a step has asked."""
    return f"question:{step.run_id}:{step.key}"


def _no_to(action: str, target: str, incident: Incident) -> Rejected | None:
    """A person's rejection of that action on that target, since the incident was last opened."""
    offered: set[str] = set()
    no: Rejected | None = None
    for recorded in incident.history:
        match recorded.event:
            case Reopened():
                no = None
            case Proposed(proposal=proposal) if (proposal.action, proposal.target) == (action, target):
                offered.add(proposal.id)
            case Rejected(proposal_id=proposal_id) as event if proposal_id in offered:
                no = event
    return no


def _numbered(finding: Finding, step: str) -> Finding:
    """The finding with evidence ids that are unique within the incident: the step's key and the agent's own id."""
    evidence = tuple(fact.model_copy(update={"id": f"{step}/{fact.id}"}) for fact in finding.evidence)
    return finding.model_copy(update={"evidence": evidence})


def _undo(change: Change) -> Undo | None:
    if not change.rollback:
        return None
    risk = Risk(change.risk) if change.risk else None
    return Undo(action=str(change.rollback["use"]), parameters=dict(change.rollback["with"]), risk=risk)


def meant(change: Change) -> tuple[str, Mapping[str, Any]]:
    """The action and its parameters; for `remediation.apply`, those of the remedy that was found.

    Raises:
        CannotPropose: there is no such remedy.
    """
    if change.action != APPLY:
        return change.action, change.parameters
    name, given = change.parameters.get("action"), change.parameters.get("parameters")
    if not isinstance(name, str) or not isinstance(given, Mapping):
        raise CannotPropose("No single remedy fits the cause, so there is nothing to propose.")
    return name, given


def facts_of(best: Hypothesis) -> dict[str, Any]:
    """What a branch may ask about the best hypothesis. How confident is confident enough is for the drawing to say."""
    remedy = best.remedies[0] if best.remedies else None
    return {
        "kind": best.kind,
        "service": best.service,
        "confidence": best.confidence,
        "remedy_count": len(best.remedies),
        "remedy_action": remedy.action if remedy else None,
        "remedy_parameters": dict(remedy.parameters) if remedy else None,
    }

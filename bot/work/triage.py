"""The triage of one incident: look back, then walk the drawing as far as it goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import structlog

from bot.canvas import Kind, Playbook, Step, Store, Walked, decide, walk
from bot.catalog import Catalog
from bot.errors import IllegalTransition, NotFound
from bot.models import Alert, Answered, Briefed, Event, HandedOver, Incident, Noted, Phase, Resolved, Unanswered
from bot.work.follow import WALKED_ON
from bot.work.scoping import run_of
from bot.work.wayback import WayBack, left_in_place, settled, what_counts
from bot.work.world import IncidentWorld, Rooms, change_field, gate_field, question_field

log = structlog.get_logger(__name__)

DECISIONS = ("approved", "rejected", "expired")
MOST_DEATHS = 5
"""A walk that has ended its process this often is not tried again: it would take all other work down with it."""
RUNNING_AGENTS = 6
"""How many steps of one incident look at the same time."""

Choose = Callable[[Alert, str | None], "tuple[Playbook, str]"]
"""The playbook for an alert about a service, and why that one."""
Library = Callable[[], Mapping[str, Playbook]]


class Triage:
    """Walks incidents."""

    def __init__(self, rooms: Rooms, store: Store, choose: Choose, library: Library) -> None:
        self._rooms = rooms
        self._store = store
        self._choose = choose
        self._library = library
        self._way_back = WayBack(rooms.journal, rooms.draft, rooms.clock)

    async def walk(self, incident_id: str) -> None:
        """Go on with the incident's run, from its beginning or from where it stands."""
        try:
            incident = await self._rooms.journal.read(incident_id)
        except NotFound:
            log.warning("triage.unknown_incident", incident=incident_id)
            return
        if incident.at_rest:
            return
        run = run_of(incident)
        begun = await self._rooms.journal.count(incident_id, f"walking:{run}", 1)
        try:
            await self._unless_deadly(incident, run, begun)
        except IllegalTransition as moved_on:
            # The alert resolved, or a person ended it, while the agents were looking.
            log.info("triage.overtaken", incident=incident_id, why=str(moved_on))
        finally:
            await self._rooms.journal.count(incident_id, f"walking:{run}", -1)

    async def _unless_deadly(self, incident: Incident, run: str, begun: int) -> None:
        if begun > MOST_DEATHS:
            died = f"The walk of its playbook ended the whole process {MOST_DEATHS} times, so it is not tried again."
            await self._finish(incident.id, run, died)
        else:
            await self._walk(incident, run)

    async def _walk(self, incident: Incident, run: str) -> None:
        playbook, why = self._choose(incident.alert, incident.service)
        await self._look_back(incident, run, why)
        world = IncidentWorld(self._rooms, incident.id, run)
        while True:
            walked = await walk(
                playbook,
                f"{incident.id}:{run}",
                store=self._store,
                world=world,
                limit=RUNNING_AGENTS,
                given=_given(incident, self._rooms.catalog),
                library=self._library(),
            )
            if walked.state != "suspended":
                await self._finish(incident.id, run, " ".join(world.said) or _last_words(walked, playbook))
                return
            incident = await self._rooms.journal.read(incident.id)
            delivered = [await self._deliver(step, incident, world) for step in walked.waiting]
            if not any(delivered):
                await self._unless_stalled(incident, run, walked)
                return

    async def _look_back(self, incident: Incident, run: str, why: str) -> None:
        """First of all: what does memory know? And say by which drawing the bot goes on."""
        rooms = self._rooms
        name = f"briefed:{run}"
        if await rooms.journal.field(incident.id, f"once:{name}"):
            return
        chosen = f"Playbook: {why}"
        await rooms.journal.append(incident.id, Noted(at=rooms.clock(), text=chosen), once=f"chosen:{run}")
        condenser = rooms.mind.condenser(incident)
        tokens = rooms.settings.triage.brief_tokens
        brief = await rooms.memory.brief(incident, "commander", tokens, condenser=condenser)
        await rooms.journal.append(incident.id, Briefed(at=rooms.clock(), brief=brief), once=name)

    async def _deliver(self, step: Step, incident: Incident, world: IncidentWorld) -> bool:
        """Hand the waiting step its outcome, if there is one by now."""
        if step.kind is Kind.GATE:
            return await self._deliver_decision(step, incident, world)
        if step.kind is Kind.CHANGE:
            return await self._deliver_outcome(step, incident)
        return await self._deliver_answer(step, incident)

    async def _deliver_decision(self, step: Step, incident: Incident, world: IncidentWorld) -> bool:
        if refusal := world.refused.get(step.key):
            text = f"Nothing is proposed at '{step.label}': {refusal}"
            await self._rooms.journal.append(incident.id, Noted(at=self._rooms.clock(), text=text))
            return await decide(self._store, step.run_id, step.key, "rejected", note=refusal)
        proposal_id = await self._rooms.journal.field(incident.id, gate_field(step))
        for event in incident.about(proposal_id):
            if event.kind in DECISIONS:
                facts = {"reason": getattr(event, "reason", None), "proposal": proposal_id}
                return await decide(self._store, step.run_id, step.key, event.kind, facts=facts, actor=event.actor)
        return False

    async def _deliver_answer(self, step: Step, incident: Incident) -> bool:
        question_id = await self._rooms.journal.field(incident.id, question_field(step))
        for recorded in incident.history:
            match recorded.event:
                case Answered(question_id=about, answer=answer, actor=who) if about == question_id:
                    return await decide(self._store, step.run_id, step.key, answer, actor=who)
                case Unanswered(question_id=about) if about == question_id:
                    return await decide(self._store, step.run_id, step.key, "expired")
        return False

    async def _deliver_outcome(self, step: Step, incident: Incident) -> bool:
        """A change waits for the outcome of the approved proposal, and for the way back where it did not help."""
        waited_for = await self._rooms.journal.field(incident.id, change_field(step.run_id, step.node))
        proposal = incident.proposed(waited_for)
        end = settled(incident, proposal) if proposal else None
        if proposal is None or end is None or _edge_of(end) is None:
            return False
        if _edge_of(end) == "not_recovered":
            if await self._way_back.stands_open(incident, proposal):
                return False
            end = what_counts(incident, proposal, end)
        facts = end.model_dump(mode="json", exclude={"kind"})
        return await decide(self._store, step.run_id, step.key, str(_edge_of(end)), facts=facts)

    async def _unless_stalled(self, incident: Incident, run: str, walked: Walked) -> None:
        """Where nobody is asked and nothing runs, nothing would ever wake this walk again: then people carry on."""
        if incident.phase in WALKED_ON and not incident.open_questions:
            where = ", ".join(f"'{step.label}'" for step in walked.waiting)
            await self._finish(incident.id, run, f"The drawing waits at {where}, and nothing can come of that here.")

    async def _finish(self, incident_id: str, run: str, said: str) -> None:
        """Say the last word about exactly what stands there: an alert that joins meanwhile is looked at first."""
        while (incident := await self._rooms.journal.read(incident_id)).phase in WALKED_ON:
            seen = {"version": incident.history[-1].id}
            ending = _ending(incident, self._rooms.clock(), " ".join([said, *left_in_place(incident)]))
            try:
                await self._rooms.journal.append(incident_id, ending, once=f"ended:{run}", expected=seen)
            except IllegalTransition:
                continue
            return


def _ending(incident: Incident, at: datetime, said: str) -> Event:
    if incident.phase is Phase.RECOVERED:
        return Resolved(at=at, reason=said)
    if not incident.firing:
        return Resolved(at=at, reason=f"{said} Every alert has resolved.")
    return HandedOver(at=at, reason=said)


def _given(incident: Incident, catalog: Catalog) -> dict[str, Any]:
    """What a drawing may refer to: `alert`, `service` and `incident`."""
    known: dict[str, Any] = {"name": incident.service, "databases": [], "database": None}
    if incident.service and (service := catalog.services.get(incident.service)):  # it may have left the catalogue
        databases = catalog.databases_of(incident.service)
        known |= service.model_dump(mode="json", include={"tier", "environment", "channel"})
        known |= {"databases": list(databases), "database": databases[0] if databases else None}
    return {
        "alert": incident.alert.model_dump(mode="json"),
        "service": known,
        "incident": {"id": incident.id},
    }


def _edge_of(event: Any) -> str | None:
    if event.kind == "verified":
        return "recovered" if event.recovered else "not_recovered"
    return {"not_executed": "not_executed", "outcome_unknown": "unknown"}.get(event.kind)


def _last_words(walked: Walked, playbook: Playbook) -> str:
    if walked.state == "failed":
        return f"The playbook '{playbook.id}' could not be walked to its end: {walked.error}"
    if walked.end is None:
        return "The drawing ended."
    return playbook.of(walked.end).say or playbook.chart.nodes[walked.end].label

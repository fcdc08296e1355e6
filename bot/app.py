"""The composition root: settings in, a running service out. The only place that wires rooms together."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from bot.agents.scope import Scope
from bot.alerts.door import AlertDoor
from bot.canvas import RedisStore
from bot.canvas.library import Shelf
from bot.canvas.painter import Painter
from bot.changes.door import ChangeDoor
from bot.errors import Denied
from bot.gate import PLACES
from bot.ground import Clock, Ground, ground_of
from bot.incidents import Intake, Journal
from bot.incidents.reception import Reception
from bot.llm.door import model_of
from bot.memory import MemoryManager
from bot.models import Proposal
from bot.remediation.approvals import Approvals, Membership, may_decide
from bot.remediation.audit import Audit
from bot.remediation.execution import Execution
from bot.remediation.policy import Judgement, rejudge
from bot.remediation.standing import Standings
from bot.settings import Settings
from bot.sight import Telemetry, telemetry_of
from bot.slack.client import Slack
from bot.slack.door import Door
from bot.slack.easel import Easel
from bot.slack.face import Face
from bot.slack.greeting import greeting
from bot.slack.groups import Groups
from bot.slack.history import History
from bot.slack.ledger import Ledger
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.work.answers import Answers
from bot.work.backfill import Backfill, read_back_key
from bot.work.channel_rule import MayDecide
from bot.work.desk import FrontDesk
from bot.work.drafting import Drafter, Drafting, answer
from bot.work.drafts import Drafts
from bot.work.drawings import Drawings
from bot.work.duties import Office
from bot.work.forgetting import Forgetting
from bot.work.gaps import Gaps
from bot.work.gatekeeper import Gatekeeper, Trust
from bot.work.health import Health, health_routes
from bot.work.inlet import alerting_of, intake_of, sorting
from bot.work.lookout import ledger_of
from bot.work.measure import Measures
from bot.work.mentions import Mentions
from bot.work.naming import Names
from bot.work.pictures import Pictures
from bot.work.questions import Questions
from bot.work.queue import Queue
from bot.work.scoping import scope_of
from bot.work.scribe import Cost
from bot.work.specs import shipped_specs, tool_specs
from bot.work.stage import NoStage, SlackStage, Stage
from bot.work.stopping import unless
from bot.work.switching import Switch, Switching
from bot.work.tasks import tasks_of
from bot.work.thinking import Thinking, cost_of, counsel_of, thinking
from bot.work.triage import Triage
from bot.work.verify import Verifier
from bot.work.world import Rooms

log = structlog.get_logger(__name__)

RUNS_KEPT = timedelta(days=30)


Open = Callable[[AsyncExitStack, FrontDesk], Awaitable[list[Route]]]
"""Opens the Slack door for a desk; gives its routes."""


@dataclass(frozen=True)
class Workspace:
    """Where the people are: its door, what is shown there, who belongs to which group, and what they are called."""

    door: Open
    stage: Stage
    membership: Membership
    names: Names


@dataclass(frozen=True)
class Gate:
    """How a change comes to be proposed, decided on, carried out and watched."""

    measures: Measures
    drafter: Drafter
    approvals: Approvals
    standings: Standings
    keeper: Gatekeeper
    execution: Execution


@dataclass(frozen=True)
class Play:
    """What walks playbooks, draws where a walk stands, and drafts what an incident has taught."""

    triage: Triage
    drawings: Drawings
    drafts: Drafts


@dataclass(frozen=True)
class Nightdesk:
    """The assembled service."""

    web: Starlette
    journal: Journal
    memory: MemoryManager
    intake: Intake
    health: Health


def utc_now() -> datetime:
    """This instant in UTC."""
    return datetime.now(UTC)


@asynccontextmanager
async def assembled(settings: Settings, *, clock: Clock = utc_now) -> AsyncIterator[Nightdesk]:
    """The service with its worker running; it stops in order when the block ends.

    Raises:
        Misconfigured: a setting, the catalogue or Redis cannot be used.
    """
    with_doors = settings.role != "executor"
    stopping = asyncio.Event()
    async with AsyncExitStack() as stack:
        ground = await stack.enter_async_context(ground_of(settings, clock))
        intake = intake_of(settings, ground.redis, ground.journal, ground.register.known, clock)
        ledger, pictures = ledger_of(ground.redis, settings.changes), Pictures(ground.redis)
        workspace = await _workspace(stack, ground, pictures, stopping)
        telemetry = await telemetry_of(stack, ground, ledger, workspace.names)
        thought = await _thought(stack, ground, telemetry, workspace)
        gate = _gate(ground, telemetry, workspace.membership)
        play = await _play(stack, ground, telemetry, thought, gate, pictures)
        answers = _answers(ground, intake, workspace, thought)
        office = _office(ground, intake, workspace, thought, gate, play, answers, stopping)
        sweep_every = timedelta(seconds=settings.work.sweep_s)
        ground.queue.register(tasks_of(office, sweep_every=sweep_every, stopping=stopping))
        health = Health(ground.redis)
        inlet = sorting(settings, ground.redis, intake, ground.showings.want, health, sorts=with_doors)
        reception = await stack.enter_async_context(inlet)
        desk = _desk(ground, intake, answers, workspace.stage, gate.standings, reception, thought.scribe.cost)
        routes: list[BaseRoute] = list(health_routes(health))
        missed = await _gaps(ground).note() if with_doors and settings.slack.configured else []
        if with_doors:
            routes += AlertDoor(settings, reception, clock).routes()
            routes += ChangeDoor(settings, ledger, clock).routes()
            routes += await workspace.door(stack, desk)
        await stack.enter_async_context(_workers(ground.queue, settings, health, stopping))
        await _read_back(ground, missed)
        yield Nightdesk(Starlette(routes=routes), ground.journal, ground.memory, intake, health)


async def _thought(stack: AsyncExitStack, ground: Ground, telemetry: Telemetry, workspace: Workspace) -> Thinking:
    """What a model does here; nothing where none is configured."""
    settings, stage = ground.settings, workspace.stage
    switch = Switch(ground.redis, settings.model.off_in)
    model = await stack.enter_async_context(model_of(settings.model, ground.redis, ground.clock))
    return thinking(
        counsel_of(model, settings.model, ground.journal, ground.memory, ground.catalog, ground.clock, switch),
        telemetry.toolbox,
        ground.catalog,
        settings.triage,
        thread_of=stage.thread,
        grow=stage.answer,
        cost=cost_of(model),
        switching=Switching(switch, model, settings.model, _may_decide(ground, workspace)),
    )


def _gate(ground: Ground, telemetry: Telemetry, membership: Membership) -> Gate:
    settings, register, lawbook, clock = ground.settings, ground.register, ground.lawbook, ground.clock

    async def scope(incident_id: str) -> Scope:
        return scope_of(await ground.journal.read(incident_id), register.known(), settings.triage, clock())

    def law(proposal: Proposal) -> Judgement:
        return rejudge(proposal, clock(), register.now(), lawbook.now())

    measures = Measures(telemetry.ask, telemetry.toolbox, scope, ground.actions)
    approvals = Approvals(ground.journal, membership, clock, law)
    standings = Standings(ground.redis, register.now, lawbook.now, membership, clock)
    keeper = Gatekeeper(ground.journal, approvals, standings, Audit(ground.redis, settings.audit_key), clock)
    verify_s, owner = settings.remediation.verify_s, f"{socket.gethostname()}:{os.getpid()}"
    return Gate(
        measures=measures,
        drafter=Drafter(ground.actions, register.now, lawbook.now, measures.now, clock, verify_s=verify_s),
        approvals=approvals,
        standings=standings,
        keeper=keeper,
        execution=Execution(ground.redis, ground.journal, ground.actions, clock, owner=owner, warrant=keeper.doubt),
    )


async def _play(
    stack: AsyncExitStack, ground: Ground, telemetry: Telemetry, thought: Thinking, gate: Gate, pictures: Pictures
) -> Play:
    settings = ground.settings
    rooms = Rooms(
        journal=ground.journal,
        memory=ground.memory,
        toolbox=telemetry.toolbox,
        actions=ground.actions,
        known=ground.register.known,
        settings=settings,
        clock=ground.clock,
        keep_charts=pictures.keep,
        draft=Drafting(ground.redis, ground.queue).draft if settings.role == "worker" else gate.drafter.draft,
        mind=thought.mind,
    )
    # What ships is known even where it is not configured: then its gate says so, and the rest of the drawing runs.
    specs = {**shipped_specs(), **tool_specs(rooms.toolbox, rooms.actions)}
    shelf = Shelf(settings.playbooks_dir, specs)
    shelf.playbooks()  # what is wrong with a playbook is said at start, not at night
    runs = RedisStore(ground.redis, RUNS_KEPT.total_seconds())
    painter = await stack.enter_async_context(Painter.open())
    return Play(
        triage=Triage(rooms, runs, shelf.choose, shelf.playbooks),
        drawings=Drawings(runs, painter),
        drafts=Drafts(runs, ground.memory, shelf.playbooks, specs, thought.scribe.lesson),
    )


def _answers(ground: Ground, intake: Intake, workspace: Workspace, thought: Thinking) -> Answers:
    forgetting = Forgetting(ground.memory, _may_decide(ground, workspace))
    return Answers(
        ground.journal,
        intake,
        ground.memory,
        ground.catalog,
        ground.clock,
        workspace.names,
        forgetting,
        thought.speaker,
        thought.switching,
    )


def _may_decide(ground: Ground, workspace: Workspace) -> MayDecide:
    return partial(may_decide, ground.lawbook.now, workspace.membership)


def _office(
    ground: Ground,
    intake: Intake,
    workspace: Workspace,
    thought: Thinking,
    gate: Gate,
    play: Play,
    answers: Answers,
    stopping: asyncio.Event,
) -> Office:
    """Everything that a task may need."""
    redis, journal, clock = ground.redis, ground.journal, ground.clock
    return Office(
        journal=journal,
        alerting=alerting_of(ground.settings, redis, journal, intake, ground.queue, clock),
        memory=ground.memory,
        triage=play.triage,
        approvals=gate.approvals,
        keeper=gate.keeper,
        execution=gate.execution,
        draft_for=partial(answer, redis, gate.drafter),
        verifier=Verifier(journal, gate.measures, clock, stopping),
        answers=answers,
        questions=Questions(journal, clock),
        mentions=Mentions(redis),
        gaps=_gaps(ground),
        follow=ground.follow,
        showings=ground.showings,
        drawings=play.drawings,
        drafts=play.drafts,
        scribe=thought.scribe,
        stage=workspace.stage,
        clock=clock,
        knowledge=ground.settings.knowledge_dir,
    )


def _desk(
    ground: Ground,
    intake: Intake,
    answers: Answers,
    stage: Stage,
    standings: Standings,
    reception: Reception,
    cost: Cost,
) -> FrontDesk:
    return FrontDesk(
        ground.redis,
        ground.queue,
        ground.journal,
        intake,
        ground.memory,
        answers,
        stage,
        ground.catalog,
        ground.clock,
        Trust(standings, ground.queue, ground.clock),
        reception,
        cost,
    )


async def _workspace(stack: AsyncExitStack, ground: Ground, pictures: Pictures, stopping: asyncio.Event) -> Workspace:
    """The configured workspace, or one without people."""
    settings = ground.settings
    if not settings.slack.configured:
        log.warning("slack.not_configured", mend=f"set {settings.slack.lacking}: docs/slack.md")
        return Workspace(_no_door, NoStage(), _nobody, _nameless)
    slack = await stack.enter_async_context(Slack.open(settings.slack))
    await stack.enter_async_context(greeting(slack))
    ledger, people = Ledger(ground.redis), People(slack)
    outbox = Outbox(slack, ledger)
    face = Face(slack, outbox, ledger, people, pictures.get, stopping)
    pause = unless(stopping, "the channel is read on from where it stopped")
    history = History(slack, slow=settings.slack.slow_history, pause=pause)
    backfill = Backfill(ground.redis, face, history, ground.clock, stopping)
    stage = SlackStage(face, Easel(outbox, ledger), ledger, history, backfill)

    async def open_door(opened: AsyncExitStack, desk: FrontDesk) -> list[Route]:
        door = Door(settings, desk, slack)
        await opened.enter_async_context(door.listening())
        return door.routes

    return Workspace(open_door, stage, Groups(slack).is_member, people.names)


async def _no_door(_: AsyncExitStack, __: FrontDesk) -> list[Route]:
    return []


async def _nameless(_: Iterable[str]) -> Mapping[str, str]:
    return {}


async def _nobody(_: str, __: str) -> bool:
    raise Denied("No Slack workspace is configured, so nobody's group can be told.")


def _gaps(ground: Ground) -> Gaps:
    return Gaps(ground.redis, ground.memory)


async def _read_back(ground: Ground, missed: Iterable[str]) -> None:
    """Read back the channels that incidents will go to, where that was never done, and of all what was missed."""
    for channel in missed:
        await ground.queue.add("catch_up", channel, key=channel)
    settings = ground.settings
    if not settings.slack.configured:
        return
    own = (service.channel for service in ground.catalog.services.values())
    channels = {settings.slack.channel, *own, *settings.changes.channels}
    for channel in sorted(filter(None, channels)):
        if not await ground.redis.exists(read_back_key(channel)):
            await ground.queue.add("backfill", channel, key=channel)


@asynccontextmanager
async def _workers(queue: Queue, settings: Settings, health: Health, stopping: asyncio.Event) -> AsyncIterator[None]:
    """Workers for the queues of this role; at the end they finish what they have begun, but watch no longer."""
    running = [asyncio.create_task(queue.work(settings.work, place, stopping)) for place in PLACES[settings.role]]
    health.working = True
    for worker in running:
        worker.add_done_callback(partial(_worker_ended, health))
    try:
        yield
    finally:
        health.working = False
        stopping.set()
        await asyncio.gather(*running, return_exceptions=True)


def _worker_ended(health: Health, running: asyncio.Task[None]) -> None:
    """A worker that ends by itself has met an error that it does not know how to wait out."""
    health.working = False
    if not running.cancelled() and (error := running.exception()):
        health.died = True
        log.critical("worker.died", mend="alerts are still kept; restart this process", exc_info=error)

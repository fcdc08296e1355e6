"""The composition root: settings in, a running service out. The only place that wires rooms together."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.routing import BaseRoute, Route

from bot.agents.database import database_tools
from bot.agents.logs import logs_tools
from bot.agents.metrics import metrics_tools
from bot.agents.requests import request_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.agents.traces import traces_tools
from bot.alerts.door import AlertDoor
from bot.canvas import Playbook, RedisStore, Store
from bot.canvas.library import load_library
from bot.canvas.lint import ToolSpec
from bot.canvas.matching import choose
from bot.canvas.painter import Painter
from bot.catalog import Catalog, load_catalog
from bot.changes.door import ChangeDoor
from bot.changes.ledger import ChangeLedger
from bot.databases import databases_of, readings_kept
from bot.errors import Denied
from bot.gate import PLACES, actions_of, lawbook_of
from bot.incidents import Intake, Journal
from bot.llm.door import model_of
from bot.memory import MemoryManager
from bot.models import Alert, Proposal
from bot.remediation.approvals import Approvals, Membership, may_decide
from bot.remediation.audit import Audit
from bot.remediation.catalogue import Actions
from bot.remediation.execution import Execution
from bot.remediation.lawbook import Lawbook
from bot.remediation.policy import Judgement, rejudge
from bot.remediation.standing import Standings
from bot.settings import Settings, secret_from_environment
from bot.slack.client import Slack
from bot.slack.door import Door
from bot.slack.easel import Easel
from bot.slack.face import Face
from bot.slack.groups import Groups
from bot.slack.history import History
from bot.slack.ledger import Ledger
from bot.slack.outbox import Outbox
from bot.slack.people import People
from bot.storage import KEEP_IT, connect, embedded_redis, keeps, require_usable
from bot.telemetry.prometheus import Prometheus
from bot.telemetry.shared import log_seats, span_seats
from bot.telemetry.sources import log_sources, span_sources
from bot.work.answers import Answers
from bot.work.backfill import Backfill, read_back_key
from bot.work.desk import FrontDesk
from bot.work.drafting import Drafter, Drafting, answer
from bot.work.drafts import Drafts
from bot.work.drawings import Drawings
from bot.work.duties import Office
from bot.work.follow import Follow
from bot.work.forgetting import Forgetting
from bot.work.gatekeeper import Gatekeeper, Trust
from bot.work.health import Health, health_routes
from bot.work.inlet import alerting_of, intake_of, sorting
from bot.work.lookout import ledger_of, tools_for_changes
from bot.work.measure import Ask, Measures
from bot.work.mentions import Mentions
from bot.work.metering import prometheus_of
from bot.work.pictures import Pictures
from bot.work.questions import Questions
from bot.work.queue import Queue, open_queue
from bot.work.recollection import Names
from bot.work.scoping import scope_of
from bot.work.showings import Showings
from bot.work.specs import shipped_specs, tool_specs
from bot.work.stage import NoStage, SlackStage, Stage
from bot.work.stopping import unless
from bot.work.tasks import tasks_of
from bot.work.thinking import cost_of, counsel_of, thinking
from bot.work.triage import Triage
from bot.work.verify import Verifier
from bot.work.world import Rooms

log = structlog.get_logger(__name__)

RUNS_KEPT = timedelta(days=30)
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Telemetry:
    """What the agents look through."""

    toolbox: Toolbox
    ask: Ask | None


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
    catalog, lawbook = load_catalog(settings.services_file), lawbook_of(settings)
    known = actions_of(settings, catalog)
    async with AsyncExitStack() as stack:
        url = await _redis_url(stack, settings)
        redis = await stack.enter_async_context(connect(url))
        await require_usable(redis)
        if not await keeps(redis):
            log.warning("redis.forgets", why="a restart of Redis would lose acknowledged alerts", mend=KEEP_IT)
        queue = await stack.enter_async_context(open_queue(url))
        showings = Showings(redis, queue)
        follow = Follow(queue, showings.want)
        journal = Journal(redis, on_append=follow.event)
        memory = await stack.enter_async_context(_memory(url, settings))
        intake = intake_of(settings, redis, journal, catalog, clock)
        ledger = ledger_of(redis, settings.changes)
        telemetry = await _telemetry(stack, settings, catalog, memory, ledger)
        pictures = Pictures(redis)
        stopping = asyncio.Event()
        door, stage, membership, names = await _slack(stack, settings, redis, pictures, clock, stopping)
        forgetting = Forgetting(memory, partial(may_decide, lawbook.now, membership))
        model = await stack.enter_async_context(model_of(settings.model, redis, clock))
        thought = thinking(
            counsel_of(model, settings.model, journal, memory, catalog, clock),
            telemetry.toolbox,
            catalog,
            settings.triage,
            thread_of=stage.thread,
            grow=stage.answer,
            cost=cost_of(model),
        )
        answers = Answers(journal, intake, memory, catalog, clock, names, forgetting, thought.speaker)
        measures = _measures(settings, catalog, journal, telemetry, known, clock)
        drafter = Drafter(known, catalog, lawbook.now, measures.now, clock, verify_s=settings.remediation.verify_s)
        rooms = Rooms(
            journal=journal,
            memory=memory,
            toolbox=telemetry.toolbox,
            actions=known,
            catalog=catalog,
            settings=settings,
            clock=clock,
            keep_charts=pictures.keep,
            draft=Drafting(redis, queue).draft if settings.role == "worker" else drafter.draft,
            mind=thought.mind,
        )
        law = partial(_law, clock, catalog, lawbook)
        approvals = Approvals(journal, membership, clock, law)
        standings = Standings(redis, catalog, lawbook.now, membership, clock)
        keeper = Gatekeeper(journal, approvals, standings, Audit(redis, settings.audit_key), clock)
        # What ships is known even where it is not configured: then its gate says so, and the rest of the drawing runs.
        specs = {**shipped_specs(), **tool_specs(rooms.toolbox, rooms.actions)}
        library = _library(settings, specs)
        runs = RedisStore(redis, RUNS_KEPT.total_seconds())
        painter = await stack.enter_async_context(Painter.open())
        office = Office(
            journal=journal,
            alerting=alerting_of(settings, redis, journal, intake, queue, clock),
            memory=memory,
            triage=_triage(rooms, runs, library),
            approvals=approvals,
            keeper=keeper,
            execution=Execution(
                redis, journal, known, clock, owner=f"{socket.gethostname()}:{os.getpid()}", warrant=keeper.doubt
            ),
            draft_for=partial(answer, redis, drafter),
            verifier=Verifier(journal, measures, clock, stopping),
            answers=answers,
            questions=Questions(journal, clock),
            follow=follow,
            showings=showings,
            drawings=Drawings(runs, painter),
            drafts=Drafts(runs, memory, library, specs, thought.scribe.lesson),
            scribe=thought.scribe,
            stage=stage,
            mentions=Mentions(redis),
            clock=clock,
            knowledge=settings.knowledge_dir,
        )
        queue.register(tasks_of(office, sweep_every=timedelta(seconds=settings.work.sweep_s)))
        trust = Trust(standings, queue, clock)
        health = Health(redis)
        reception = await stack.enter_async_context(
            sorting(settings, redis, intake, showings.want, health, sorts=settings.role != "executor")
        )
        desk = FrontDesk(redis, queue, journal, intake, memory, answers, stage, catalog, clock, trust, reception)
        routes: list[BaseRoute] = list(health_routes(health))
        if settings.role != "executor":
            routes += AlertDoor(settings, reception, clock).routes()
            routes += ChangeDoor(settings, ledger, clock).routes()
            routes += await door(stack, desk)
        await stack.enter_async_context(_workers(queue, settings, health, stopping))
        await _read_back(queue, redis, settings, catalog)
        yield Nightdesk(Starlette(routes=routes), journal, memory, intake, health)


def _memory(url: str, settings: Settings) -> AbstractAsyncContextManager[MemoryManager]:
    return MemoryManager.open(url, settings.encoder, timezone=settings.slack.timezone)


async def _redis_url(stack: AsyncExitStack, settings: Settings) -> str:
    given = settings.redis
    return given if given is not None else await stack.enter_async_context(embedded_redis(settings.data_dir))


async def _telemetry(
    stack: AsyncExitStack, settings: Settings, catalog: Catalog, memory: MemoryManager, ledger: ChangeLedger
) -> Telemetry:
    prometheus = prometheus_of(settings)
    if prometheus:
        await stack.enter_async_context(prometheus)
    logs, lines = log_seats(await stack.enter_async_context(log_sources(settings.logs)), 2)
    traces, spans = span_seats(await stack.enter_async_context(span_sources(settings.traces)), 2)
    databases = databases_of(catalog, secret_from_environment)
    await stack.enter_async_context(readings_kept(databases.values(), settings.triage.database_readings_s))
    toolbox = Toolbox(
        (
            *metrics_tools(prometheus),
            *logs_tools(logs),
            *request_tools(lines, spans),
            *traces_tools(traces),
            *database_tools(databases),
            *await tools_for_changes(stack, settings.changes, ledger, memory, catalog),
        )
    )
    return Telemetry(toolbox, _asking(prometheus) if prometheus else None)


def _asking(prometheus: Prometheus) -> Ask:
    async def ask(promql: str) -> float | None:
        answer = await prometheus.query(promql)
        if not answer.series:
            return 0.0  # an error counter that was never touched has no series
        return answer.single.last if answer.single else None

    return ask


def _measures(
    settings: Settings, catalog: Catalog, journal: Journal, telemetry: Telemetry, known: Actions, clock: Clock
) -> Measures:
    async def scope(incident_id: str) -> Scope:
        return scope_of(await journal.read(incident_id), catalog, settings.triage, clock())

    return Measures(telemetry.ask, telemetry.toolbox, scope, known)


def _law(clock: Clock, catalog: Catalog, lawbook: Lawbook, proposal: Proposal) -> Judgement:
    return rejudge(proposal, clock(), catalog, lawbook.now())


def _triage(rooms: Rooms, runs: Store, library: Callable[[], Mapping[str, Playbook]]) -> Triage:
    library()  # what is wrong with a playbook is said at start, not at night

    def chosen(alert: Alert, service: str | None) -> tuple[Playbook, str]:
        choice = choose(library().values(), alert, service)
        return choice.playbook, choice.why

    return Triage(rooms, runs, chosen, library)


def _library(settings: Settings, specs: Mapping[str, ToolSpec]) -> Callable[[], Mapping[str, Playbook]]:
    """The sound playbooks as they are on disk, read again when a file has changed; what is unsound is left out."""
    known: dict[str, Mapping[str, Playbook]] = {}

    def library() -> Mapping[str, Playbook]:
        stamp = _stamp(settings.playbooks_dir)
        if stamp not in known:
            loaded = load_library(settings.playbooks_dir, specs)
            for fault in loaded.faults:
                log.error("playbook.fault", fault=str(fault))
            known.clear()
            known[stamp] = loaded.playbooks
        return known[stamp]

    return library


def _stamp(folder: Path) -> str:
    """Changes whenever a file of the folder does."""
    files = sorted(folder.glob("*.md"))
    return "\n".join(f"{file} {(seen := file.stat()).st_mtime_ns} {seen.st_size}" for file in files)


Open = Callable[[AsyncExitStack, FrontDesk], Awaitable[list[Route]]]
"""Opens the Slack door for a desk; gives its routes."""


async def _slack(
    stack: AsyncExitStack,
    settings: Settings,
    redis: Redis,
    pictures: Pictures,
    clock: Clock,
    stopping: asyncio.Event,
) -> tuple[Open, Stage, Membership, Names]:
    """The workspace's door, stage and groups; without a workspace, none of them."""
    if not settings.slack.configured:
        log.warning("slack.not_configured", mend=f"set {settings.slack.lacking}: docs/slack.md")
        return _no_door, NoStage(), _nobody, _nameless
    slack = await stack.enter_async_context(Slack.open(settings.slack))
    ledger = Ledger(redis)
    people = People(slack)
    outbox = Outbox(slack, ledger)
    face = Face(slack, outbox, ledger, people, pictures.get, stopping)
    history = History(
        slack, slow=settings.slack.slow_history, pause=unless(stopping, "the channel is read on from where it stopped")
    )
    backfill = Backfill(redis, face, history, clock, stopping)
    stage = SlackStage(face, Easel(outbox, ledger), ledger, history, backfill)

    async def open_door(opened: AsyncExitStack, desk: FrontDesk) -> list[Route]:
        door = Door(settings, desk, slack)
        await opened.enter_async_context(door.listening())
        return door.routes

    return open_door, stage, Groups(slack).is_member, people.names


async def _no_door(_: AsyncExitStack, __: FrontDesk) -> list[Route]:
    return []


async def _nameless(_: Iterable[str]) -> Mapping[str, str]:
    return {}


async def _nobody(_: str, __: str) -> bool:
    raise Denied("No Slack workspace is configured, so nobody's group can be told.")


async def _read_back(queue: Queue, redis: Redis, settings: Settings, catalog: Catalog) -> None:
    """Read back the channels that incidents will go to, where that was never done: looking back comes first."""
    if not settings.slack.configured:
        return
    own = (service.channel for service in catalog.services.values())
    channels = {settings.slack.channel, *own, *settings.changes.channels}
    for channel in sorted(filter(None, channels)):
        if not await redis.exists(read_back_key(channel)):
            await queue.add("backfill", channel, key=channel)


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

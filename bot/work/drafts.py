"""A draft for the incident that left its drawing: read from the run, from the cause, and from what people reported."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.canvas import Kind, NotAPlaybook, Outcome, Playbook, Store, parse
from bot.canvas.explore import LOOK
from bot.canvas.learned import Draft, Led, Story, draft
from bot.canvas.lint import ToolSpec, lint
from bot.canvas.plan import node_of, plan
from bot.canvas.walk import RUN
from bot.memory import MemoryManager
from bot.models import Incident, Message
from bot.work.scoping import run_of

log = structlog.get_logger(__name__)

COMMAND = re.compile(r"```\s*(?P<block>.+?)\s*```|`(?P<inline>[^`\n]{3,300})`", re.DOTALL)
MOST_COMMANDS = 8
MOST_MESSAGES = 500
BEFORE = timedelta(minutes=5)

Library = Callable[[], Mapping[str, Playbook]]
Lesson = Callable[[Incident], Awaitable[tuple[str, ...]]]


class Drafts:
    """Writes what an incident taught.

    Args:
        library: the playbooks in use, beside which a draft must be sound.
        specs: the tools and actions that a drawing may name.
        lesson: what to check first the next time, in a model's words.
    """

    def __init__(
        self,
        store: Store,
        memory: MemoryManager,
        library: Library,
        specs: Mapping[str, ToolSpec],
        lesson: Lesson | None = None,
    ) -> None:
        self._store = store
        self._memory = memory
        self._library = library
        self._specs = specs
        self._lesson = lesson

    async def of(self, incident: Incident, thread: str | None) -> Draft | None:
        """The draft or patch; None where the incident did not leave its drawing.

        Args:
            thread: of the incident, in which people report what they ran.
        """
        run_id = f"{incident.id}:{run_of(incident)}"
        stored = await self._store.load(run_id)
        if RUN not in stored:
            return None
        playbook = parse(stored[RUN].facts["text"])
        outcomes = {key: outcome for key, outcome in stored.items() if not key.startswith("@")}
        ends = [key for key in plan(playbook, outcomes).path if playbook.kind(node_of(key)) is Kind.END]
        story = Story(
            incident_id=incident.id,
            began=incident.opened_at,
            alertname=incident.alert.name,
            service=incident.service,
            cause=incident.hypotheses[0].statement if incident.hypotheses else "not known",
            led=tuple([led async for led in self._led(incident, run_id)]),
            commands=await self._commands(incident, thread),
            playbook=playbook,
            end=node_of(ends[-1]) if ends else None,
        )
        if story.left_the_drawing and self._lesson:
            story = replace(story, lesson=await self._lesson(incident))
        return self._sound(draft(story))

    async def _led(self, incident: Incident, run_id: str) -> AsyncIterator[Led]:
        """The looks whose evidence speaks for the cause, those of playbooks inside included."""
        cited = {name.partition("/")[0] for best in incident.hypotheses[:1] for name in best.evidence_for}
        stored = await self._store.load(run_id)
        if RUN not in stored:
            return
        playbook = parse(stored[RUN].facts["text"])
        for key in cited:
            if led := _looked(playbook, stored, key):
                yield led
        for node in playbook.chart.nodes:
            if playbook.kind(node) is Kind.PLAYBOOK:
                async for led in self._led(incident, f"{run_id}/{node}"):
                    yield led

    async def _commands(self, incident: Incident, thread: str | None) -> tuple[tuple[str, str], ...]:
        """What people wrote as code into the thread: who, and what."""
        if thread is None or incident.channel is None:
            return ()
        since = incident.opened_at - BEFORE
        said = await self._memory.recall("", channel=incident.channel, since=since, limit=MOST_MESSAGES)
        messages = sorted((one.message for one in said), key=lambda message: message.sent_at)
        reported = [(message.user, code) for message in messages if message.thread == thread for code in _code(message)]
        return tuple(dict.fromkeys(reported))[:MOST_COMMANDS]

    def _sound(self, drafted: Draft | None) -> Draft | None:
        """Offer no draft of a playbook that could not be used as it is."""
        if drafted is None or drafted.name.endswith(".patch"):
            return drafted
        try:
            library = {**self._library()}
            faults = lint(parse(drafted.text, drafted.name), self._specs, library)
        except NotAPlaybook as refused:
            faults = refused.faults
        if faults:
            log.warning("draft.unsound", name=drafted.name, faults=[str(fault) for fault in faults[:5]])
            return None
        return drafted


def _looked(playbook: Playbook, stored: Mapping[str, Outcome], key: str) -> Led | None:
    """The look behind a step's key: `locks`, `locks#2`, or `around[1]` in an exploration."""
    node, bracket, number = key.partition("[")
    if node_of(node) not in playbook.chart.nodes:
        return None
    settings = playbook.of(node_of(node))
    if bracket and settings.explore is not None:
        kept = stored.get(f"{LOOK}{node}:{number.rstrip(']')}")
        if kept is None:
            return None
        tool = str(kept.facts.get("tool"))
        written = next((offer.with_ for offer in settings.explore.tools if offer.use == tool), {})
        return Led(tool, written, kept.facts.get("found") or {}, explored=True)
    outcome = stored.get(node)
    if settings.use is None or outcome is None:
        return None
    return Led(settings.use, settings.with_, outcome.facts, explored=False)


def _code(message: Message) -> Iterator[str]:
    for found in COMMAND.finditer(message.text):
        yield found["block"] or found["inline"]

"""The run of a playbook: a walk goes as far as it can, and leaves every finished step's outcome in the store.

A walk may be killed anywhere and started again, and two may overlap: what is stored is never done again, and the first
outcome of a step stays. Nothing waits for people: a gate, a question or a change suspends the run, `decide` delivers
its outcome, and another walk goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from typing import Any

from bot.canvas import templates
from bot.canvas.explore import explore
from bot.canvas.foreach import for_each
from bot.canvas.gates import approved_by, covered
from bot.canvas.outcome import Change, Outcome, Step, Walked
from bot.canvas.perform import EXTERNAL, OTHERWISE, Turn
from bot.canvas.plan import Progress, node_of, plan, visit_of
from bot.canvas.playbook import Kind, Playbook, parse
from bot.canvas.settings import Default
from bot.canvas.store import Store
from bot.canvas.world import Clock, WallClock, World
from bot.errors import PlaybookError
from bot.plural import many

RUN = "@run"
"""The entry that pins the run to a version of the file and to what it was given."""
OFFER = "@offer:"
"""Entries with the changes that a gate has asked about."""
DEPTH = 8
CLOCK = WallClock()


async def walk(
    playbook: Playbook,
    run_id: str,
    *,
    store: Store,
    world: World,
    clock: Clock = CLOCK,
    limit: int = 8,
    given: Mapping[str, Any] | None = None,
    library: Mapping[str, Playbook] | None = None,
    seats: asyncio.Semaphore | None = None,
) -> Walked:
    """Go on with a run, from its beginning or from where it stands, until it ends or has to wait.

    Args:
        playbook: the version for a run that has not begun; a run that has goes on with the version that it began with.
        given: `alert`, `service` and the playbook's inputs, as JSON values; read when the run begins.
        limit: how many nodes may work at the same time, those of playbooks inside it included.
        library: the playbooks by id, for `[[ ]]` nodes.
        seats: of the run that this one is inside, instead of a limit of its own.

    Raises:
        PlaybookError: the drawing cannot be walked; lint says why.
    """
    outcomes = dict(await store.load(run_id))
    if RUN not in outcomes:
        outcomes = await _begin(playbook, run_id, store, clock, given or {})
    pinned = outcomes[RUN].facts
    playbook = playbook if playbook.hash == pinned["hash"] else parse(pinned["text"], playbook.file)
    if playbook.topology.tangled or len(playbook.topology.starts) != 1:
        raise PlaybookError(f"{playbook.file} cannot be walked: run 'nightdesk playbook lint' on it.")
    seats = seats or asyncio.Semaphore(limit)
    walker = _Walk(playbook, run_id, store, world, clock, seats, library or {}, pinned["given"])
    walker.learn(outcomes)
    return await walker.go()


async def _begin(
    playbook: Playbook, run_id: str, store: Store, clock: Clock, given: Mapping[str, Any]
) -> dict[str, Outcome]:
    """Pin the run, or see how another walk has just pinned it."""
    inputs = {name: default for name, default in playbook.front.inputs.items() if name not in given}
    known = {**given}
    for name, default in inputs.items():
        known[name] = _or_none(default, given)
    pin = Outcome(facts={"hash": playbook.hash, "text": playbook.text, "given": known}, at=clock.now())
    await store.save(run_id, RUN, pin)
    return dict(await store.load(run_id))


def _or_none(default: Any, given: Mapping[str, Any]) -> Any:
    try:
        return templates.resolve(default, given)
    except templates.MissingValue:
        return None


class _Walk:
    """One walk of one run."""

    def __init__(
        self,
        playbook: Playbook,
        run_id: str,
        store: Store,
        world: World,
        clock: Clock,
        seats: asyncio.Semaphore,
        library: Mapping[str, Playbook],
        given: Mapping[str, Any],
    ) -> None:
        self.playbook, self.run_id, self.store, self.world, self.clock = playbook, run_id, store, world, clock
        self.seats, self.library, self.given = seats, library, given
        self.outcomes: dict[str, Outcome] = {}
        self.progress = Progress(playbook, self.outcomes)
        self.found: dict[str, tuple[int, Mapping[str, Any]]] = {}
        """Saved name → the node's latest finished visit, and what it found."""
        self.working: dict[asyncio.Task[None], str] = {}
        self.started: set[str] = set()
        self.waiting: dict[str, tuple[Step, ...]] = {}

    def learn(self, outcomes: Mapping[str, Outcome]) -> None:
        """Take in outcomes that were not known."""
        for key, outcome in outcomes.items():
            if key in self.outcomes:
                continue
            self.outcomes[key] = outcome
            if not key.startswith("@"):
                self._note_facts(key, outcome)
                self.progress.learn(key)

    async def go(self) -> Walked:
        try:
            while True:
                self._start()
                if self.working:
                    await self._one_ends()
                elif not await self._delivered():
                    return self._walked()
        finally:
            await self._drop()

    def _start(self) -> None:
        for node in self.progress.due if self.progress.error is None else ():
            key = self.progress.key(node)
            if key not in self.started:
                self.started.add(key)
                self.working[asyncio.create_task(self._turn(node, key))] = key

    async def _one_ends(self) -> None:
        ended, _ = await asyncio.wait(self.working, return_when=asyncio.FIRST_COMPLETED)
        for task in ended:
            del self.working[task]
        for task in ended:
            task.result()

    async def _drop(self) -> None:
        """Leave nothing running behind, whatever ended the walk."""
        for task in self.working:
            task.cancel()
        await asyncio.gather(*self.working, return_exceptions=True)

    async def _delivered(self) -> bool:
        """Whether an outcome has come in for a step that waits."""
        if not self.waiting:
            return False
        self.learn(await self.store.load(self.run_id))
        arrived = [key for key in self.waiting if key in self.outcomes]
        for key in arrived:
            del self.waiting[key]
        return bool(arrived)

    async def _turn(self, node: str, key: str) -> None:
        """Let a node do its work, and keep its outcome before anything follows from it."""
        # What is inside another playbook takes seats of its own; holding one while waiting for them would be a knot.
        async with nullcontext() if self.playbook.kind(node) is Kind.PLAYBOOK else self.seats:
            if self.progress.error is not None:
                return
            began = self.clock.now()
            outcome = await self._outcome(node, key)
            if outcome is None:
                return
            ended = self.clock.now()
            spent = max(0.0, (ended - began).total_seconds())
            await self._keep(key, outcome.model_copy(update={"at": ended, "seconds": spent}))

    async def _keep(self, key: str, outcome: Outcome) -> None:
        first = await self.store.save(self.run_id, key, outcome)
        self.learn({key: outcome} if first else await self.store.load(self.run_id))

    async def _once(self, name: str, work: Callable[[], Awaitable[Outcome]]) -> Outcome:
        """The outcome that is kept under the name; where there is none, the work is done and its outcome kept."""
        if name not in self.outcomes:
            await self._keep(name, await work())
        return self.outcomes[name]

    async def _outcome(self, node: str, key: str) -> Outcome | None:
        kind = self.playbook.kind(node)
        step = self._step(node, kind, key)
        turn = Turn(self.playbook, step, self._facts(), self.world, self.clock)
        if kind in EXTERNAL:
            return await self._hand_over(kind, turn)
        if kind is Kind.PLAYBOOK:
            return await self._sub_walk(turn)
        if kind is Kind.READ:
            return await (for_each(turn, self._once) if step.settings.foreach else turn.tried(turn.read))
        if kind is Kind.EXPLORE:
            return await turn.tried(lambda: explore(turn, self._once), timed=False)
        if kind is Kind.BRANCH:
            return await turn.tried(lambda: turn.branch(lambda label: self._exhausted(node, label)))
        return await turn.tried(turn.end) if kind is Kind.END else Outcome()

    def _step(self, node: str, kind: Kind, key: str) -> Step:
        section = self.playbook.sections.get(node)
        return Step(
            run_id=self.run_id,
            key=key,
            node=node,
            kind=kind,
            label=self.playbook.chart.nodes[node].label,
            prose=section.prose if section else "",
            playbook=self.playbook.id,
            playbook_hash=self.playbook.hash,
            settings=self.playbook.of(node),
            budget=self.playbook.front.budget,
        )

    def _facts(self) -> dict[str, Any]:
        """Everything that is known: what the run was given, and what its nodes have found."""
        return {**self.given, **self._found()}

    def _found(self) -> dict[str, Any]:
        """The facts of each node's latest finished visit, by saved name."""
        return {name: facts for name, (_, facts) in self.found.items()}

    def _note_facts(self, key: str, outcome: Outcome) -> None:
        node, visit = node_of(key), visit_of(key)
        if node in self.playbook.chart.nodes:
            name = self.playbook.saved_as(node)
            if name not in self.found or visit > self.found[name][0]:
                self.found[name] = visit, self._facts_of(node, outcome)

    def _facts_of(self, node: str, outcome: Outcome) -> Mapping[str, Any]:
        remedy = self.playbook.of(node).on_error
        if outcome.state == "failed" and isinstance(remedy, Default):
            return {**remedy.default, **outcome.facts}
        if self.playbook.kind(node) in EXTERNAL:
            return {"answer": outcome.edge, "by": outcome.actor, **outcome.facts}
        return outcome.facts

    def _exhausted(self, node: str, label: str) -> str | None:
        """Why the arrow with this label may not be taken: it returns, and the loop has had its visits."""
        for edge in self.playbook.topology.outgoing[node]:
            loop = self.playbook.topology.back.get(edge.index)
            if loop is None or edge.label != label:
                continue
            had = self.progress.rounds[loop.header]
            if had >= (self.playbook.of(loop.header).max_visits or 1):
                return f"'{loop.header}' has had its {many(had, 'visit')}, so '{OTHERWISE}' was taken."
        return None

    async def _hand_over(self, kind: Kind, turn: Turn) -> Outcome | None:
        """Start what ends outside; a failure to start it is the node's failure."""
        starts = {Kind.GATE: self._ask_approval, Kind.CHANGE: self._begin_change, Kind.ASK: self._ask_people}

        async def start() -> Outcome:
            await starts[kind](turn)
            return Outcome()

        tried = await turn.tried(start)
        if tried.state == "failed":
            return tried
        self.waiting[turn.step.key] = (turn.step,)
        return None

    async def _ask_approval(self, turn: Turn) -> None:
        key = OFFER + turn.step.key
        if key not in self.outcomes:
            resolved = turn.changes(covered(self.playbook, turn.step.node))
            await self._keep(
                key, Outcome(facts={change.node: vars(change) for change in resolved}, at=self.clock.now())
            )
        await self.world.gate(turn.step, [Change(**offered) for offered in self.outcomes[key].facts.values()])

    async def _begin_change(self, turn: Turn) -> None:
        offered = self._approved(turn.step.node)
        await self.world.change(turn.step, str(offered["action"]), dict(offered["parameters"]))

    def _approved(self, node: str) -> Mapping[str, Any]:
        """What was approved for this change, as it was shown.

        Raises:
            PlaybookError: nothing was, so nothing may be done.
        """
        for gate in approved_by(self.playbook, node):
            key = self.progress.key(gate)
            decided, offer = self.outcomes.get(key), self.outcomes.get(OFFER + key)
            if decided and decided.edge == "approved" and offer and node in offer.facts:
                approved: Mapping[str, Any] = offer.facts[node]
                return approved
        raise PlaybookError(f"'{node}' was never approved, so it is not done.")

    async def _ask_people(self, turn: Turn) -> None:
        question = templates.worded(turn.settings.ask or turn.step.label, turn.facts)
        await self.world.ask(turn.step, question, turn.settings.answers)

    async def _sub_walk(self, turn: Turn) -> Outcome | None:
        """Walk the other playbook as a run of its own inside this one."""
        name = self.playbook.sub_playbook(self.playbook.chart.nodes[turn.step.node])
        inner_id = f"{self.run_id}/{turn.step.key}"
        if name not in self.library or inner_id.count("/") > DEPTH:
            return Outcome(state="failed", note=f"There is no playbook '{name}' to go into here.")
        try:
            passed = templates.resolve(turn.settings.with_, turn.facts)
        except templates.MissingValue as missing:
            return Outcome(state="failed", note=str(missing))
        roots = {root: self.given[root] for root in ("alert", "service") if root in self.given}
        walked = await walk(
            self.library[name],
            inner_id,
            store=self.store,
            world=self.world,
            clock=self.clock,
            seats=self.seats,
            given={**roots, **passed},
            library=self.library,
        )
        return self._inner(turn.step, walked)

    def _inner(self, step: Step, walked: Walked) -> Outcome | None:
        if walked.state == "suspended":
            self.waiting[step.key] = walked.waiting
            return None
        if walked.state == "failed":
            return Outcome(state="failed", note=walked.error)
        return Outcome(edge=walked.end, facts={**walked.facts, "end": walked.end, "path": walked.path})

    def _walked(self) -> Walked:
        now = plan(self.playbook, self.outcomes)
        finished = {key: outcome for key, outcome in self.outcomes.items() if not key.startswith("@")}
        ends = [key for key in now.path if self.playbook.kind(node_of(key)) is Kind.END]
        waiting = tuple(step for steps in self.waiting.values() for step in steps)
        state: Any = "failed" if now.error else "suspended" if waiting else "finished"
        return Walked(state, waiting, now.path, ends[-1] if ends else None, finished, self._found(), now.error)

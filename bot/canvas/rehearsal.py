"""Playing a playbook without changing anything: questions and approvals are answered as told, changes only noted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from typing_extensions import override

from bot.canvas.explore import in_order
from bot.canvas.gates import REJECTED
from bot.canvas.outcome import Change, Judgement, Step, Walked
from bot.canvas.perform import EXTERNAL
from bot.canvas.playbook import Kind, Playbook
from bot.canvas.store import MemoryStore, decide
from bot.canvas.walk import walk
from bot.canvas.world import Clock, Conclusion, Exploration, Look, WallClock, World
from bot.errors import PlaybookError

ANSWERS: Mapping[Kind, str] = {Kind.GATE: "approved", Kind.CHANGE: "recovered"}
RUN_ID = "rehearsal"
ROUNDS = 200
CLOCK = WallClock()


class Reader(Protocol):
    """The reading half of a world."""

    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        """The facts that a reading tool finds."""


@dataclass
class Rehearsal(World):
    """A world that looks with a reader, and only writes down what it would have asked and done."""

    reader: Reader
    refusal: Callable[[Change], str | None] = field(default=lambda _: None)
    """Why a change could not be proposed, as its action would say it; None where it could."""
    said: list[str] = field(default_factory=list)
    offered: dict[str, tuple[Change, ...]] = field(default_factory=dict)
    """Gate → the changes that it asked about."""
    refused: dict[str, str] = field(default_factory=dict)
    """Gate → why it could not ask."""
    done: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    """Change node, action and parameters: what would have been done."""

    @override
    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        """Look for real."""
        return await self.reader.use(tool, parameters, step)

    @override
    async def gate(self, step: Step, changes: Sequence[Change]) -> None:
        """Write down what would have been asked, or why it could not be."""
        if why := next(filter(None, map(self.refusal, changes)), None):
            self.refused[step.node] = why
        else:
            self.offered[step.node] = tuple(changes)

    @override
    async def change(self, step: Step, action: str, parameters: Mapping[str, Any]) -> None:
        """Write down what would have been done."""
        self.done.append((step.node, action, parameters))

    @override
    async def ask(self, step: Step, question: str, answers: Sequence[str]) -> None:
        """Write down the question."""
        self.said.append(f"{question} ({' / '.join(answers)})")

    @override
    async def judge(
        self, step: Step, question: str, labels: Sequence[str], facts: Mapping[str, Any]
    ) -> Judgement | None:
        """There is no model in a rehearsal."""
        return None

    @override
    async def explore(self, step: Step, exploration: Exploration) -> Look | Conclusion | None:
        """In order: there is no model in a rehearsal."""
        return in_order(exploration)

    @override
    async def note(self, text: str) -> None:
        """Write down what would have been said."""
        self.said.append(text)


async def play(
    playbook: Playbook,
    world: Rehearsal,
    *,
    given: Mapping[str, Any] | None = None,
    library: Mapping[str, Playbook] | None = None,
    answers: Mapping[str, str] | None = None,
    clock: Clock = CLOCK,
) -> Walked:
    """Walk the playbook to its end in memory.

    Args:
        answers: node → how its gate, change or question ends; else a gate is approved, a change recovers, and a
            question gets its first answer. A gate that cannot ask is rejected, as in an incident.

    Raises:
        PlaybookError: the drawing cannot be walked, or comes to no end.
    """
    store = MemoryStore()
    for _ in range(ROUNDS):
        walked = await walk(playbook, RUN_ID, store=store, world=world, clock=clock, given=given, library=library)
        if walked.state != "suspended":
            return walked
        for step in walked.waiting:
            why = world.refused.pop(step.node, "")
            answer = REJECTED if why else _answer(step, answers or {})
            await decide(store, step.run_id, step.key, answer, note=why, actor="rehearsal")
    raise PlaybookError(f"'{playbook.id}' came to no end after {ROUNDS} rounds of answers.")


def _answer(step: Step, answers: Mapping[str, str]) -> str:
    assert step.kind in EXTERNAL
    return answers.get(step.node) or ANSWERS.get(step.kind) or step.settings.answers[0]

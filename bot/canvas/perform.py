"""What each kind of node does on its turn. None comes back where the outcome will be delivered from outside."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from bot.canvas import conditions, templates
from bot.canvas.outcome import Change, Outcome, Step
from bot.canvas.playbook import Kind, Playbook
from bot.canvas.settings import Rollback, Verify
from bot.canvas.world import Clock, World
from bot.errors import NightdeskError, PlaybookError

DEADLINE_S = 60.0
OTHERWISE = "otherwise"
FOUND = "found"
PROMQL_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "'": "\\'", "`": "", "\n": " "})


class Turn:
    """One node's turn in a walk."""

    def __init__(self, playbook: Playbook, step: Step, facts: Mapping[str, Any], world: World, clock: Clock) -> None:
        self.playbook, self.step, self.facts, self.world, self.clock = playbook, step, facts, world, clock
        self.settings = step.settings
        self.attempts = 0

    async def tried(self, work: Callable[[], Awaitable[Outcome]], *, timed: bool = True) -> Outcome:
        """The outcome of the work, tried again as `retry` says; an error or a missed deadline is a failed outcome."""
        wait = self.settings.retry.wait
        deadline_s = (self.settings.deadline or DEADLINE_S) if timed else None
        while True:
            self.attempts += 1
            try:
                async with asyncio.timeout(deadline_s):
                    outcome = await work()
                return outcome.model_copy(update={"attempts": self.attempts})
            except (NightdeskError, TimeoutError) as error:
                final = isinstance(error, templates.MissingValue) or self.attempts > self.settings.retry.times
                if final:
                    return Outcome(state="failed", note=self._said(error), attempts=self.attempts)
            await self.clock.sleep(wait)
            wait *= 2

    def _said(self, error: Exception) -> str:
        return (
            f"no answer within {self.settings.deadline or DEADLINE_S:g} s"
            if isinstance(error, TimeoutError)
            else str(error)
        )

    async def read(self, facts: Mapping[str, Any] | None = None) -> Outcome:
        """Use a reading tool."""
        assert self.settings.use is not None
        parameters = templates.resolve(self.settings.with_, facts or self.facts)
        return Outcome(facts=await self.world.use(self.settings.use, parameters, self.step))

    async def end(self) -> Outcome:
        """Say what the end has to say."""
        if self.settings.say:
            try:
                await self.world.note(str(templates.resolve(self.settings.say, self.facts)))
            except templates.MissingValue as missing:
                await self.world.note(f"{self.step.label}. ({missing})")
        return Outcome()

    async def branch(self, exhausted: Callable[[str], str | None]) -> Outcome:
        """Choose an arrow by condition or by judgement; `exhausted` says why a loop may not go round again."""
        if self.settings.judge == "model":
            outcome = await self._judged()
        else:
            outcome = self._decided()
        spent = exhausted(outcome.edge or OTHERWISE)
        if spent is None:
            return outcome
        return outcome.model_copy(update={"edge": OTHERWISE, "note": _joined(outcome.note, spent)})

    def _decided(self) -> Outcome:
        notes: list[str] = []
        for label, condition in self.settings.when.items():
            verdict = conditions.decide(condition, self.facts)
            notes += [verdict.note] if verdict.note else []
            if verdict.holds:
                return Outcome(edge=label, facts={"chosen": label}, note=_joined(*notes))
        return Outcome(edge=OTHERWISE, facts={"chosen": OTHERWISE}, note=_joined(*notes))

    async def _judged(self) -> Outcome:
        labels = [str(edge.label) for edge in self.playbook.topology.outgoing[self.step.node]]
        question = self.settings.question or self.step.label
        judgement = await self.world.judge(self.step, question, labels, self.facts)
        if judgement is None:
            return Outcome(edge=OTHERWISE, facts={"chosen": OTHERWISE}, note="No model judged here.")
        if judgement.label not in labels or not judgement.cites:
            note = "The model's answer was not one of the labels, or cited nothing; it was not taken."
            return Outcome(edge=OTHERWISE, facts={"chosen": OTHERWISE}, note=note)
        facts = {"chosen": judgement.label, "cites": judgement.cites, "why": judgement.why}
        return Outcome(edge=judgement.label, facts=facts)

    def changes(self, nodes: tuple[str, ...]) -> list[Change]:
        """The changes that a gate asks about, resolved now: what is approved is what will run.

        Raises:
            MissingValue: a parameter refers to what nobody has found.
        """
        return [self._change(node) for node in nodes]

    def _change(self, node: str) -> Change:
        settings = self.playbook.of(node)
        if settings.change is None:
            raise PlaybookError(f"'{node}' is no change.")
        return Change(
            node=node,
            label=self.playbook.chart.nodes[node].label,
            action=settings.change,
            parameters=templates.resolve(settings.with_, self.facts),
            verify=self._verification(settings.verify),
            rollback=self._rollback(settings.rollback),
            irreversible=settings.irreversible,
            risk=settings.risk,
        )

    def _verification(self, verify: Verify | None) -> Mapping[str, Any] | None:
        if verify is None:
            return None
        written = verify.model_dump(by_alias=True, exclude_none=True)
        resolved: dict[str, Any] = templates.resolve({**written, "query": None}, self.facts)
        if verify.query is not None:
            resolved["query"] = str(templates.resolve(verify.query, _escaped(self.facts)))
        return {key: value for key, value in resolved.items() if value is not None}

    def _rollback(self, rollback: Rollback | None) -> Mapping[str, Any] | None:
        if rollback is None:
            return None
        return {"use": rollback.use, "with": templates.resolve(rollback.with_, self.facts)}


def _escaped(value: Any) -> Any:
    """Texts made safe to stand between quotes in PromQL."""
    if isinstance(value, str):
        return value.translate(PROMQL_ESCAPES)
    if isinstance(value, Mapping):
        return {key: _escaped(item) for key, item in value.items()}
    return [_escaped(item) for item in value] if isinstance(value, list | tuple) else value


def _joined(*notes: str | None) -> str | None:
    return " ".join(note for note in notes if note) or None


EXTERNAL = frozenset({Kind.GATE, Kind.CHANGE, Kind.ASK})
"""Kinds whose outcome is delivered from outside."""

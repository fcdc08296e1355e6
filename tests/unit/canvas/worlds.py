"""What the tests of the playbook engine share: playbooks in short, worlds that answer as told, and a clock."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from typing_extensions import override

from bot.canvas import Change, Judgement, Playbook, Step, World, parse
from bot.canvas.explore import in_order
from bot.canvas.lint import ToolSpec
from bot.canvas.world import Conclusion, Exploration, Look

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
GIVEN: Mapping[str, Any] = {
    "alert": {"name": "PaymentFailures", "service": "payments", "labels": {"tier": "backend"}},
    "service": {"name": "payments", "database": "payments-db"},
}
LOCKS = (
    "blocked_count", "root_pid", "root_backend_start", "root_transaction_start", "root_age_s", "root_state",
    "root_statement", "database",
)  # fmt: skip
SIGNALS = ("error_ratio", "latency_p95_s", "traffic_rps")
TEMPLATES = ("new_error_count", "error_share", "top_template")
RANKED = ("kind", "service", "confidence", "remedy_action", "remedy_parameters", "remedy_count")


def spec(name: str, facts: Sequence[str] | None = (), *, changes: bool = False, **parameters: str) -> ToolSpec:
    """A tool whose parameters are all required."""
    properties = {parameter: {"type": kind} for parameter, kind in parameters.items()}
    schema = {"type": "object", "properties": properties, "required": list(parameters), "additionalProperties": False}
    return ToolSpec(name, schema, facts, changes)


SESSION = {"database": "string", "pid": "integer", "backend_start": "string"}
TOOLS: Mapping[str, ToolSpec] = {
    tool.name: tool
    for tool in (
        spec("metrics.look", SIGNALS),
        spec("metrics.golden_signals", SIGNALS, service="string"),
        spec("logs.look", TEMPLATES),
        spec("logs.new_templates", TEMPLATES, service="string"),
        spec("database.look", LOCKS),
        spec("database.blocking_sessions", LOCKS, database="string"),
        spec("changes.look"),
        spec("commander.rank", RANKED),
        spec("remediation.apply", None, changes=True, action="string", parameters="object"),
        spec("postgres.terminate_backend", None, changes=True, **SESSION, transaction_start="string"),
        spec("postgres.cancel_query", None, changes=True, **SESSION),
        spec("http.call", None, changes=True, template="string", parameters="object"),
        spec("process.restart", None, changes=True, target="string"),
    )
}


def drawn(chart: str, blocks: Mapping[str, str] | None = None, *, front: str = "") -> Playbook:
    """A playbook from the lines of its chart and the YAML of its nodes."""
    sections = "".join(f"\n### {node}\n\nWhy.\n\n```yaml\n{block}\n```\n" for node, block in (blocks or {}).items())
    head = f"---\nid: drawn\ntitle: As drawn\nowner: tests\n{front}---\n"
    return parse(f"{head}\n```mermaid\nflowchart TD\n{chart}\n```\n{sections}", "drawn.md")


def looking(*nodes: str) -> dict[str, str]:
    """Blocks of steps that use a tool named like the node."""
    return {node: f"use: {node}" for node in nodes}


@dataclass
class SetClock:
    """A clock that moves only when somebody sleeps."""

    at: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """The instant that it is set to."""
        return self.at

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)


Answer = Mapping[str, Any] | Exception | Callable[[Mapping[str, Any], Step], Awaitable[Mapping[str, Any]]]


@dataclass
class ToldWorld(World):
    """A world whose tools answer as told, and that writes down all that it is asked."""

    answers: Mapping[str, Answer | Sequence[Answer]] = field(default_factory=dict)
    """Tool → its answer, or its answers in turn, the last of which stays."""
    judgements: Mapping[str, Judgement] = field(default_factory=dict)
    explorer: Callable[[Exploration], Look | Conclusion | None] = in_order
    explorations: list[Exploration] = field(default_factory=list)
    uses: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    gates: dict[str, list[Sequence[Change]]] = field(default_factory=dict)
    changes: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)
    questions: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    turns: Counter[str] = field(default_factory=Counter)
    busy: int = 0
    busiest: int = 0

    @override
    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        self.uses.append((step.key, tool, parameters))
        self.counts[step.key] += 1
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        try:
            await asyncio.sleep(0)
            return await self._answer(tool, parameters, step)
        finally:
            self.busy -= 1

    async def _answer(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        told = self.answers.get(tool, {})
        if isinstance(told, Sequence):
            self.turns[tool] += 1
            told = told[min(self.turns[tool], len(told)) - 1]
        if isinstance(told, Exception):
            raise told
        return await told(parameters, step) if callable(told) else told

    @override
    async def gate(self, step: Step, changes: Sequence[Change]) -> None:
        self.gates.setdefault(step.key, []).append(changes)

    @override
    async def change(self, step: Step, action: str, parameters: Mapping[str, Any]) -> None:
        self.changes.append((step.key, action, parameters))

    @override
    async def ask(self, step: Step, question: str, answers: Sequence[str]) -> None:
        self.questions.append((step.key, question, tuple(answers)))

    @override
    async def judge(
        self, step: Step, question: str, labels: Sequence[str], facts: Mapping[str, Any]
    ) -> Judgement | None:
        return self.judgements.get(step.node)

    @override
    async def explore(self, step: Step, exploration: Exploration) -> Look | Conclusion | None:
        self.explorations.append(exploration)
        return self.explorer(exploration)

    @override
    async def note(self, text: str) -> None:
        self.notes.append(text)

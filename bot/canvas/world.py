"""What a run needs from outside, as protocols: the caller brings them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.canvas.outcome import Change, Judgement, Step


class World(Protocol):
    """Looks, asks and acts for a run.

    `gate`, `change` and `ask` only start something and return at once; what comes of it is delivered by
    `bot.canvas.decide`, and another walk goes on from there. They are called again on every walk until an outcome is
    there, so they must be idempotent for the same `(step.run_id, step.key)`.
    """

    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        """The facts that a reading tool finds. A `NightdeskError` or a `TimeoutError` is the step's failure."""

    async def gate(self, step: Step, changes: Sequence[Change]) -> None:
        """Ask people to approve exactly these changes. Outcome: `approved`, `rejected` or `expired`."""

    async def change(self, step: Step, action: str, parameters: Mapping[str, Any]) -> None:
        """Start an approved change. Outcome: `recovered`, `not_recovered`, `not_executed` or `unknown`."""

    async def ask(self, step: Step, question: str, answers: Sequence[str]) -> None:
        """Ask the people in the thread. Outcome: one of the answers, or `expired`."""

    async def judge(
        self, step: Step, question: str, labels: Sequence[str], facts: Mapping[str, Any]
    ) -> Judgement | None:
        """A model's choice among the labels; None where there is no model or no valid answer."""

    async def explore(
        self, step: Step, goal: str, tools: Sequence[str], facts: Mapping[str, Any]
    ) -> Mapping[str, Any] | None:
        """What a model found with these reading tools, within the step's budget; None where there is no model."""

    async def note(self, text: str) -> None:
        """Say something in the thread. After a crash the same text may come twice."""


class Clock(Protocol):
    """Time, as a run sees it."""

    def now(self) -> datetime:
        """This instant in UTC."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        """This instant in UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

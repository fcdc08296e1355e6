"""What a run needs from outside, as protocols: the caller brings them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

from bot.canvas.outcome import Change, Judgement, Step


@dataclass(frozen=True)
class Look:
    """One use of a reading tool in an exploration."""

    tool: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Looked:
    """A look, and what came of it."""

    tool: str
    parameters: Mapping[str, Any]
    facts: Mapping[str, Any]
    note: str | None = None
    """What went wrong, where nothing was found."""


@dataclass(frozen=True)
class Exploration:
    """How far an exploration has come."""

    goal: str
    offers: tuple[Look, ...]
    """The tools that may be used, with the parameters that the drawing gives them."""
    facts: Mapping[str, Any]
    """Everything that the run knows."""
    looked: tuple[Looked, ...]
    steps_left: int
    enough: bool
    """Whether the drawing's `until` holds."""


@dataclass(frozen=True)
class Conclusion:
    """What an exploration has come to."""

    found: bool
    facts: Mapping[str, Any] = field(default_factory=dict)
    cites: tuple[str, ...] = ()
    why: str = ""


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

    async def explore(self, step: Step, exploration: Exploration) -> Look | Conclusion | None:
        """What to look at next, or what it has come to; None where there is nothing more to look at.

        Asked again after each look. `bot.canvas.explore.in_order` is the answer where there is no model.
        """

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

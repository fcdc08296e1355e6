"""Exploration within the drawing: look after look with the tools that the step names, within its budget.

Who explores is a seam: `World.explore` is asked before each look what to look at next, and says it or what it has come
to. `in_order` is the way without a model. Whoever explores, a look that is not among the step's tools is refused, the
budget is kept here, and every look is stored, so that a killed run does not look twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

from bot.canvas import conditions, templates
from bot.canvas.outcome import Outcome, Step
from bot.canvas.perform import FOUND, OTHERWISE, Turn
from bot.canvas.settings import Explore
from bot.canvas.world import Conclusion, Exploration, Look, Looked

LOOK = "@look:"
"""Entries with one look of an exploration."""

Once = Callable[[str, Callable[[], Awaitable[Outcome]]], Awaitable[Outcome]]
"""The outcome that is kept under a name; where there is none, the work is done and its outcome kept."""


async def explore(turn: Turn, once: Once) -> Outcome:
    """Look until whoever explores has come to something, or the budget of steps or time is used up."""
    written = turn.settings.explore
    assert written is not None
    left_s = turn.settings.deadline or 60 * turn.step.budget.minutes
    looks = _Looks(turn, written, once)
    try:
        async with asyncio.timeout(left_s):
            return await looks.until_concluded()
    except TimeoutError:
        return looks.ended(looks.conclusion(), f"The {left_s:g} s for it were used up.")


@dataclass
class _Looks:
    """One exploration, as far as it has come."""

    turn: Turn
    written: Explore
    once: Once
    looked: list[Looked] = field(default_factory=list)

    async def until_concluded(self) -> Outcome:
        offers = self._offers()
        while len(self.looked) < self.written.steps:
            wish = await self.turn.world.explore(self.turn.step, self.exploration(offers))
            if wish is None or isinstance(wish, Conclusion):
                return self.ended(wish or self.conclusion())
            if wish.tool not in {offer.tool for offer in offers}:
                return self.ended(self.conclusion(), f"'{wish.tool}' is not among the tools of this step.")
            self.looked.append(await self._look(wish))
        spent = len(self.looked) < len(offers)
        return self.ended(self.conclusion(), f"The {self.written.steps} looks for it were used up." if spent else "")

    def exploration(self, offers: tuple[Look, ...]) -> Exploration:
        """What the one who explores is told."""
        goal = templates.worded(self.written.goal, self.turn.facts)
        left = self.written.steps - len(self.looked)
        return Exploration(goal, offers, self.turn.facts, tuple(self.looked), left, enough=self._enough())

    def conclusion(self) -> Conclusion:
        """What it comes to when nobody says more: whether `until` holds, or without one, whether anything was found."""
        return Conclusion(found=self._enough() if self.written.until else bool(self._found()))

    def ended(self, conclusion: Conclusion, note: str = "") -> Outcome:
        """The outcome: what was found by the names of the tools' facts, the latest of each."""
        said = [f"{look.tool}: {look.note}" for look in self.looked if look.note]
        facts = {**self._found(), "looked": [look.tool for look in self.looked], **conclusion.facts}
        if conclusion.cites:
            facts["cites"] = list(conclusion.cites)
        told = " ".join(filter(None, [conclusion.why, note, "; ".join(said)]))
        return Outcome(edge=FOUND if conclusion.found else OTHERWISE, facts=facts, note=told or None)

    def _offers(self) -> tuple[Look, ...]:
        resolved = [(offer.use, templates.resolve(offer.with_, self.turn.facts)) for offer in self.written.tools]
        return tuple(Look(tool, parameters) for tool, parameters in resolved)

    async def _look(self, wish: Look) -> Looked:
        step = replace(self.turn.step, key=f"{self.turn.step.key}[{len(self.looked)}]")
        kept = await self.once(
            f"{LOOK}{self.turn.step.key}:{len(self.looked)}", lambda: self._outcome_of(wish, step)
        )  # fmt: skip
        tool, parameters = str(kept.facts.get("tool")), kept.facts.get("parameters", {})
        return Looked(tool, parameters, kept.facts.get("found", {}), kept.note)

    async def _outcome_of(self, wish: Look, step: Step) -> Outcome:
        async def use() -> Outcome:
            found = await self.turn.world.use(wish.tool, wish.parameters, step)
            return Outcome(facts={"tool": wish.tool, "parameters": wish.parameters, "found": found})

        own = Turn(self.turn.playbook, step, self.turn.facts, self.turn.world, self.turn.clock)
        outcome = await own.tried(use)
        if outcome.state == "failed":
            return Outcome(facts={"tool": wish.tool, "parameters": wish.parameters}, note=outcome.note)
        return outcome

    def _found(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for look in self.looked:
            found |= look.facts
        return found

    def _enough(self) -> bool:
        if self.written.until is None:
            return False
        name = self.turn.playbook.saved_as(self.turn.step.node)
        return conditions.decide(self.written.until, {**self.turn.facts, name: self._found()}).holds


def in_order(exploration: Exploration) -> Look | Conclusion | None:
    """Without a model: the tools in the order in which the step names them, until it is enough."""
    if exploration.enough:
        return Conclusion(found=True)
    return exploration.offers[len(exploration.looked)] if len(exploration.looked) < len(exploration.offers) else None

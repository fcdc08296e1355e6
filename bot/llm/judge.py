"""A branch that its author left to a model: one of the drawn labels, for facts that were found, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bot.llm.fence import Fence, one_line
from bot.llm.honesty import Claim, Fact, by_ref, objection, told
from bot.llm.typed import Answer, Asking, Call
from bot.models import Noun


class Crossing(Noun):
    """Where the drawing stands, and what is known there."""

    question: str
    labels: tuple[str, ...]
    found: tuple[Fact, ...]
    """What the steps before have found: what an answer may stand on."""
    said: tuple[str, ...] = ()
    """What the alert says: to be read, and no ground for a decision."""

    def told(self, fence: Fence) -> str:
        """The question, the arrows, and the facts."""
        arrows = "\n".join(f"- {label}" for label in self.labels)
        question = fence.mask.mask(one_line(self.question))
        parts = [f"Question: {question}\nArrows:\n{arrows}", fence.lines("facts", told(self.found))]
        return "\n".join([*parts, fence.lines("what the alert says", self.said)] if self.said else parts)


class Choice(Answer):
    """An arrow, and what it stands on."""

    label: str
    cites: tuple[str, ...]
    why: str


JUDGE = Call[Crossing, Choice]("judge", "judge", Choice, 300)


async def judge(asking: Asking, crossing: Crossing) -> Choice | None:
    """The model's choice, if it is one of the labels and what it says of the cited facts is in them.

    Raises:
        ModelUnavailable: no model answered.
        BudgetSpent: nothing is left to ask with.
    """
    if not crossing.found:
        return None
    facts = by_ref(crossing.found)

    def complaint(choice: Choice) -> str | None:
        if choice.label not in crossing.labels:
            return f"The label must be one of: {', '.join(crossing.labels)}."
        why = objection(Claim(text=choice.why, cites=choice.cites), facts)
        return f"'why' does not hold: {why}." if why else None

    def narrowed(schema: dict[str, Any]) -> dict[str, Any]:
        label = {"type": "string", "enum": list(crossing.labels)}
        return {**schema, "properties": {**schema["properties"], "label": label}}

    return await JUDGE.ask(crossing, asking, complaint=complaint, schema=narrowed)


def ids(choice: Choice, found: Sequence[Fact]) -> tuple[str, ...]:
    """What the choice cites, by the facts' own names."""
    facts = by_ref(found)
    return tuple(facts[ref].id for ref in choice.cites)

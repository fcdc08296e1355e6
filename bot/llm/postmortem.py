"""The words of a post-mortem, and what a playbook may learn: drafts that people review, each sentence with its sources.

A sentence that no fact supports is dropped; a suggestion, which no fact can support whole, is kept only if its figures
and names are in the facts, and stands under its own heading.
"""

from __future__ import annotations

from collections.abc import Collection

from pydantic import Field

from bot.llm.fence import Fence, one_line
from bot.llm.honesty import Claim, Fact, by_ref, check, told
from bot.llm.typed import Answer, Asking, Call
from bot.models import Noun

MOST_FOLLOW_UPS = 4
MOST_SENTENCES = 4


class Closed(Noun):
    """An incident that is over."""

    title: str
    facts: tuple[Fact, ...] = Field(description="its events and its evidence")

    def told(self, fence: Fence) -> str:
        """What happened."""
        return f"{fence.put('incident', one_line(self.title))}\n{fence.lines('facts', told(self.facts), most=12_000)}"


class Drafted(Answer):
    """The parts of the document that are words."""

    summary: tuple[Claim, ...]
    impact: tuple[Claim, ...]
    cause: tuple[Claim, ...]
    follow_ups: tuple[Claim, ...]


class Learned(Answer):
    """What to do first the next time."""

    claims: tuple[Claim, ...]


WRITE = Call[Closed, Drafted]("postmortem", "write", Drafted, 1200)
LESSON = Call[Closed, Learned]("lesson", "write", Learned, 400)


async def write(asking: Asking, closed: Closed, spoken_of: Collection[str] = ()) -> Drafted | None:
    """The words that hold; None where the model gave none.

    Raises:
        ModelUnavailable: no model answered.
        BudgetSpent: nothing is left to ask with.
    """
    drafted = await WRITE.ask(closed, asking)
    if drafted is None:
        return None
    facts = by_ref(closed.facts)

    def held(claims: tuple[Claim, ...], most: int) -> tuple[Claim, ...]:
        return check(claims, facts, spoken_of=spoken_of).kept[:most]

    kept = Drafted(
        summary=held(drafted.summary, MOST_SENTENCES),
        impact=held(drafted.impact, MOST_SENTENCES),
        cause=held(drafted.cause, MOST_SENTENCES),
        follow_ups=held(drafted.follow_ups, MOST_FOLLOW_UPS),
    )
    return kept if kept.summary or kept.cause else None


async def lesson(asking: Asking, closed: Closed, spoken_of: Collection[str] = ()) -> tuple[str, ...]:
    """What to check first the next time, in sentences that hold; none where there are none.

    Raises:
        ModelUnavailable: no model answered.
        BudgetSpent: nothing is left to ask with.
    """
    learned = await LESSON.ask(closed, asking)
    if learned is None:
        return ()
    kept = check(learned.claims, by_ref(closed.facts), spoken_of=spoken_of).kept
    return tuple(claim.text for claim in kept[:3])

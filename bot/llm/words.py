"""The ranked causes in words. The ranking is made and stored before: it is told as it is, and nothing here moves it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import Field

from bot.llm.fence import Fence, one_line
from bot.llm.honesty import Claim, Fact, by_ref, check, decision, told, unsupported
from bot.llm.typed import Answer, Asking, Call
from bot.models import Hypothesis, Noun

MOST_MISSING = 4
LONGEST_MISSING = 160


class Ranking(Noun):
    """What the commander made of the evidence."""

    alert: str
    hypotheses: tuple[Hypothesis, ...] = Field(description="best first; the first few")
    facts: tuple[Fact, ...]
    remembered: tuple[str, ...] = Field(default=(), description="what memory brought, as it was told")

    def told(self, fence: Fence) -> str:
        """The causes with what speaks for and against each, then the facts."""
        refs = {fact.id: fact.ref for fact in self.facts}
        causes = [_cause(place, one, refs) for place, one in enumerate(self.hypotheses, 1)]
        parts = [fence.put("alert", one_line(self.alert)), fence.lines("ranked causes", causes),
                 fence.lines("facts", told(self.facts), narrow="Cite only what is shown.")]  # fmt: skip
        return "\n".join([*parts, fence.lines("what the channel knows", self.remembered)] if self.remembered else parts)


class Worded(Answer):
    """The first cause in words."""

    claims: tuple[Claim, ...]
    doubt: tuple[Claim, ...]
    missing: tuple[str, ...]


class Wording(Noun):
    """What of a wording holds."""

    claims: tuple[Claim, ...]
    doubt: Claim | None = None
    missing: tuple[str, ...] = ()
    refused: int = Field(default=0, description="sentences that no evidence supported, and that are not told")


WORDS = Call[Ranking, Worded]("words", "word", Worded, 700)


async def word(asking: Asking, ranking: Ranking, spoken_of: Collection[str] = ()) -> Wording | None:
    """The first cause in words that hold; None where none do.

    Raises:
        ModelUnavailable: no model answered.
        BudgetSpent: nothing is left to ask with.
    """
    answer = await WORDS.ask(ranking, asking)
    return held(answer, ranking, spoken_of) if answer else None


def held(answer: Worded, ranking: Ranking, spoken_of: Collection[str] = ()) -> Wording | None:
    """What of the answer may be told: words about the first cause, for which some of its own evidence is cited."""
    facts = by_ref(ranking.facts)
    checked = check(answer.claims, facts, spoken_of=spoken_of)
    doubts = check(answer.doubt[:1], facts, spoken_of=spoken_of)
    refused = len(checked.refused) + len(doubts.refused)
    first = ranking.hypotheses[0]
    own = {*first.evidence_for, *first.empty}
    if not checked.kept or not any(facts[ref].id in own for ref in checked.kept[0].cites):
        return None
    return Wording(
        claims=checked.kept,
        doubt=doubts.kept[0] if doubts.kept else None,
        missing=missing(answer.missing, ranking.facts),
        refused=refused,
    )


def missing(said: Sequence[str], facts: Sequence[Fact]) -> tuple[str, ...]:
    """What is said to be missing, as far as it does not claim something in passing, such as a decision of people."""
    short = [one_line(text, LONGEST_MISSING) for text in said if text.strip() and not decision(text, "")]
    return tuple(text for text in dict.fromkeys(short) if unsupported(text, facts) is None)[:MOST_MISSING]


def _cause(place: int, one: Hypothesis, refs: dict[str, str]) -> str:
    speaks = ", ".join(refs[name] for name in (*one.evidence_for, *one.empty) if name in refs) or "nothing"
    against = ", ".join(refs[name] for name in one.evidence_against if name in refs)
    doubt = f"; against it: {against}" if against else ""
    return f"{place}. {one.statement} ({one.confidence:.0%} sure; for it: {speaks}{doubt})"

"""A brief in fewer words: lines in, statements with the numbers of the lines that they stand on out."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field

from bot.llm.fence import Fence, one_line
from bot.llm.honesty import decision, telling
from bot.llm.typed import Answer, Asking, Call
from bot.models import BriefLine, Noun

ROOM = 24_000
"""Characters of remembered lines that are shown."""
MOST_JOINED = 6
"""Lines that one statement may take the place of."""


class Lines(Noun):
    """What memory found."""

    subject: str = Field(description="what the alert is about")
    lines: tuple[BriefLine, ...]
    budget_tokens: int

    def told(self, fence: Fence) -> str:
        """The lines, numbered from 0."""
        told = [_told(number, line) for number, line in enumerate(self.lines)]
        return (
            f"{fence.put('alert', one_line(self.subject))}\n{fence.lines('remembered lines', told, most=ROOM)}\n"
            f"At most {max(20, int(self.budget_tokens * 0.7))} words in all."
        )


class Statement(Answer):
    """Something that some of the lines say."""

    text: str
    cites: tuple[int, ...]


class Condensation(Answer):
    """The lines in fewer words."""

    statements: tuple[Statement, ...]


CONDENSE = Call[Lines, Condensation]("condense", "condense", Condensation, 900)


async def condense(
    asking: Asking, subject: str, lines: Sequence[BriefLine], budget_tokens: int
) -> tuple[Statement, ...] | None:
    """Statements about the lines, most important first; None where the model gave nothing that can be used.

    Raises:
        ModelUnavailable: no model answered.
        BudgetSpent: nothing is left to ask with.
    """
    known = range(len(lines))

    def complaint(answer: Condensation) -> str | None:
        unknown = [number for one in answer.statements for number in one.cites if number not in known]
        return f"There is no line {unknown[0]}; the last is {len(lines) - 1}." if unknown else None

    given = Lines(subject=subject, lines=tuple(lines), budget_tokens=budget_tokens)
    answer = await CONDENSE.ask(given, asking, complaint=complaint)
    return tuple(_of_its_lines(one, lines) for one in answer.statements) if answer else None


def _of_its_lines(one: Statement, lines: Sequence[BriefLine]) -> Statement:
    """The statement with those of its lines that it says something of: none is silenced by an empty phrase.

    With none of them where it says that people have decided what none of them says.
    """
    said = telling(one.text)
    if decision(one.text, " ".join(lines[number].text for number in one.cites)):
        return one.model_copy(update={"cites": ()})
    near = tuple(number for number in dict.fromkeys(one.cites) if said & telling(lines[number].text))
    return one.model_copy(update={"cites": near[:MOST_JOINED]})


def _told(number: int, line: BriefLine) -> str:
    back = f" (taken back later: {line.superseded_by})" if line.superseded_by else ""
    return f"{number} [{line.section}] {line.said_at:%Y-%m-%d %H:%M} {line.user}: {line.text}{back}"

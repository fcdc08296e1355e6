"""A brief in fewer words, with its citations kept: the seam for a language model.

Whoever condenses gets the lines and gives statements, each with the numbers of the lines that it stands on. Nothing of
that is believed: a statement without a citation, with one that does not exist, or with a name or figure that is in none
of its lines, is not told. What no accepted statement stands on is told in its own words, as far as the budget goes, so
that a careless or lying model costs tokens and never a fact.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Protocol

import structlog
from pydantic import Field

from bot.errors import NightdeskError
from bot.memory.budget import tokens_of
from bot.models import Brief, BriefLine, Noun

log = structlog.get_logger(__name__)

LONGER = 3
"""A brief that is to be condensed may be so many times longer than the budget."""
LONGEST_STATEMENT = 600
_HARD = re.compile(r"[\w.:/@#%+-]*[\d_/@][\w.:/@#%+-]*|\b[A-Z][\w-]*[A-Z][\w-]*|\b[a-z]+-[a-z][a-z-]*")
"""Figures, identifiers, paths, acronyms and hyphenated names: what must not be made up."""
_WORD = re.compile(r"[\w.:/@#%+-]+")


class Condensed(Noun):
    """A statement, and what it stands on."""

    text: str
    cites: tuple[int, ...] = Field(description="numbers of the brief's lines, from 0")


class Condenser(Protocol):
    """Says the same in fewer words."""

    async def condense(self, brief: Brief, budget_tokens: int) -> Sequence[Condensed]:
        """Statements about the brief's lines, most important first.

        Raises:
            NightdeskError: it cannot be done now.
        """
        ...


async def condensed(brief: Brief, condenser: Condenser, budget_tokens: int) -> Brief:
    """The brief within the budget: in the condenser's words where they hold, else in its own."""
    if not brief.lines:
        return brief
    try:
        statements = await condenser.condense(brief, budget_tokens)
    except NightdeskError as error:
        log.warning("memory.not_condensed", role=brief.role, why=str(error))
        statements = ()
    kept = [statement for statement in statements if _holds(statement, brief)]
    if len(kept) < len(statements):
        log.warning("memory.condensed_wrongly", role=brief.role, refused=len(statements) - len(kept))
    stood_on = {number for statement in kept for number in statement.cites}
    left = [line for number, line in enumerate(brief.lines) if number not in stood_on]
    return _within([*(_line(statement, brief) for statement in kept), *left], brief, budget_tokens)


def _holds(statement: Condensed, brief: Brief) -> bool:
    """Whether everything in it that can be checked is in the lines that it cites."""
    known = range(len(brief.lines))
    if not statement.cites or not statement.text.strip() or len(statement.text) > LONGEST_STATEMENT:
        return False
    if any(number not in known for number in statement.cites):
        return False
    lines = [brief.lines[number] for number in statement.cites]
    said = (f"{line.user} {line.said_at:%Y-%m-%d %H:%M} {line.text} {line.superseded_by or ''}" for line in lines)
    return _bare(_HARD, statement.text) <= {word for text in said for word in _bare(_WORD, text) | _bare(_HARD, text)}


def _bare(pattern: re.Pattern[str], text: str) -> set[str]:
    return {bare for word in pattern.findall(text) if (bare := word.strip(".:,/-+").casefold())}


def _line(statement: Condensed, brief: Brief) -> BriefLine:
    """The statement as a line: dated like the newest that it stands on, with the sources of all."""
    cited = [brief.lines[number] for number in dict.fromkeys(statement.cites)]
    newest = max(cited, key=lambda line: line.said_at)
    superseded = next((line.superseded_by for line in cited if line.superseded_by), None)
    links = tuple(dict.fromkeys(line.permalink for line in cited if line.permalink))
    return BriefLine(
        text=statement.text,
        user=", ".join(dict.fromkeys(line.user for line in cited)),
        said_at=newest.said_at,
        section=cited[0].section,
        permalink=links[0] if links else None,
        more_permalinks=links[1:],
        reworded=not any(statement.text in line.text for line in cited),
        superseded_by=superseded,
    )


def _within(lines: Sequence[BriefLine], brief: Brief, budget_tokens: int) -> Brief:
    """The first that fit, in the order of the brief's sections."""
    left = float(budget_tokens)
    chosen: list[BriefLine] = []
    for line in lines:
        cost = tokens_of(line.user, line.text)
        if cost <= left:
            chosen.append(line)
            left -= cost
    order = list(dict.fromkeys(line.section for line in brief.lines))
    chosen.sort(key=lambda line: order.index(line.section))
    return brief.model_copy(update={"lines": tuple(chosen), "tokens": math.ceil(budget_tokens - left)})

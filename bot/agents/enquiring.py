"""Agents ask each other: what one found raises a question that another answers from its own tools.

Asked before the commander judges, at most once a run by each agent, all at the same time and for a few seconds. The
answer is a report like any other, with who asked and what, so that a killed walk asks nothing twice. Who does not
answer leaves a gap: a question must not cost the judgement that it was asked for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from bot.agents.board import Case, Enquiry, enquiries
from bot.agents.tools import Toolbox
from bot.errors import NightdeskError
from bot.models import Gap, Report

WITHIN_S = 5.0
"""How long an answer is waited for."""
LOOKING_S = 4.0
"""How long the agent that is asked looks: it then tells what it has, before nobody waits for it."""

Answer = Callable[[Enquiry], Awaitable[Report]]
"""Has the agent that is asked look, with what it has heard."""
Record = Callable[[Enquiry, Report], Awaitable[None]]


async def enquire(
    case: Case,
    toolbox: Toolbox,
    answer: Answer,
    record: Record,
    *,
    asked: Collection[str | None] = (),
    within_s: float = WITHIN_S,
) -> int:
    """Have the open questions answered, or noted as unanswered; how many there were.

    Args:
        asked: the agents that have asked before in this run.
    """
    open_ones = [one for one in enquiries(case) if one.asker not in asked and one.tool in toolbox]

    async def have_answered(enquiry: Enquiry) -> None:
        try:
            async with asyncio.timeout(within_s):
                report = await answer(enquiry)
        except TimeoutError:
            report = _unanswered(enquiry, toolbox, f"no answer within {within_s:g} s")
        except NightdeskError as error:
            report = _unanswered(enquiry, toolbox, str(error))
        await record(enquiry, report)

    await asyncio.gather(*map(have_answered, open_ones))
    return len(open_ones)


def _unanswered(enquiry: Enquiry, toolbox: Toolbox, reason: str) -> Report:
    """The gap that the question leaves."""
    agent = toolbox.named(enquiry.tool).agent
    return Report(agent=agent, gaps=(Gap(source=enquiry.tool, reason=reason),))

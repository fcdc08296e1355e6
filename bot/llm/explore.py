"""Where the drawing ends: the next look, chosen among those that the drawing offers, or what they have come to.

A tool goes to the model without parameters: what it looks at is the drawing's. Each choice is a question of its own, so
that a killed run goes on from the looks that are stored, and no long talk is paid for again and again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

import structlog
from pydantic import Field, ValidationError

from bot.llm.chat import ChatReply, ChatRequest, Said, ToolCall, ToolOffer
from bot.llm.fence import Fence, one_line
from bot.llm.honesty import Claim, Fact, by_ref, objection, told
from bot.llm.typed import NOTHING, Answer, Asking, explained, offer, opening, unmasked
from bot.models import Noun

log = structlog.get_logger(__name__)

CONCLUDE = "conclude"
MAX_TOKENS = 300
TRIES = 2
_UNFIT = re.compile(r"[^A-Za-z0-9_-]+")


class Tool(Noun):
    """A look that may be taken."""

    number: int = Field(ge=0, description="its place among what was offered")
    name: str
    summary: str = Field(description="what it looks at")
    given: str = Field(default="", description="the parameters that are fixed: what an alert says may be among them")

    @property
    def spoken(self) -> str:
        """Its name as chat servers take it."""
        return f"look_{self.number}_{_UNFIT.sub('_', self.name)}"[:64]


class Search(Noun):
    """How far it has come."""

    goal: str
    tools: tuple[Tool, ...] = Field(description="those that were not used yet")
    facts: tuple[Fact, ...] = Field(description="what is known, and what the looks have found")
    looked: tuple[str, ...] = Field(default=(), description="the looks so far, in words")
    looks_left: int

    def told(self, fence: Fence) -> str:
        """The goal, the facts, and what was looked at."""
        left = f"Looks left: {self.looks_left}."
        looked = fence.lines("looked so far", self.looked) if self.looked else "Nothing was looked at yet."
        narrow = "What is not shown was not looked at."
        goal = fence.put("goal", one_line(self.goal))  # a drawing may name in it what an alert says
        given = [f"{tool.spoken}: {tool.given}" for tool in self.tools if tool.given]
        looks = [fence.lines("what looks are given", given)] if given else []
        return "\n".join([goal, left, *looks, fence.lines("facts", told(self.facts), narrow=narrow), looked])


class Concluded(Answer):
    """What a search has come to."""

    found: bool
    cites: tuple[str, ...]
    why: str


async def choose(asking: Asking, search: Search) -> Tool | Concluded | None:
    """The next look, or the conclusion; None where the model gave neither, twice.

    Raises:
        ModelUnavailable: no model answered.
        BudgetSpent: nothing is left to ask with.
    """
    fence = asking.fence()
    said = opening("explore", search.told(fence), asking.language, fence)
    for _ in range(TRIES):
        request = ChatRequest(role="explore", said=said, tools=_offers(search.tools), max_tokens=MAX_TOKENS)
        reply = await asking.model.ask(request, asking.spender)
        choice = _choice(reply, search, fence)
        if not isinstance(choice, str):
            return choice
        log.info("llm.repair", call="explore", model=reply.model, wrong=choice)
        said = (*said, *answered(reply, fence.mask.mask(choice)))
    return None


def answered(reply: ChatReply, words: str) -> tuple[Said, ...]:
    """The reply and our answer to it: every call of a tool must have one."""
    own = Said(role="assistant", text=reply.text, calls=reply.calls)
    if not reply.calls:
        return Said(role="assistant", text=reply.text or NOTHING), Said(role="user", text=words)
    return own, *(Said(role="tool", text=words, answers=call.id) for call in reply.calls)


def _offers(tools: Sequence[Tool]) -> tuple[ToolOffer, ...]:
    schema = {
        "type": "object",
        "properties": {"found": {"type": "boolean"}, "cites": {"type": "array", "items": {"type": "string"}},
                       "why": {"type": "string"}},
        "required": ["found", "cites", "why"],
        "additionalProperties": False,
    }  # fmt: skip
    looks = [offer(tool.spoken, one_line(tool.summary)) for tool in tools]
    return (*looks, offer(CONCLUDE, "Say what it has come to.", schema))


def _choice(reply: ChatReply, search: Search, fence: Fence) -> Tool | Concluded | str:
    """What the reply chooses; a text is what is wrong with it. Of several calls the first that can be used counts."""
    wrong = "Call one of the tools."
    known = {tool.spoken: tool for tool in search.tools}
    for call in reply.calls:
        if call.name in known:
            return known[call.name]
        if call.name != CONCLUDE:
            wrong = f"There is no tool '{one_line(call.name, 80)}' left. Call one of: {', '.join([*known, CONCLUDE])}."
            continue
        concluded = _concluded(call, search, fence)
        if isinstance(concluded, Concluded):
            return concluded
        wrong = concluded
    return wrong


def _concluded(call: ToolCall, search: Search, fence: Fence) -> Concluded | str:
    try:
        concluded = Concluded.model_validate(unmasked(json.loads(call.arguments), fence.mask))
    except (ValueError, ValidationError) as error:
        return explained(error)
    except RecursionError:
        return "The arguments are nested too deeply."
    if not concluded.found and not concluded.cites:
        return concluded.model_copy(update={"why": ""})
    why = objection(Claim(text=concluded.why, cites=concluded.cites), by_ref(search.facts))
    return f"'why' does not hold: {why}." if why else concluded

"""A person's question, answered from what was measured and what was said, sentence by sentence with its sources.

The model may look a few times with reading tools whose parameters are fixed. A sentence that no fact supports is not
told, neither at the end nor while the answer is coming in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

import structlog
from pydantic import Field

from bot.llm.chat import ChatReply, Said
from bot.llm.explore import Tool, answered
from bot.llm.fence import Fence, one_line
from bot.llm.honesty import Claim, Fact, by_ref, check, told
from bot.llm.streamed import Claims
from bot.llm.typed import Answer, Asking, Call, offer, opening, repair
from bot.llm.words import missing
from bot.models import Noun

log = structlog.get_logger(__name__)

MOST_CLAIMS = 8
MOST_LOOKS = 3
LONGEST_RESULT = 3000
NARROW = "Ask the person to name a service or a time."

Look = Callable[[Tool], Awaitable[Sequence[Fact]]]
"""Uses the tool; what it found, named anew each time."""
OnClaims = Callable[[tuple[Claim, ...]], Awaitable[None]]
"""Hears the sentences that hold, all that there are so far."""


class Asked(Noun):
    """A question, and what is known that may answer it."""

    question: str
    facts: tuple[Fact, ...]
    about: str = Field(default="", description="the incident in whose thread it was asked")
    tools: tuple[Tool, ...] = ()

    def told(self, fence: Fence) -> str:
        """The question and the facts."""
        known = (
            fence.lines("facts", told(self.facts), most=12_000, narrow=NARROW) if self.facts else "No fact is known."
        )
        about = fence.put("the incident of this thread", one_line(self.about)) if self.about else ""
        return "\n".join(part for part in (fence.put("question", one_line(self.question)), about, known) if part)


class Sentences(Answer):
    """The answer as the model gives it."""

    claims: tuple[Claim, ...]
    missing: tuple[str, ...]


class Answered(Noun):
    """What of an answer holds."""

    claims: tuple[Claim, ...]
    missing: tuple[str, ...]
    facts: tuple[Fact, ...] = Field(description="all that could be cited, what was looked at included")
    refused: int = 0


ANSWER = Call[Asked, Sentences]("answer", "answer", Sentences, 900)


async def answer(
    asking: Asking, asked: Asked, *, look: Look, spoken_of: Collection[str] = (), on_claims: OnClaims | None = None
) -> Answered | None:
    """The answer; None where the model gave none that can be used.

    Raises:
        ModelUnavailable: no model answered.
        BudgetSpent: nothing is left to ask with.
    """
    talk = _Talk(asking, asked, look, spoken_of, on_claims)
    return await talk.run()


class _Talk:
    def __init__(
        self, asking: Asking, asked: Asked, look: Look, spoken_of: Collection[str], on_claims: OnClaims | None
    ) -> None:
        self.asking, self.asked, self.look = asking, asked, look
        self.spoken_of, self.on_claims = spoken_of, on_claims
        self.fence = asking.fence()
        self.facts = list(asked.facts)
        self.tools = {tool.spoken: tool for tool in asked.tools}
        self.looks = 0

    async def run(self) -> Answered | None:
        said = opening("answer", self.asked.told(self.fence), self.asking.language, self.fence)
        repaired = False
        # Every turn uses up a look or the one repair, so this ends.
        while True:
            reply = await self.ask(said)
            if reply.calls and self.may_look:
                said = (*said, *await self.looked(reply))
                continue
            given, wrong = ANSWER.read(reply, self.fence)
            if given is not None:
                return self.held(given)
            if repaired:
                log.warning("llm.no_answer", call="answer", model=reply.model, wrong=wrong)
                return None
            repaired = True
            self.tools = {}
            said = (*said, *answered(reply, repair(wrong, self.asking, self.fence)))

    @property
    def may_look(self) -> bool:
        return bool(self.tools) and self.looks < MOST_LOOKS

    async def ask(self, said: tuple[Said, ...]) -> ChatReply:
        tools = tuple(offer(name, tool.summary) for name, tool in self.tools.items()) if self.may_look else ()
        hears = Claims(self.fence.mask, self.tell) if self.on_claims else None
        return await self.asking.model.ask(
            ANSWER.request(said, tools=tools), self.asking.spender, on_text=hears.hear if hears else None
        )

    async def looked(self, reply: ChatReply) -> tuple[Said, ...]:
        """The reply and what its looks have found; a turn that calls nothing that exists costs a look too."""
        before = self.looks
        answers = [Said(role="tool", text=await self.result(call.name), answers=call.id) for call in reply.calls]
        self.looks += self.looks == before
        return Said(role="assistant", text=reply.text, calls=reply.calls), *answers

    async def result(self, name: str) -> str:
        tool = self.tools.pop(name, None) if self.looks < MOST_LOOKS else None
        if tool is None:
            return "There is no such tool, or no look is left: answer from the facts."
        self.looks += 1
        found = list(await self.look(tool))
        if not found:
            return "Looked, and nothing unusual was found."
        self.facts += found
        return self.fence.lines("facts", told(found), most=LONGEST_RESULT, narrow=NARROW)

    async def tell(self, claims: tuple[Claim, ...]) -> None:
        kept = check(claims, by_ref(self.facts), spoken_of=self.spoken_of).kept
        if kept and self.on_claims:
            await self.on_claims(kept[:MOST_CLAIMS])

    def held(self, given: Sentences) -> Answered:
        checked = check(given.claims, by_ref(self.facts), spoken_of=self.spoken_of)
        return Answered(
            claims=checked.kept[:MOST_CLAIMS],
            missing=missing(given.missing, self.facts),
            facts=tuple(self.facts),
            refused=len(checked.refused),
        )

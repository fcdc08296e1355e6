"""A model's counsel on an incident, bounded in time, and missed by nothing: what it does not give is said once.

Here the room of the model meets the incident: who pays, in which language, which names are kept from it. Every use goes
through `Counsel.with_incident`: a model that is down, too slow or spent costs the thread one line, the triage nothing.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol, TypeVar

import structlog

from bot.errors import BudgetSpent, IllegalTransition, NightdeskError, NotFound
from bot.incidents import Journal
from bot.llm.chat import ChatReply, ChatRequest, Model, OnText, Spender
from bot.llm.condense import condense
from bot.llm.typed import Asking, Language
from bot.memory.condensing import Condensed
from bot.models import Brief, Incident, Noted, Recalled
from bot.work.scoping import run_of

log = structlog.get_logger(__name__)

PATIENCE_S: Mapping[str, float] = {"condense": 10.0, "judge": 20.0, "explore": 20.0, "word": 60.0, "answer": 90.0,
                                   "write": 120.0}  # fmt: skip
"""How long each use may take. What the thread waits for gets little."""
SILENT_FOR_S = 60.0
LISTENED = 30
"""The latest messages of a channel by which its language is told."""
_HAN = re.compile(r"[\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_WORD = re.compile(r"[A-Za-z]{2,}")

Use = Literal["condense", "judge", "explore", "word", "answer", "write"]
T = TypeVar("T")


class Remembering(Protocol):
    """Gives what a channel said last."""

    async def recall(self, query: str, *, channel: str | None = None, limit: int | None = None) -> list[Recalled]:
        """The latest messages, with an empty query."""
        ...


@dataclass(frozen=True)
class Allowance:
    """What a drawing allows a run, or a step, to spend."""

    name: str
    tokens: int


@dataclass(frozen=True)
class Allowed:
    """A model that is asked as long as the drawing's allowances last. Implements `bot.llm.chat.Model`."""

    model: Model
    journal: Journal
    incident_id: str
    allowances: Sequence[Allowance]

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """The answer; what it took is counted beside the incident's record, so that a killed run goes on counting.

        Raises:
            ModelUnavailable: no model answered.
            BudgetSpent: nothing is left of an allowance, or of a budget of the settings.
        """
        for one in self.allowances:
            if await self._count(one, 0) >= one.tokens:
                raise BudgetSpent(f"The {one.tokens:,} tokens that the drawing allows here are used up.")
        reply = await self.model.ask(request, spender, on_text=on_text)
        for one in self.allowances:
            await self._count(one, reply.usage.prompt + reply.usage.completion)
        return reply

    async def _count(self, one: Allowance, tokens: int) -> int:
        return await self.journal.count(self.incident_id, f"tokens:{one.name}", tokens)


@dataclass(frozen=True)
class Unhelped:
    """Why a model gave nothing."""

    kind: Literal["spent", "down"]
    text: str


@dataclass
class Silence:
    """For how long a model that did not answer is not asked, in this process."""

    elapsed: Callable[[], float] = time.monotonic
    until: float = 0.0

    def begin(self) -> None:
        """It has just not answered."""
        self.until = self.elapsed() + SILENT_FOR_S

    def lasts(self) -> bool:
        """Whether it is still left alone."""
        return self.elapsed() < self.until


async def _nowhere(_: str | None) -> bool:
    return False


@dataclass(frozen=True)
class Counsel:
    """A model that may be asked for an incident.

    Args:
        masked: names that the model is not told.
        languages: of channels; `language` for the others, where "auto" listens to what is written there.
        silence: after a use that was waited for in vain.
        is_off: whether no model is asked for a channel: there all is as without one, and nothing is said of it.
    """

    model: Model
    journal: Journal
    memory: Remembering
    clock: Callable[[], datetime]
    masked: frozenset[str] = frozenset()
    language: Language | Literal["auto"] = "auto"
    languages: Mapping[str, Language] = field(default_factory=dict)
    silence: Silence = field(default_factory=Silence)
    is_off: Callable[[str | None], Awaitable[bool]] = _nowhere

    async def with_incident(
        self, incident: Incident, use: Use, work: Callable[[Asking], Awaitable[T]], *, within: Sequence[Allowance] = ()
    ) -> T | None:
        """What the work gives; None where no model could help: then the thread says so, once a run for each reason."""
        asking = await self.asking(incident.channel, incident.id, incident.alert.summary or "")
        if within:
            asking = replace(asking, model=Allowed(asking.model, self.journal, incident.id, within))
        given, unhelped = await self.tried(asking, use, work)
        if unhelped:
            await self._say(incident, unhelped)
        return given

    async def tried(
        self, asking: Asking, use: Use, work: Callable[[Asking], Awaitable[T]]
    ) -> tuple[T | None, Unhelped | None]:
        """What the work gives; or why nothing could be had; neither where no model is asked.

        Who did not answer in time is not asked again for a while: a silent model costs the triage its seconds once.
        """
        if await self.is_off(asking.spender.channel):
            return None, None
        if self.silence.lasts():
            return None, Unhelped("down", "The model did not answer a moment ago. Everything else goes on without it.")
        try:
            async with asyncio.timeout(PATIENCE_S[use]):
                return await work(asking), None
        except BudgetSpent as spent:
            unhelped = Unhelped("spent", f"{spent} What was found so far stands, and the rest goes on without a model.")
        except NightdeskError as unavailable:  # ModelUnavailable, and whatever else a door may meet
            unhelped = Unhelped("down", f"{unavailable} Everything else goes on without it.")
        except TimeoutError:
            self.silence.begin()
            slow = f"The model did not answer within {PATIENCE_S[use]:g} s."
            unhelped = Unhelped("down", f"{slow} Everything else goes on without it.")
        log.warning("model.no_help", use=use, incident=asking.spender.incident, why=unhelped.text)
        return None, unhelped

    async def asking(self, channel: str | None, incident_id: str | None, *texts: str) -> Asking:
        """Who is asked, who pays, and in which language."""
        spender = Spender(incident=incident_id, channel=channel)
        return Asking(self.model, spender, await self.spoken_in(channel, texts), self.masked)

    async def spoken_in(self, channel: str | None, texts: Sequence[str] = ()) -> Language:
        """The channel's language: as set, else as it is written there."""
        chosen = self.languages.get(channel or "", self.language)
        if chosen != "auto":
            return chosen
        said = await self.memory.recall("", channel=channel, limit=LISTENED) if channel else []
        return written_in([*texts, *(recalled.message.text for recalled in said)])

    async def _say(self, incident: Incident, unhelped: Unhelped) -> None:
        try:
            note = Noted(at=self.clock(), text=unhelped.text)
            await self.journal.append(incident.id, note, once=f"model-{unhelped.kind}:{run_of(incident)}")
        except (IllegalTransition, NotFound) as impossible:
            log.info("model.unsaid", incident=incident.id, why=str(impossible))


def written_in(texts: Sequence[str]) -> Language:
    """Chinese where at least as many Han characters as Latin words were written, and no Japanese."""
    said = " ".join(texts)
    han, words = len(_HAN.findall(said)), len(_WORD.findall(said))
    return "zh" if han and han >= words and len(_KANA.findall(said)) * 10 < han else "en"


@dataclass(frozen=True)
class Condensing:
    """Says an incident's brief in fewer words. Implements `bot.memory.condensing.Condenser`."""

    counsel: Counsel
    incident: Incident

    async def condense(self, brief: Brief, budget_tokens: int) -> Sequence[Condensed]:
        """Statements about the brief's lines; none where no model could help."""
        alert = self.incident.alert
        subject = f"{alert.name} {self.incident.service or ''}: {alert.summary or ''}"

        async def work(asking: Asking) -> Sequence[Condensed]:
            statements = await condense(asking, subject, brief.lines, budget_tokens)
            return [Condensed(text=one.text, cites=one.cites) for one in statements or ()]

        return await self.counsel.with_incident(self.incident, "condense", work) or ()

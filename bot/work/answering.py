"""A question put to the bot, answered by a model from what was measured and said, with the source of every sentence.

In the thread of an incident, or about a service that has one, its evidence is known and the agents may look a few times
more; elsewhere memory alone answers. What the model says is shown as far as it holds, while it is still speaking.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

import structlog

from bot.agents.looks import LOOKS
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.errors import NightdeskError
from bot.incidents import Journal
from bot.llm.answer import Answered, Asked, answer
from bot.llm.explore import Tool
from bot.llm.honesty import Claim, Fact, by_ref, seen_facts
from bot.llm.typed import Asking
from bot.models import Evidence, Incident, Phase, Recalled
from bot.slack.blocks import Post
from bot.slack.desk import Mention
from bot.slack.views.spoken import Source, spoken
from bot.work.growing import Growing
from bot.work.modelled import Counsel
from bot.work.wording import CAUSES, facts_of

log = structlog.get_logger(__name__)

LONGEST_MESSAGE = 400
LONGEST_TITLE = 200

Grow = Callable[[Mention, Post], Awaitable[None]]
"""Shows an answer that is not finished; the same message changes until it is."""
ScopeOf = Callable[[Incident], Scope]
ThreadOf = Callable[[Incident], Awaitable[str | None]]


@dataclass(frozen=True)
class Spoken:
    """An answer, or why there is none."""

    post: Post | None = None
    unhelped: str = ""


class Speaker:
    """Answers questions with a model.

    Args:
        names: of all services: one that is in no fact may not be named.
        thread_of: the thread of an incident.
    """

    def __init__(
        self,
        counsel: Counsel,
        journal: Journal,
        toolbox: Toolbox,
        names: Collection[str],
        scope_of: ScopeOf,
        thread_of: ThreadOf,
        grow: Grow,
    ) -> None:
        self._counsel = counsel
        self._journal = journal
        self._toolbox = toolbox
        self._names = names
        self._scope_of = scope_of
        self._thread_of = thread_of
        self._grow = grow

    async def incident_of(self, mention: Mention, service: str | None) -> Incident | None:
        """The open incident of this channel in whose thread, or about whose service, the question is."""
        about: Incident | None = None
        async for incident in self._journal.open_incidents():
            if incident.channel != mention.channel:
                continue  # what is seen in a channel is told in that channel
            if await self._thread_of(incident) == mention.thread:
                return incident
            if service and incident.service == service and incident.phase is not Phase.HANDED_OVER:
                about = incident
        return about

    async def answer(self, mention: Mention, found: Sequence[Recalled], incident: Incident | None) -> Spoken:
        """The answer from what memory found and from the incident, if the question is about one."""
        facts = (*_said(found), *(facts_of(incident, incident.hypotheses[:CAUSES]) if incident else ()))
        if not facts and incident is None:
            return Spoken()
        links = {fact.id: recalled.message.permalink for fact, recalled in zip(_said(found), found, strict=True)}
        asked = Asked(question=mention.text, facts=facts, about=_title(incident), tools=self._tools(incident))
        asking = await self._counsel.asking(mention.channel, incident.id if incident else None, mention.text)
        async with Growing(lambda post: self._grow(mention, post)) as growing:
            answered, unhelped = await self._counsel.tried(
                asking, "answer", self._work(asked, incident, links, growing)
            )
        if answered is None:
            return Spoken(unhelped=unhelped.text if unhelped else "")
        if not answered.claims and not answered.missing:
            return Spoken()
        claims = _cited(answered.claims, answered.facts, links)
        return Spoken(post=spoken(claims, answered.missing, refused=answered.refused))

    def _work(
        self, asked: Asked, incident: Incident | None, links: dict[str, str | None], growing: Growing
    ) -> Callable[[Asking], Awaitable[Answered | None]]:
        async def on_claims(claims: tuple[Claim, ...]) -> None:
            growing.show(spoken(_cited(claims, asked.facts, links), ()))

        async def work(asking: Asking) -> Answered | None:
            look = _Looks(self._toolbox, self._scope_of, incident)
            return await answer(asking, asked, look=look, spoken_of=self._names, on_claims=on_claims)

        return work

    def _tools(self, incident: Incident | None) -> tuple[Tool, ...]:
        if incident is None:
            return ()
        known = [name for name in LOOKS if name in self._toolbox]
        return tuple(
            Tool(number=number, name=name, summary=self._toolbox.named(name).summary)
            for number, name in enumerate(known)
        )


class _Looks:
    """Uses reading tools on an incident; what they find is numbered on."""

    def __init__(self, toolbox: Toolbox, scope_of: ScopeOf, incident: Incident | None) -> None:
        self._toolbox, self._scope_of, self._incident = toolbox, scope_of, incident
        self._seen = 0

    async def __call__(self, tool: Tool) -> Sequence[Fact]:
        if self._incident is None:
            return ()
        try:
            report = await self._toolbox.use(tool.name, {}, self._scope_of(self._incident))
        except NightdeskError as error:
            return [self._gap(f"{tool.name}: {error}")]
        evidence = [fact for finding in report.findings for fact in finding.evidence]
        gaps = [gap.words for gap in report.gaps]
        facts = [self._named(one, report.agent) for one in evidence]
        return [*facts, *(self._gap(text) for text in gaps)]

    def _named(self, one: Evidence, source: str) -> Fact:
        self._seen += 1
        (fact,) = seen_facts([one], sources={one.id: source})
        return fact.model_copy(update={"ref": f"l{self._seen}"})

    def _gap(self, text: str) -> Fact:
        self._seen += 1
        return Fact(ref=f"l{self._seen}", id=text, text=text, source="asked, and no answer")


def _said(found: Sequence[Recalled]) -> tuple[Fact, ...]:
    return tuple(
        Fact(ref=f"m{number}", id=f"{one.message.channel}/{one.id}", source=f"said by {one.message.user}",
             text=f"{one.message.sent_at:%Y-%m-%d %H:%M} {one.message.text[:LONGEST_MESSAGE]}")
        for number, one in enumerate(found, 1)
    )  # fmt: skip


def _title(incident: Incident | None) -> str:
    if incident is None:
        return ""
    return f"{incident.id}: {incident.alert.summary or incident.alert.name}, {incident.phase.value}"[:LONGEST_TITLE]


def _cited(
    claims: Sequence[Claim], facts: Sequence[Fact], links: dict[str, str | None]
) -> list[tuple[str, tuple[Source, ...]]]:
    known = by_ref(facts)
    return [
        (claim.text, tuple(Source(known[ref].text, known[ref].source, links.get(known[ref].id)) for ref in claim.cites
                           if ref in known))
        for claim in claims
    ]  # fmt: skip

"""Who decides where a drawing leaves it open: a model, within what was drawn, or nobody.

A model chooses among labels and offered looks, and nothing else of what it says goes on: the parameters of a look are
the drawing's, an exploration's facts are its tools', and where a drawing says with `until` when it is enough, that
decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from bot.agents.tools import Toolbox
from bot.canvas.explore import in_order
from bot.canvas.outcome import Judgement, Step
from bot.canvas.world import Conclusion, Exploration, Look
from bot.errors import IllegalTransition
from bot.llm.explore import Concluded, Search, Tool, choose
from bot.llm.honesty import Fact, by_ref
from bot.llm.judge import Choice, Crossing, ids, judge
from bot.llm.typed import Asking
from bot.memory.condensing import Condenser
from bot.models import Incident, Noted
from bot.work.modelled import Allowance, Condensing, Counsel

log = structlog.get_logger(__name__)

GIVEN = frozenset({"alert", "service", "incident"})
"""What a run knows before anybody has looked: no ground for a judgement."""
MOST_FACTS = 80
MOST_USELESS = 2
"""Answers of no use in one exploration: then it goes on in the drawing's order, and nobody is asked any more."""
DEEPEST = 3
LONGEST_VALUE = 300


class Mind(Protocol):
    """Decides where the drawing leaves it open."""

    def condenser(self, incident: Incident) -> Condenser | None:
        """Who says the brief in fewer words; None where nobody does."""
        ...

    async def judge(
        self, incident: Incident, step: Step, question: str, labels: Sequence[str], facts: Mapping[str, Any]
    ) -> Judgement | None:
        """A label, and the facts that it stands on; None where nobody can tell."""
        ...

    async def explore(self, incident: Incident, step: Step, exploration: Exploration) -> Look | Conclusion | None:
        """What to look at next, or what it has come to."""
        ...


class NoMind:
    """No model is configured: branches take `otherwise`, and explorations the drawing's order."""

    def condenser(self, incident: Incident) -> Condenser | None:
        """Nobody."""
        log.debug("mind.none", incident=incident.id)
        return None

    async def judge(
        self, incident: Incident, step: Step, question: str, labels: Sequence[str], facts: Mapping[str, Any]
    ) -> Judgement | None:
        """Nobody can tell."""
        log.info("mind.none", incident=incident.id, step=step.key, question=question, labels=len(labels),
                 facts=len(facts))  # fmt: skip
        return None

    async def explore(self, incident: Incident, step: Step, exploration: Exploration) -> Look | Conclusion | None:
        """The tools in the drawing's order."""
        log.debug("mind.none", incident=incident.id, step=step.key)
        return in_order(exploration)


NO_MIND = NoMind()


@dataclass(frozen=True)
class ModelMind:
    """A model decides, within what was drawn."""

    counsel: Counsel
    toolbox: Toolbox

    def condenser(self, incident: Incident) -> Condenser | None:
        """The model."""
        return Condensing(self.counsel, incident)

    async def judge(
        self, incident: Incident, step: Step, question: str, labels: Sequence[str], facts: Mapping[str, Any]
    ) -> Judgement | None:
        """One of the labels for facts that were found; None where the model gives no such answer."""
        crossing = Crossing(
            question=question,
            labels=tuple(labels),
            found=facts_of(_found(facts)),
            said=tuple(fact.text for fact in facts_of({"alert": facts.get("alert") or {}})),
        )

        async def work(asking: Asking) -> Choice | None:
            return await judge(asking, crossing)

        choice = await self.counsel.with_incident(incident, "judge", work, within=_allowed(step))
        if choice is None:
            return None
        await self._note(incident, step, question, choice, crossing.found)
        return Judgement(label=choice.label, cites=ids(choice, crossing.found), why=choice.why)

    async def explore(self, incident: Incident, step: Step, exploration: Exploration) -> Look | Conclusion | None:
        """One of the offered looks that was not taken yet, or the conclusion; without help, the drawing's order.

        Who says that nothing is there, before all was looked at, is not believed: the drawing's order goes on.
        """
        unused = [offer for offer in exploration.offers if not _was_taken(offer, exploration)]
        if exploration.enough or not unused:
            return Conclusion(found=True) if exploration.enough else None
        if await self._useless(incident, step) >= MOST_USELESS:
            return unused[0]
        search = self._search(exploration)

        async def work(asking: Asking) -> Tool | Concluded | None:
            choice = await choose(asking, search)
            if choice is None or (isinstance(choice, Concluded) and not _may_end(choice, step)):
                await self._note_useless(incident, step)
            return choice

        choice = await self.counsel.with_incident(incident, "explore", work, within=_allowed(step))
        if isinstance(choice, Tool):
            return exploration.offers[choice.number]
        return _conclusion(choice, search) if choice and _may_end(choice, step) else unused[0]

    async def _useless(self, incident: Incident, step: Step, *, more: int = 0) -> int:
        """Answers of no use in this exploration so far; counted beside the record, so that a killed run goes on."""
        return await self.counsel.journal.count(incident.id, f"useless:{step.run_id}:{step.key}", more)

    async def _note_useless(self, incident: Incident, step: Step) -> None:
        if await self._useless(incident, step, more=1) >= MOST_USELESS:
            text = f"{step.label}: what the model answers is of no use here, so the drawing's own order goes on."
            await self._tell(incident, text, f"unguided:{step.run_id}:{step.key}")

    def _search(self, exploration: Exploration) -> Search:
        tools = [
            Tool(number=number, name=offer.tool, summary=self._summary(offer), given=_given(offer))
            for number, offer in enumerate(exploration.offers)
            if not _was_taken(offer, exploration)
        ]
        seen = {_spoken(look.tool): look.facts for look in exploration.looked}
        looked = [f"{_spoken(look.tool)}: {look.note or f'{len(look.facts)} values'}" for look in exploration.looked]
        return Search(
            goal=exploration.goal,
            tools=tuple(tools),
            facts=facts_of({**_found(exploration.facts), **seen}),
            looked=tuple(looked),
            looks_left=exploration.steps_left,
        )

    def _summary(self, offer: Look) -> str:
        return self.toolbox.named(offer.tool).summary if offer.tool in self.toolbox else offer.tool

    async def _note(self, incident: Incident, step: Step, question: str, choice: Choice, found: Sequence[Fact]) -> None:
        """The thread says who chose, and why: an arrow that a model took must not look like a measured one."""
        stands = "; ".join(by_ref(found)[ref].text for ref in choice.cites[:4])
        text = f"{question} The model chose '{choice.label}': {choice.why} It stands on: {stands}"
        await self._tell(incident, text, f"judged:{step.run_id}:{step.key}")

    async def _tell(self, incident: Incident, text: str, once: str) -> None:
        try:
            await self.counsel.journal.append(incident.id, Noted(at=self.counsel.clock(), text=text), once=once)
        except IllegalTransition as moved_on:
            log.info("mind.untold", incident=incident.id, once=once, why=str(moved_on))


def facts_of(values: Mapping[str, Any]) -> tuple[Fact, ...]:
    """The values as facts, each under its path; long texts and endless lists are cut."""
    leaves = [(path, value) for path, value in _leaves(values, ()) if value not in (None, "", [], {})]
    # Not with dots between the names: the mask would take them for hosts.
    return tuple(
        Fact(ref=f"f{number}", id=".".join(path), text=f"{' › '.join(path)} = {_written(value)}", source="measured")
        for number, (path, value) in enumerate(leaves[:MOST_FACTS], 1)
    )


def _found(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """What steps have found."""
    return {name: value for name, value in facts.items() if name not in GIVEN}


def _leaves(values: Mapping[str, Any], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        path = (*above, str(name))
        if isinstance(value, Mapping) and len(path) < DEEPEST:
            yield from _leaves(value, path)
        else:
            yield path, value


def _written(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"


def _spoken(tool: str) -> str:
    """The tool's name in words."""
    return tool.replace(".", " ").replace("_", " ")


def _given(offer: Look) -> str:
    return json.dumps(dict(offer.parameters), ensure_ascii=False, default=str) if offer.parameters else ""


def _was_taken(offer: Look, exploration: Exploration) -> bool:
    return any(look.tool == offer.tool and look.parameters == offer.parameters for look in exploration.looked)


def _allowed(step: Step) -> list[Allowance]:
    """What the playbook allows the run, and an exploration its own step."""
    explore = step.settings.explore
    own = [Allowance(f"{step.run_id}:{step.key}", explore.tokens)] if explore and explore.tokens else []
    return [Allowance(step.run_id, step.budget.tokens), *own]


def _may_end(concluded: Concluded, step: Step) -> bool:
    """Found, where the drawing does not say itself when it is enough; what it cites was checked by who heard it."""
    written = step.settings.explore
    return concluded.found and not (written and written.until)


def _conclusion(concluded: Concluded, search: Search) -> Conclusion:
    """Without facts of its own: what later steps and changes refer to comes from tools alone."""
    facts = by_ref(search.facts)
    return Conclusion(found=True, cites=tuple(facts[ref].id for ref in concluded.cites), why=concluded.why)

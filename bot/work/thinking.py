"""A model plugged into the work: who judges, writes and answers. Without one nobody does, and nothing is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.incidents import Journal
from bot.llm.door import Door
from bot.memory import MemoryManager
from bot.models import Incident, ModelCost
from bot.settings import TriageSettings
from bot.settings.model import ModelSettings
from bot.work.answering import Grow, Speaker, ThreadOf
from bot.work.judging import NO_MIND, Mind, ModelMind
from bot.work.modelled import Counsel
from bot.work.scoping import scope_of
from bot.work.scribe import Cost, Scribe, no_cost
from bot.work.switching import Switch, Switching

WITHOUT_A_MODEL = Scribe()


@dataclass(frozen=True)
class Thinking:
    """What a model does, wherever it is asked."""

    mind: Mind = NO_MIND
    scribe: Scribe = WITHOUT_A_MODEL
    speaker: Speaker | None = None
    switching: Switching | None = None


def counsel_of(
    door: Door | None,
    settings: ModelSettings,
    journal: Journal,
    memory: MemoryManager,
    catalog: Catalog,
    clock: Callable[[], datetime],
    switch: Switch,
) -> Counsel | None:
    """The counsel of the configured model; None where there is none."""
    if door is None:
        return None
    masked = frozenset(catalog.services) if settings.mask_services else frozenset[str]()
    return Counsel(door, journal, memory, clock, masked, settings.language, settings.languages,
                   is_off=switch.is_off)  # fmt: skip


def cost_of(door: Door | None) -> Cost:
    """What the configured model has cost an incident."""
    if door is None:
        return no_cost

    async def cost(incident_id: str) -> ModelCost | None:
        return (await door.spent(incident_id)).cost

    return cost


def thinking(
    counsel: Counsel | None,
    toolbox: Toolbox,
    catalog: Catalog,
    triage: TriageSettings,
    *,
    thread_of: ThreadOf,
    grow: Grow,
    cost: Cost = no_cost,
    switching: Switching | None = None,
) -> Thinking:
    """Plug the model's counsel in, if there is any."""
    if counsel is None:
        return Thinking(switching=switching)
    names = frozenset(catalog.services)
    scope = _scope(catalog, triage, counsel.clock)
    return Thinking(
        mind=ModelMind(counsel, toolbox),
        scribe=Scribe(counsel, names, cost),
        speaker=Speaker(counsel, counsel.journal, toolbox, names, scope, thread_of, grow),
        switching=switching,
    )


def _scope(catalog: Catalog, triage: TriageSettings, clock: Callable[[], datetime]) -> Callable[[Incident], Scope]:
    def scope(incident: Incident) -> Scope:
        return scope_of(incident, catalog, triage, clock())

    return scope

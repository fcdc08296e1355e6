"""A model plugged into the work: who judges, writes and answers. Without one nobody does, and nothing is missing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.models import Incident
from bot.settings import TriageSettings
from bot.work.answering import Grow, Speaker, ThreadOf
from bot.work.judging import NO_MIND, Mind, ModelMind
from bot.work.modelled import Counsel
from bot.work.scoping import scope_of
from bot.work.scribe import Cost, Scribe, no_cost

WITHOUT_A_MODEL = Scribe()


@dataclass(frozen=True)
class Thinking:
    """What a model does, wherever it is asked."""

    mind: Mind = NO_MIND
    scribe: Scribe = WITHOUT_A_MODEL
    speaker: Speaker | None = None


def thinking(
    counsel: Counsel | None,
    toolbox: Toolbox,
    catalog: Catalog,
    triage: TriageSettings,
    *,
    thread_of: ThreadOf,
    grow: Grow,
    cost: Cost = no_cost,
) -> Thinking:
    """Plug the model's counsel in, if there is any."""
    if counsel is None:
        return Thinking()
    names = frozenset(catalog.services)
    scope = _scope(catalog, triage, counsel.clock)
    return Thinking(
        mind=ModelMind(counsel, toolbox),
        scribe=Scribe(counsel, names, cost),
        speaker=Speaker(counsel, counsel.journal, toolbox, names, scope, thread_of, grow),
    )


def _scope(catalog: Catalog, triage: TriageSettings, clock: Callable[[], datetime]) -> Callable[[Incident], Scope]:
    def scope(incident: Incident) -> Scope:
        return scope_of(incident, catalog, triage, clock())

    return scope

"""What is written about an incident beside its record: words for its ranking, a post-mortem, a lesson.

Without a model nothing is worded, the post-mortem is made of the events alone, and there is no lesson.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from bot.models import Incident, ModelCost
from bot.work import postmortem
from bot.work.modelled import Counsel
from bot.work.wording import put_into_words

SAID = ":page_facing_up: *A draft of the post-mortem.* Please correct it: the timeline is from the record, {words}"
OWN = "the words are the bot's."
MODELS = "the words are partly a model's, each with the facts that it was held against."

Cost = Callable[[str], Awaitable[ModelCost | None]]


@dataclass(frozen=True)
class File:
    """A text file for the thread."""

    name: str
    text: str
    said: str
    """Our own words above it."""


async def no_cost(_: str) -> ModelCost | None:
    """Nobody is paid."""
    return None


@dataclass(frozen=True)
class Scribe:
    """Writes.

    Args:
        names: of all services: one that is in no evidence may not be named by a model.
        cost: what a model has cost an incident so far.
    """

    counsel: Counsel | None = None
    names: frozenset[str] = field(default_factory=frozenset)
    cost: Cost = no_cost

    async def word(self, incident: Incident) -> None:
        """Put the latest ranking into words, where a model is there to."""
        if self.counsel is not None:
            await put_into_words(self.counsel, incident, self.names)

    async def postmortem(self, incident: Incident) -> File | None:
        """The draft; None where the incident needs none."""
        if not postmortem.is_worth_one(incident):
            return None
        document, modelled = await postmortem.drafted(incident, self.counsel, self.names)
        said = SAID.format(words=MODELS if modelled else OWN)
        return File(postmortem.file_name(incident), document, said)

    async def lesson(self, incident: Incident) -> tuple[str, ...]:
        """What to check first the next time; nothing without a model."""
        return await postmortem.learned(incident, self.counsel, self.names) if self.counsel is not None else ()

    async def with_cost(self, incident: Incident) -> Incident:
        """The incident with what a model has cost it, where one was asked."""
        return await with_cost(incident, self.cost)


async def with_cost(incident: Incident, cost: Cost) -> Incident:
    """The incident with what a model has cost it, where one was asked."""
    return priced(incident, await cost(incident.id))


def priced(incident: Incident, spent: ModelCost | None) -> Incident:
    """The incident with that cost, where there was any."""
    return incident.model_copy(update={"model_cost": spent}) if spent and spent.tokens else incident

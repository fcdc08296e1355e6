"""One visit to one database: the questions that its engine answers, by topic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.agents.database.topics import Topic
from bot.models import Finding, Gap

Told = Sequence[Finding | Gap]
Question = Callable[[], Awaitable[Told]]


@dataclass(frozen=True)
class Visit:
    """What can be asked over one connection."""

    questions: Mapping[Topic, Question]
    """In the order in which they are best asked: what one has told, the next does not tell again."""
    compared: frozenset[Topic]
    """Topics that compare two readings."""
    begin: Question
    """Takes the first of these readings; the time until the second is used for the other questions."""
    lost: Callable[[], bool]
    """Whether the connection is gone, so that nothing more can be asked."""

"""A question to memory, with the limits it sets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot.memory.dates import Period

Key = tuple[str, str]
"""Channel and message id."""
BEARS = 0.25
"""What covers less of a question has nothing to do with it. Of questions about another conversation half find nothing
above this, of questions about the conversation itself 2 in 100 (`tests/bench/memory`)."""


@dataclass(frozen=True)
class Question:
    """What is looked for, where and when."""

    text: str
    channel: str | None = None
    since: datetime | None = None
    """Included."""
    until: datetime | None = None
    """Excluded."""
    period: Period | None = None
    """The time that the words themselves name."""
    asked_in: str | None = None
    """The channel that will read the answer."""
    hidden: frozenset[str] = frozenset()
    """Channels that must not answer."""
    subject: str | None = None
    """The service that it is about: who names it has something to say."""
    emphasis: str = ""
    """Words that make a hit better, but that nobody asked for."""

"""Which earlier messages belong to the talk of one message, where several talks run through a channel at once.

Who speaks to whom tells more than the words: on multi-party technical chat recency, authors, mentions and partners
find more of a conversation than wording does, and together they find most. The signals are those of Elsner and
Charniak, Disentangling Chat (2010), as a plain weighted sum.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.memory.people import People
from bot.models import Message

LOOKED_BACK = 100
"""Messages of the channel in which the talk is sought."""
RECENCY, AUTHOR, ADDRESSED, PARTNER, WORDS, THREAD = 0.8, 0.9, 1.1, 0.5, 0.8, 3.0
TIED, AT_ONCE = 0.25, timedelta(minutes=3)
"""What ties a message of an old talk to another of it, at least; and how soon one answers that has no such tie."""
NEAR, FAR = 12.0, 50.0
"""After how many messages recency, and the ties between people, have faded to a third."""
Tokenize = Callable[[str], list[str]]


@dataclass(frozen=True)
class Belonging:
    """How much a message belongs to a talk."""

    message: Message
    near: float
    """For standing near to it."""
    tie: float
    """For its author, whom it speaks to, and its words."""

    @property
    def score(self) -> float:
        """Both together."""
        return self.near + self.tie


def talk_around(call: Message, earlier: Sequence[Message], tokenize: Tokenize) -> list[Belonging]:
    """The earlier messages (oldest first) with how much each belongs to the talk of `call`, best first."""
    nearest = list(reversed(earlier))[:LOOKED_BACK]
    ties = _Ties(call, nearest, _people([call, *nearest]))
    wanted = frozenset(tokenize(call.text))
    belonging = [
        Belonging(message, RECENCY * math.exp(-behind / NEAR), _tie(ties, wanted, tokenize, message, behind))
        for behind, message in enumerate(nearest, start=1)
    ]
    return sorted(belonging, key=lambda each: (-each.score, -each.message.sent_at.timestamp()))


def talk_of(head: Message, said: Sequence[Message], tokenize: Tokenize, *, most: int) -> list[Message]:
    """The conversation that a message of an old talk belongs to, in the order in which it was said.

    Standing near does not make a conversation: somebody or some word must tie a message to it, or the same few minutes.
    """
    before = [message for message in said if message.sent_at < head.sent_at]
    after = [message for message in said if message.sent_at > head.sent_at]
    both = [*talk_around(head, before, tokenize), *talk_around(head, after[::-1], tokenize)]
    belonging = (each for each in both if each.tie >= TIED or abs(each.message.sent_at - head.sent_at) <= AT_ONCE)
    tied = sorted(belonging, key=lambda each: -each.score)[:most]
    return sorted([head, *(each.message for each in tied)], key=lambda message: message.sent_at)


class _Ties:
    """Who speaks to whom, seen from the one who calls."""

    def __init__(self, call: Message, others: Sequence[Message], people: dict[str, People]) -> None:
        self._call = call
        self._people = people
        self._partners = {
            message.user
            for message in others
            if self._addresses(message, call.user)
            or (message.user == call.user and any(self._addresses(message, other.user) for other in others))
        }

    def with_author_of(self, message: Message) -> float:
        """How close the author of a message is to the caller."""
        if message.user == self._call.user:
            return AUTHOR
        if self._addresses(message, self._call.user) or self._addresses(self._call, message.user):
            return ADDRESSED
        return PARTNER if message.user in self._partners else 0.0

    def same_thread(self, message: Message) -> bool:
        """Whether Slack itself says that they belong together."""
        thread = self._call.thread
        return thread is not None and thread in {message.thread, message.id}

    def _addresses(self, message: Message, user: str) -> bool:
        return message.user != user and bool(self._people[user].named_in(message.text))


def _tie(ties: _Ties, wanted: frozenset[str], tokenize: Tokenize, message: Message, behind: int) -> float:
    words = frozenset(tokenize(message.text))
    shared = len(words & wanted) / math.sqrt(len(words) * len(wanted)) if words and wanted else 0.0
    tie = ties.with_author_of(message) * math.exp(-behind / FAR)
    return tie + WORDS * shared + THREAD * ties.same_thread(message)


def _people(messages: Sequence[Message]) -> dict[str, People]:
    """Everyone who speaks, each by themselves, to be looked for in texts."""
    people: dict[str, People] = {}
    for message in messages:
        people.setdefault(message.user, People()).add(message.user)
    return people

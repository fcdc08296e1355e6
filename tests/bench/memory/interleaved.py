"""The live talk: several conversations run through one channel at once, and the same people take part in several.

Sessions of the given conversations are cut out, cast anew with a few people (their names in the texts too, so that who
is spoken to stays right), and mixed in time. From each of many messages is asked: which of the earlier ones belong to
its conversation? It is a made-up mixture of real talk: good for comparing methods, no proof of any of them.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import fmean

from bot.memory.conversation import LOOKED_BACK, talk_around
from bot.memory.tokens import Tokenizer
from bot.models import Message
from tests.bench.memory.cases import Conversation

PEOPLE = ("Ana", "Ben", "Cho", "Dan", "Eva", "Finn")
AT_ONCE = 4
"""Conversations that run at the same time."""
LONGEST_GAP_S = 90
PAUSE = timedelta(hours=1)
SHOWN = 10
EVERY = 5
START = datetime(2026, 3, 3, 9, tzinfo=UTC)

Order = Callable[[Message, Sequence[Message]], Sequence[Message]]
"""A message and the earlier ones, oldest first → those that may belong to it, surest first."""


@dataclass(frozen=True)
class Said:
    """A message of the mixture, and the conversation that it came from."""

    message: Message
    session: int


def mixture(talks: Sequence[Conversation], *, seed: int = 7) -> list[Said]:
    """All sessions, several at a time, in one channel."""
    chance = random.Random(seed)  # noqa: S311 - made-up talk, the same in every run
    sessions = [session for talk in talks for session in _sessions(talk)]
    chance.shuffle(sessions)
    free_at = [START + timedelta(seconds=60 * lane) for lane in range(AT_ONCE)]
    mixed: list[Said] = []
    for number, session in enumerate(sessions):
        lane = min(range(AT_ONCE), key=lambda each: free_at[each])
        recast = _cast(session, chance)
        for place, message in enumerate(session):
            free_at[lane] += timedelta(seconds=chance.uniform(5, LONGEST_GAP_S))
            mixed.append(Said(_said(f"{number}.{place}", recast(message), free_at[lane]), number))
    return sorted(mixed, key=lambda said: said.message.sent_at)


def measure(talks: Sequence[Conversation]) -> list[list[str]]:
    """One row for each method: the share of a conversation's last messages that it finds in ten."""
    mixed = mixture(talks)
    tokenize = Tokenizer()
    methods: dict[str, Order] = {
        "last K": lambda _, earlier: earlier[::-1],
        "wording alone": lambda call, earlier: _by_words(call, earlier, tokenize),
        "memory": lambda call, earlier: [each.message for each in talk_around(call, earlier, tokenize)],
    }
    return [[name, f"{_found(mixed, order):.3f}"] for name, order in methods.items()]


def _found(mixed: Sequence[Said], order: Order) -> float:
    shares: list[float] = []
    for place in range(LOOKED_BACK, len(mixed), EVERY):
        said, earlier = mixed[place], mixed[place - LOOKED_BACK : place]
        own = [other.message.id for other in earlier if other.session == said.session][-SHOWN:]
        if own:
            ranked = order(said.message, [other.message for other in earlier])[:SHOWN]
            shares.append(len({message.id for message in ranked} & set(own)) / len(own))
    return fmean(shares)


def _by_words(call: Message, earlier: Sequence[Message], tokenize: Callable[[str], list[str]]) -> list[Message]:
    wanted = set(tokenize(call.text))
    newest_first = list(earlier[::-1])
    return sorted(newest_first, key=lambda message: -len(wanted & set(tokenize(message.text))))


def _sessions(talk: Conversation) -> list[list[Message]]:
    ordered = sorted(talk.messages, key=lambda message: message.sent_at)
    sessions: list[list[Message]] = []
    for before, message in zip([None, *ordered], ordered, strict=False):
        if before is None or message.sent_at - before.sent_at > PAUSE:
            sessions.append([])
        sessions[-1].append(message)
    return sessions


def _cast(session: Sequence[Message], chance: random.Random) -> Callable[[Message], tuple[str, str]]:
    """New names for the speakers of a session, in what they say too."""
    speakers = list(dict.fromkeys(message.user for message in session))
    roles = dict(zip(speakers, chance.sample(PEOPLE, len(speakers)), strict=True))
    named = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in speakers))

    def recast(message: Message) -> tuple[str, str]:
        return roles[message.user], named.sub(lambda found: roles[found[0]], message.text)

    return recast


def _said(name: str, cast: tuple[str, str], at: datetime) -> Message:
    user, text = cast
    return Message(id=name, channel="mixed", user=user, text=text, sent_at=at)

"""The talks that the nearest lines belong to, brought whole: how it ended is said below what was found."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

from bot.memory.conversation import talk_of
from bot.memory.question import BEARS, Key, Question
from bot.memory.reserved import LEARNED
from bot.memory.tokens import Tokenizer
from bot.models import Message, Recalled

Find = Callable[[Question, int], Awaitable[list[Recalled]]]
SCORE_KEPT = {"wording": 0.2, "conversation": 0.5}
"""Lines that score less than this share of the best are not worth their tokens, the less so if only those around them
speak of the matter."""
WHOLE_TALKS = 3
"""Talks that are brought whole, because one of their lines is among the nearest: how it ended is said below it."""
TALK_LASTS, TALK_LINES = timedelta(hours=2), 5
"""How far a talk in the main flow is looked for, and so many of its other lines are brought."""
THREAD_LASTS = timedelta(days=2)
NEAREST = 0.4
"""A line among the nearest scores at least this share of the best."""
TALK_LOOKED_AT = 150


def bearing(found: Sequence[Recalled]) -> list[Recalled]:
    """Without what has nothing to do with the question: an honest "nothing" is worth more than the nearest noise."""
    return [recalled for recalled in found if recalled.covers >= BEARS]


def worthwhile(found: Sequence[Recalled]) -> list[Recalled]:
    """Without what scores too little beside the best."""
    best = max((recalled.score for recalled in found), default=0.0)
    return [each for each in found if each.score >= SCORE_KEPT.get(each.why, SCORE_KEPT["wording"]) * best > 0]


async def with_whole_talks(find: Find, about: Sequence[Recalled], *, longest: int | None = None) -> list[Recalled]:
    """The talks of the nearest lines, each whole where its best line stood; then all else as it was.

    What merely stands beside a line, and belongs to no such talk, is left out. Of a talk at most the `longest` lines
    around the one that was found are brought.
    """
    best = max((recalled.score for recalled in about), default=0.0)
    near = [each for each in about if each.score >= NEAREST * best > 0]
    talks: dict[Key, list[Recalled]] = {}
    brought: set[Key] = set()
    for head in near:
        if len(talks) < WHOLE_TALKS and key_of(head) not in brought and head.message.channel not in LEARNED:
            talk = await _talk_of(find, head)
            if len(talk) > 1:
                talks[key_of(head)] = _around(head, talk, longest)
                brought |= {key_of(each) for each in talk}
    tied = [each for each in about if each.why != "conversation" or key_of(each) in brought]
    told = [each for recalled in tied for each in talks.get(key_of(recalled), [recalled])]
    once: dict[Key, Recalled] = {}
    for each in told:
        once.setdefault(key_of(each), each)
    return list(once.values())


def key_of(recalled: Recalled) -> Key:
    """Its channel and id."""
    return recalled.message.channel, recalled.id


async def _talk_of(find: Find, head: Recalled) -> list[Recalled]:
    """The talk of a line in the order in which it was said; each of its lines counts as much as that one."""
    message = head.message
    lasts = THREAD_LASTS if message.thread else TALK_LASTS
    around = Question("", channel=message.channel, since=message.sent_at - lasts, until=message.sent_at + lasts)
    found = {each.id: each.message for each in await find(around, TALK_LOOKED_AT)} | {message.id: message}
    said = sorted(found.values(), key=lambda each: each.sent_at)  # in a busy channel, too many may come after the line
    talk = [each for each in said if _thread(each) == _thread(message)]
    if len(talk) < 2:
        talk = talk_of(message, [each for each in said if not each.thread], Tokenizer(), most=TALK_LINES)
    return [head.model_copy(update={"message": each, "why": "thread"}) for each in talk]


def _around(head: Recalled, talk: list[Recalled], longest: int | None) -> list[Recalled]:
    """The lines nearest to the head, the later ones first: they say how it went on."""
    if longest is None or len(talk) <= longest:
        return talk
    place = next(number for number, each in enumerate(talk) if each.id == head.id)
    first = max(0, min(place - longest // 3, len(talk) - longest))
    return talk[first : first + longest]


def _thread(message: Message) -> Key:
    return message.channel, message.thread or message.id

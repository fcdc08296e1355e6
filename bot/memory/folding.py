"""What need not be read twice: near-duplicates, and statements that a later one made old."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.memory.reserved import TAUGHT, home_of
from bot.memory.roles import ROLLED_BACK, section_of
from bot.memory.tokens import STOP_WORDS
from bot.models import Message, Recalled

DUPLICATE_SHARE = 0.85
"""Jaccard similarity of the words from which two statements count as one."""
UNDOING_WITHIN = timedelta(hours=24)
CORRECTED_WORDS, CORRECTED_SHARE = 2, 0.4
"""Words that a statement shares with a correction made in its channel, from which it is taken for corrected too."""
_WORD = re.compile(r"[A-Za-z_][\w/.-]*\w|[\u3400-\u9fff]{2}")
_UNDONE = re.compile(
    rf"""
    \b(?: {ROLLED_BACK} | revert(?:ed)? | undone | undid | back[ ]to[ ]normal | resolved | recovered | fixed
    | no[ ]longer | not[ ](?:the|a)[ ](?:cause|problem|issue) | false[ ]alarm | correction | turned[ ]out | was[ ]wrong
    | ignore[ ](?:that|my) | scratch[ ]that | superseded | re-?enabled | cancel(?:l?ed) | aborted )\b
    | 回滚 | 撤销 | 恢复正常 | 已恢复 | 误报 | 更正 | 说错了 | 不是这个原因 | 已修复 | 取消""",
    re.IGNORECASE | re.VERBOSE,
)
_FIGURE = re.compile(r"\d+(?:[.,:]\d+)*")
_DENIAL = re.compile(r"\b(?:not|no|never|none|without|cannot)\b|n['’]t\b|[不没无未]", re.IGNORECASE)
_TAKEN_BACK = re.compile(rf"\b(?:{ROLLED_BACK}|revert(?:ed)?|undid)\b|回滚|撤销", re.IGNORECASE)


def fold(found: Iterable[Recalled]) -> list[Recalled]:
    """What was found, without statements that say what a better one says already.

    The same with other figures (an alert, a load) is told by the latest, and where people differ by the best as well.
    Every lesson is told that has other figures, and every denial: contradictions are shown.
    """
    kept: list[Recalled] = []
    shapes: list[_Shape] = []
    for recalled in found:
        shape = _shape(recalled.message)
        alike = [place for place, other in enumerate(shapes) if _alike(shape, other)]
        if not alike or _contradicts(shape, [shapes[place] for place in alike]):
            kept.append(recalled)
            shapes.append(shape)
        elif recalled.message.sent_at > kept[alike[-1]].message.sent_at and shape.figures != shapes[alike[-1]].figures:
            kept[alike[-1]] = kept[alike[-1]].model_copy(update={"message": recalled.message})
            shapes[alike[-1]] = shape
    return kept


@dataclass(frozen=True)
class _Shape:
    """What makes two statements the same."""

    words: frozenset[str]
    figures: frozenset[str]
    denies: bool
    lesson: bool
    who: str


def _shape(message: Message) -> _Shape:
    return _Shape(
        words=_words(message.text),
        figures=frozenset(_FIGURE.findall(message.text)),
        denies=bool(_DENIAL.search(message.text)),
        lesson=message.channel == TAUGHT,
        who=message.user,
    )


def _alike(one: _Shape, other: _Shape) -> bool:
    return one.denies == other.denies and _overlap(one.words, other.words) >= DUPLICATE_SHARE


def _contradicts(shape: _Shape, told: Sequence[_Shape]) -> bool:
    """Whether other figures are another statement: one more that differs is enough, of lessons every one."""
    if any(shape.figures == other.figures for other in told):
        return False
    return shape.lesson or (len(told) == 1 and shape.who != told[0].who)


def demote_repetitions(found: Sequence[Recalled]) -> list[Recalled]:
    """The same, in the same order, but what repeats the words of a better one comes last."""
    seen: set[tuple[str, ...]] = set()
    first: list[Recalled] = []
    again: list[Recalled] = []
    for recalled in found:
        words = tuple(recalled.message.text.casefold().split())
        (again if words in seen else first).append(recalled)
        seen.add(words)
    return first + again


def marked(found: Sequence[Recalled], among: Sequence[Recalled]) -> list[Recalled]:
    """The same, each with the later statement that took it back, if there is one among those."""
    others = [recalled.message for recalled in among]
    ending = [other for other in others if other.channel == TAUGHT or _UNDONE.search(other.text)]
    return [one.model_copy(update={"superseded_by": told_later(one.message, ending)}) for one in found]


def told_later(message: Message, others: Sequence[Message]) -> str | None:
    """When, by whom and how a later statement took this one back."""
    later = undoing(message, others)
    return f"{later.sent_at:%Y-%m-%d %H:%M} UTC {later.user}: {later.text}" if later else None


def undoing(message: Message, others: Sequence[Message]) -> Message | None:
    """The first later statement of the same channel that takes this one back or ends it."""
    if _UNDONE.search(message.text):
        return None
    later = sorted((other for other in others if _follows(other, message)), key=lambda other: other.sent_at)
    return next((other for other in later if _same_matter(message, other)), None)


def _follows(other: Message, message: Message) -> bool:
    if other.channel == TAUGHT and other.thread is not None:  # a person has said that it proves something wrong
        same_place = other.thread == message.id or home_of(other) == home_of(message)
        return same_place and other.sent_at > message.sent_at
    near = timedelta(0) < other.sent_at - message.sent_at <= UNDOING_WITHIN
    return near and other.channel == message.channel and bool(_UNDONE.search(other.text))


def _same_matter(message: Message, other: Message) -> bool:
    if other.thread == message.id:
        return True
    words, others = _words(message.text), _words(other.text)
    shared = words & others
    if other.channel == TAUGHT:
        return len(shared) >= CORRECTED_WORDS and len(shared) >= CORRECTED_SHARE * min(len(words), len(others))
    if message.thread is not None and message.thread == other.thread:
        return True
    needed = 1 if _TAKEN_BACK.search(other.text) and section_of(message.text) == "changed" else 2
    return len(shared) >= needed or any(re.search(r"[_\d/-]", word) for word in shared)


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(text.casefold()) if word not in STOP_WORDS)


def _overlap(words: frozenset[str], others: frozenset[str]) -> float:
    return len(words & others) / len(words | others) if words and others else 0.0

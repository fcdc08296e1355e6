"""What need not be read twice: near-duplicates, and statements that a later one made old."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.memory.reserved import TAUGHT
from bot.memory.roles import section_of
from bot.memory.tokens import STOP_WORDS
from bot.models import Message, Recalled

DUPLICATE_SHARE = 0.85
"""Jaccard similarity of the words from which two statements count as one."""
UNDOING_WITHIN = timedelta(hours=24)
_WORD = re.compile(r"[A-Za-z_][\w/.-]*\w|[\u3400-\u9fff]{2}")
_UNDONE = re.compile(
    r"""
    \b(?: roll(?:ed|ing)?[ ]?back | revert(?:ed)? | undone | undid | back[ ]to[ ]normal | resolved | recovered | fixed
    | no[ ]longer | not[ ](?:the|a)[ ](?:cause|problem|issue) | false[ ]alarm | correction | turned[ ]out | was[ ]wrong
    | ignore[ ](?:that|my) | scratch[ ]that | superseded | re-?enabled | cancel(?:l?ed) | aborted )\b
    | 回滚 | 撤销 | 恢复正常 | 已恢复 | 误报 | 更正 | 说错了 | 不是这个原因 | 已修复 | 取消""",
    re.IGNORECASE | re.VERBOSE,
)
_TAKEN_BACK = re.compile(r"\b(?:roll(?:ed|ing)? ?back|revert(?:ed)?|undid)\b|回滚|撤销", re.IGNORECASE)


def fold(found: Iterable[Recalled]) -> list[Recalled]:
    """What was found, without statements that say what a better one says already, numbers aside."""
    kept: list[Recalled] = []
    shapes: list[frozenset[str]] = []
    for recalled in found:
        words = _words(recalled.message.text)
        if not any(_overlap(words, other) >= DUPLICATE_SHARE for other in shapes):
            kept.append(recalled)
            shapes.append(words)
    return kept


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


def undoing(message: Message, others: Sequence[Message]) -> Message | None:
    """The first later statement of the same channel that takes this one back or ends it."""
    if _UNDONE.search(message.text):
        return None
    later = sorted((other for other in others if _follows(other, message)), key=lambda other: other.sent_at)
    return next((other for other in later if _same_matter(message, other)), None)


def _follows(other: Message, message: Message) -> bool:
    if other.channel == TAUGHT and other.thread == message.id:  # a person has said that it proves this wrong
        return other.sent_at > message.sent_at
    near = timedelta(0) < other.sent_at - message.sent_at <= UNDOING_WITHIN
    return near and other.channel == message.channel and bool(_UNDONE.search(other.text))


def _same_matter(message: Message, other: Message) -> bool:
    if message.thread is not None and message.thread == other.thread:
        return True
    if other.thread == message.id:
        return True
    shared = _words(message.text) & _words(other.text)
    needed = 1 if _TAKEN_BACK.search(other.text) and section_of(message.text) == "changed" else 2
    return len(shared) >= needed or any(re.search(r"[_\d/-]", word) for word in shared)


def _words(text: str) -> frozenset[str]:
    return frozenset(word for word in _WORD.findall(text.casefold()) if word not in STOP_WORDS)


def _overlap(words: frozenset[str], others: frozenset[str]) -> float:
    return len(words & others) / len(words | others) if words and others else 0.0

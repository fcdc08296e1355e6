"""Of a long message the passage that bears on a question: a pasted log would fill a budget, or never fit it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from bot.memory.tokens import Tokenizer

LONGEST_PASSAGE = 400
"""Characters: as much of one message as an answer in a channel quotes."""
_BEFORE, _AFTER = "… ", " …"
_SENTENCE = re.compile(r".+?(?:\n+|(?<=[.!?])\s+|(?<=[。！？；])|$)", re.DOTALL)


def passage(text: str, question: str, tokenize: Tokenizer, *, longest: int = LONGEST_PASSAGE) -> str:
    """The text if it is short; else the neighbouring sentences that hold most of the question's words, rare ones first.

    Of several that hold the same the one in the middle, so that there is something before and after the words; where
    nothing of the question is in it, the beginning.
    """
    if len(text) <= longest:
        return text
    room = longest - len(_BEFORE + _AFTER)
    sentences = [piece for sentence in _SENTENCE.findall(text) for piece in _pieces(sentence, room // 3)]
    first, last = _best(sentences, room, frozenset(tokenize(question)), tokenize)
    said = "".join(sentences[first:last]).strip()
    return f"{_BEFORE if first else ''}{said}{_AFTER if last < len(sentences) else ''}"


def _best(sentences: Sequence[str], room: int, asked: frozenset[str], tokenize: Tokenizer) -> tuple[int, int]:
    """The first sentence of the best stretch, and the one behind it."""
    held = [asked.intersection(tokenize(sentence)) for sentence in sentences]
    often = Counter(term for terms in held for term in terms)
    stretches = [(first, _end(sentences, first, room)) for first in range(len(sentences))]
    worth = [
        round(sum(1 / often[term] for term in frozenset[str]().union(*held[first:last])), 6)
        for first, last in stretches
    ]
    best = max(worth)
    if not best:
        return stretches[0]
    equal = [stretch for stretch, value in zip(stretches, worth, strict=True) if value == best]
    return equal[len(equal) // 2]


def _end(sentences: Sequence[str], first: int, room: int) -> int:
    """How far a stretch reaches that begins there and fits the room."""
    last, length = first, 0
    while last < len(sentences) and length + len(sentences[last]) <= room:
        length += len(sentences[last])
        last += 1
    return last


def _pieces(sentence: str, longest: int) -> Iterator[str]:
    """A sentence in pieces of bearable length, cut between words where it can be."""
    while len(sentence) > longest:
        place = sentence.rfind(" ", longest // 2, longest) + 1 or longest
        yield sentence[:place]
        sentence = sentence[place:]
    yield sentence

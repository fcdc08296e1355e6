"""What a person who asks in a channel is told: what was learned anywhere, and what was said there, talk by talk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.memory.budget import within
from bot.memory.folding import fold, marked
from bot.memory.passage import LONGEST_PASSAGE, passage
from bot.memory.question import Question
from bot.memory.reserved import LEARNED
from bot.memory.talks import Find, bearing, with_whole_talks, worthwhile
from bot.memory.tokens import Tokenizer
from bot.models import Recalled

LOOKED_AT, LESSONS = 150, 3
LONGEST_TALK = 7
"""Lines of one talk; its link leads to the rest."""


async def look_back(find: Find, question: Question, *, limit: int, budget_tokens: int) -> list[Recalled]:
    """Best first; nothing where nothing bears on the question."""
    learned = bearing(await find(replace(question, channel=None, within=LEARNED, asked_in=question.channel), LESSONS))
    said = bearing(await find(question, LOOKED_AT))
    talks = await with_whole_talks(find, said, longest=LONGEST_TALK)
    told = fold([*_worth_telling(learned), *_worth_telling(talks)])
    chosen = marked(within(told, limit, budget_tokens, longest=LONGEST_PASSAGE), [*learned, *said])
    return await asyncio.to_thread(_passages, chosen, question.text)


def _passages(found: Sequence[Recalled], question: str) -> list[Recalled]:
    """The same, of long ones what bears on the question."""
    tokenize = Tokenizer()
    return [
        each.model_copy(
            update={"message": each.message.model_copy(update={"text": passage(each.message.text, question, tokenize)})}
        )
        for each in found
    ]


def _worth_telling(found: Sequence[Recalled]) -> list[Recalled]:
    """What is near; all of it, where only a time was asked for."""
    return worthwhile(found) if any(recalled.score > 0 for recalled in found) else list(found)

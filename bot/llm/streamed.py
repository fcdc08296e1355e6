"""Sentences of an answer as they come in: what is complete is handed on, what is half is not."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable

from pydantic import ValidationError

from bot.llm.honesty import Claim
from bot.llm.typed import unmasked
from bot.llm.written import without_thoughts
from bot.masking import Mask

_BEGIN = re.compile(r'"claims"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_DECODER = json.JSONDecoder()


class Claims:
    """Hears the pieces of an answer, and tells all claims that are complete whenever there is one more."""

    def __init__(self, mask: Mask, tell: Callable[[tuple[Claim, ...]], Awaitable[None]]) -> None:
        self._mask = mask
        self._tell = tell
        self._text = ""
        self._told = 0

    async def hear(self, piece: str) -> None:
        """One more piece of the text."""
        self._text += piece
        complete = claims_in(self._text, self._mask)
        if len(complete) > self._told:
            self._told = len(complete)
            await self._tell(tuple(complete))


def claims_in(text: str, mask: Mask) -> list[Claim]:
    """The complete claims of an answer that is not complete."""
    text = without_thoughts(text)
    begun = _BEGIN.search(text)
    found: list[Claim] = []
    place = begun.end() if begun else len(text)
    while place < len(text):
        between = _BETWEEN.match(text, place)
        try:
            value, place = _DECODER.raw_decode(text, between.end() if between else place)
            found.append(Claim.model_validate(unmasked(value, mask)))
        except (ValueError, ValidationError, RecursionError):
            break
    return found

"""A model with a character, for tests that are about what its answers may do."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.llm.chat import ChatReply, ChatRequest, OnText, Spender, ToolCall, Usage
from tests.characters import Character, heard

PIECE = 9
"""Characters of an answer that come in at a time."""


class Speaking:
    """Answers as its character does. Implements `bot.llm.chat.Model`."""

    def __init__(self, character: Character) -> None:
        self.character = character
        self.requests: list[dict[str, Any]] = []
        self._numbers = itertools.count()

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """The character's answer, piece by piece where somebody listens."""
        body = {
            "messages": [{"role": said.role, "content": said.text} for said in request.said],
            "tools": [{"function": {"name": tool.name}} for tool in request.tools],
            "spender": spender.incident,
        }
        self.requests.append(body)
        reply = self.character(heard(body))
        for at in range(0, len(reply.text), PIECE):
            if on_text:
                await on_text(reply.text[at : at + PIECE])
                await asyncio.sleep(0)
        calls = tuple(ToolCall(id=f"c{next(self._numbers)}", name=name, arguments=said) for name, said in reply.calls)
        usage = Usage(prompt=sum(len(said.text) for said in request.said) // 4, completion=len(reply.text) // 4)
        return ChatReply(text=reply.text, calls=calls, usage=usage, model="speaking")


@asynccontextmanager
async def speaking(character: Character) -> AsyncIterator[Speaking]:
    """A model with that character."""
    yield Speaking(character)

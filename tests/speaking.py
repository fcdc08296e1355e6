"""A model with a character behind a real socket, for tests that are about what its answers may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bot.errors import ModelUnavailable, SourceUnavailable
from bot.llm.chat import ChatReply, ChatRequest, OnText, Spender
from bot.llm.client import ChatClient
from tests.characters import Character, heard
from tests.servers.model import Answer, Json, Says, ScriptedModel, served


class Speaking:
    """Asks the server, without budgets and without a second model. Implements `bot.llm.chat.Model`."""

    def __init__(self, server: ScriptedModel, client: ChatClient) -> None:
        self.server = server
        self._client = client

    @property
    def requests(self) -> list[dict[str, Any]]:
        """What the server was asked."""
        return self.server.asked

    async def ask(self, request: ChatRequest, spender: Spender, *, on_text: OnText | None = None) -> ChatReply:
        """The character's answer."""
        try:
            return await self._client.ask(request, "scripted", on_text=on_text)
        except SourceUnavailable as failure:
            raise ModelUnavailable(f"{failure} (for {spender.incident})") from failure


def playing(character: Character) -> ScriptedModel:
    """A server that answers as the character does."""

    def script(body: Json) -> Answer:
        reply = character(heard(body))
        return Says(reply.text, reply.calls)

    return ScriptedModel(script)


@asynccontextmanager
async def speaking(character: Character) -> AsyncIterator[Speaking]:
    """A model with that character."""
    with served(playing(character)) as server:
        async with ChatClient(server.settings()) as client:
            yield Speaking(server, client)

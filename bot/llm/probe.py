"""Whether the models of the settings answer, for the doctor."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

from bot.errors import SourceUnavailable
from bot.llm.chat import ChatReply, ChatRequest, Said
from bot.llm.client import ChatClient
from bot.settings.model import ModelServer, ModelSettings

QUESTION = ChatRequest(
    role="answer",
    said=(Said(role="user", text="Reply with the word OK and nothing else."),),
    max_tokens=200,
)
"""Asked with the room for thoughts that the settings give, as every question is."""
THOUGHTS = 60
"""Tokens beyond which one word was thought about first."""
ROOM = "Set {variable}, such as 4000: without it, thoughts take the room of the answers."


class Probed(NamedTuple):
    """What came of a short question to a model."""

    name: str
    state: Literal["ok", "note", "wrong"]
    said: str
    mend: str = ""


async def probed(settings: ModelSettings) -> AsyncIterator[Probed]:
    """Each model, in the order in which they are asked."""
    own: list[tuple[ModelServer, str, str]] = [(settings, name, "NIGHTDESK_MODEL") for name in _names(settings)]
    if settings.fallback:
        own.append((settings.fallback, settings.fallback.name, "NIGHTDESK_MODEL__FALLBACK"))
    for server, name, section in own:
        async with ChatClient(server) as client:
            yield await _asked(client, server, name, ROOM.format(variable=f"{section}__THINKING_TOKENS"))


async def _asked(client: ChatClient, server: ModelServer, name: str, room: str) -> Probed:
    question = QUESTION.model_copy(update={"max_tokens": QUESTION.max_tokens + server.thinking_tokens})
    begun = time.monotonic()
    try:
        reply = await client.ask(question, name)
    except SourceUnavailable as failure:
        return Probed(name, "wrong", str(failure))
    if not reply.text.strip():
        return _without_words(reply, question, server, name, room)
    said = f"answers in {time.monotonic() - begun:.1f} s at {server.url}"
    if not server.thinking_tokens and reply.usage.completion > THOUGHTS:
        return Probed(name, "note", f"{said}; it thought about one word for {reply.usage.completion} tokens", room)
    return Probed(name, "ok", said)


def _without_words(reply: ChatReply, question: ChatRequest, server: ModelServer, name: str, room: str) -> Probed:
    if reply.complete:
        return Probed(name, "wrong", f"answers without a word at {server.url}", "Name a model that is made for chat.")
    said = f"came to no answer within {question.max_tokens:,} tokens at {server.url}"
    return Probed(name, "wrong", said, room)


def _names(settings: ModelSettings) -> list[str]:
    return list(dict.fromkeys([settings.name, *settings.roles.values()]))

"""Whether the models of the settings answer, for the doctor."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

from bot.errors import SourceUnavailable
from bot.llm.chat import ChatRequest, Said
from bot.llm.client import ChatClient
from bot.settings.model import ModelServer, ModelSettings

QUESTION = ChatRequest(
    role="answer",
    said=(Said(role="user", text="Reply with the word OK and nothing else."),),
    max_tokens=200,  # some models think before they say two letters
)


async def probed(settings: ModelSettings) -> AsyncIterator[tuple[str, str, bool]]:
    """Each model: its name, what came of a short question, and whether it answered."""
    own: list[tuple[ModelServer, str]] = [(settings, name) for name in _names(settings)]
    if settings.fallback:
        own.append((settings.fallback, settings.fallback.name))
    for server, name in own:
        async with ChatClient(server) as client:
            begun = time.monotonic()
            try:
                await client.ask(QUESTION, name)
            except SourceUnavailable as failure:
                yield name, str(failure), False
                continue
            yield name, f"answers in {time.monotonic() - begun:.1f} s at {server.url}", True


def _names(settings: ModelSettings) -> list[str]:
    return list(dict.fromkeys([settings.name, *settings.roles.values()]))

"""The methods of the Web API, by name."""

from __future__ import annotations

from bot.demo.workspace.methods import chat, conversations, directory, files, reactions, streams, views
from bot.demo.workspace.methods.call import Method

METHODS: dict[str, Method] = {
    **chat.METHODS,
    **conversations.METHODS,
    **directory.METHODS,
    **files.METHODS,
    **reactions.METHODS,
    **streams.METHODS,
    **views.METHODS,
}

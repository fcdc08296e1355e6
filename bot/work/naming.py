"""People by the names that they are called by, where the record has ids."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from bot.models import Message

Names = Callable[[Iterable[str]], Awaitable[Mapping[str, str]]]
"""Display names for user ids."""
_USER = re.compile(r"(?P<at>@|(?<= UTC ))(?P<user>[UW][A-Z0-9]{2,20})\b")
"""Whom a text mentions, and who said what came later (`told_later`)."""


async def by_name(messages: Sequence[Message], names: Names) -> list[Message]:
    """The messages, with names in place of the ids of who wrote them and of whom they mention."""
    known = await names(mentioned(message.text for message in messages) | {message.user for message in messages})
    return [renamed(message, known) for message in messages]


def mentioned(texts: Iterable[str]) -> set[str]:
    """The ids of those whom the texts mention."""
    return {match["user"] for text in texts for match in _USER.finditer(text)}


def renamed(message: Message, names: Mapping[str, str]) -> Message:
    """With the names that are known; others keep their ids."""
    return message.model_copy(
        update={"user": names.get(message.user, message.user), "text": with_names(message.text, names)}
    )


def with_names(text: str, names: Mapping[str, str]) -> str:
    """The text, naming those whom it mentions."""
    return _USER.sub(lambda found: found["at"] + names.get(found["user"], found["user"]), text)

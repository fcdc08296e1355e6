"""What memory tells a person who asks in a channel, with names in place of user ids."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.memory import MemoryManager
from bot.memory.reserved import INCIDENTS, KNOWLEDGE, TAUGHT
from bot.models import BriefLine, Recalled
from bot.slack.blocks import Post
from bot.slack.views import recollection as view
from bot.work.naming import Names, mentioned, renamed, with_names

TOLD_TOKENS, MOST_TOLD = 600, 10
BRIEF_TOKENS, MOST_BRIEFED = 900, 12
"""How much answers a question, and how much is a brief."""
WRITERS = 40
"""People of a channel whose names a question may use."""
SURELY_A_NAME = 4
"""Letters; a shorter one ('al', 'may') is a name only with a capital."""
SECTIONS = {TAUGHT: "taught", INCIDENTS: "incidents", KNOWLEDGE: "runbooks"}
"""Channels of what was learned, as the answer calls them."""


class Recollection:
    """Asks memory as people ask: they say 'Aiko' where memory knows an id."""

    def __init__(self, memory: MemoryManager, names: Names) -> None:
        self._memory = memory
        self._names = names

    async def about(self, text: str, channel: str, *, asked_in: str = "") -> list[Recalled]:
        """What was said here and what was learned anywhere: talk of other channels stays there.

        `asked_in` is the id of the message that asks: it is no answer to itself.
        """
        return _without(asked_in, await self._found(text, channel, MOST_TOLD, TOLD_TOKENS))

    async def brief(self, wish: str, channel: str, *, asked_in: str = "") -> Post | None:
        """The latest of the channel, or of the time that the wish names, or what is near to its words."""
        found = _without(asked_in, await self._found(wish, channel, MOST_BRIEFED, BRIEF_TOKENS))
        return told(found) if found else None

    async def _found(self, text: str, channel: str, limit: int, budget_tokens: int) -> list[Recalled]:
        asked = await self._with_ids(text, channel)
        found = await self._memory.look_back(asked, channel=channel, limit=limit, budget_tokens=budget_tokens)
        return await self._in_names(found)

    async def _with_ids(self, text: str, channel: str) -> str:
        """The question, with the ids of the people whom it names."""
        if not text.strip():
            return text
        names = await self._names(await self._memory.writers(channel, most=WRITERS))
        return " ".join([text, *(f"@{user}" for user, name in names.items() if _names(text, name))])

    async def _in_names(self, found: Sequence[Recalled]) -> list[Recalled]:
        texts = (text for each in found for text in (each.message.text, each.superseded_by or ""))
        names = await self._names(mentioned(texts) | {each.message.user for each in found})
        return [_renamed(each, names) for each in found]


def told(found: Sequence[Recalled]) -> Post:
    """The answer, in the order in which it was said."""
    return view.recollection([_line(each) for each in sorted(found, key=lambda each: each.message.sent_at)])


def _line(recalled: Recalled) -> BriefLine:
    message = recalled.message
    return BriefLine(
        text=message.text,
        user=message.user,
        said_at=message.sent_at,
        section=SECTIONS.get(message.channel, "said"),
        permalink=message.permalink,
        superseded_by=recalled.superseded_by,
    )


def _without(message_id: str, found: list[Recalled]) -> list[Recalled]:
    return [recalled for recalled in found if recalled.id != message_id]


def _names(text: str, name: str) -> bool:
    """Whether the text names somebody: by the whole name, or by one of its words."""
    return any(
        re.search(rf"(?<!\w){re.escape(part)}(?!\w)", text, re.IGNORECASE if len(part) >= SURELY_A_NAME else 0)
        for word in {name, *name.split()}
        for part in {word, word.capitalize()}
        if part[:1].isupper() or len(part) >= SURELY_A_NAME or not part.isascii()
    )


def _renamed(recalled: Recalled, names: Mapping[str, str]) -> Recalled:
    later = recalled.superseded_by and with_names(recalled.superseded_by, names)
    return recalled.model_copy(update={"message": renamed(recalled.message, names), "superseded_by": later})

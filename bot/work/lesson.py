"""What a person teaches when they speak to the bot: 'remember: …', 'that was wrong because …'."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.memory import MemoryManager
from bot.models import Message

_REMEMBER = re.compile(
    r"(?:please\s+|请)?(?:remember|记住)\s*(?:[:：,，]|\bthat\b(?!.*[?？]\s*$))\s*(?P<lesson>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_CORRECTION = re.compile(
    r"(?:(?:no|sorry|actually|correction)\b[\s:,;.–-]{0,3}){0,2}"
    r"(?:(?:that|this|it)(?: (?:was|is)|['’]s) (?:wrong|not (?:right|true|correct))\b"
    r"|(?:这个?|那个?|刚才)?(?:不对|说错了|错了|是错的)(?=[\s：:，,；;。]|因为))"
    r"[\s：:，,；;。.–-]{0,3}(?:because\b|因为)?\s*(?P<lesson>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_MENTION = re.compile(r"\s*@[UW][A-Z0-9]{2,20}\s*")


@dataclass(frozen=True)
class Lesson:
    """Words worth keeping."""

    text: str
    corrects: bool = False
    """Whether they say that something else was wrong."""


def lesson_in(text: str) -> Lesson | None:
    """The lesson that words to the bot are, with or without its mention before them."""
    words = _MENTION.sub("", text, count=1) if _MENTION.match(text) else text
    if found := _REMEMBER.fullmatch(words.strip()):
        return Lesson(found["lesson"].strip())
    if found := _CORRECTION.fullmatch(words.strip()):
        return Lesson(found["lesson"].strip(), corrects=True)
    return None


async def relearn(memory: MemoryManager, message: Message) -> None:
    """The message now says this, and so does what was taught by it."""
    taught = lesson_in(message.text) if message.to_bot else None
    await memory.edit(message, lesson=taught.text if taught else None)

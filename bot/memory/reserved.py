"""Channels that no chat has: what the bot itself learned. Slack's ids never start with '#'."""

from __future__ import annotations

from bot.models import Message

INCIDENTS = "#incidents"
"""One statement for each closed incident."""
TAUGHT = "#taught"
"""What people told the bot to remember."""
KNOWLEDGE = "#knowledge"
"""Chunks of the private knowledge folder."""
LEARNED = frozenset({INCIDENTS, TAUGHT, KNOWLEDGE})


def lesson_id(channel: str, message_id: str) -> str:
    """Under which id of `TAUGHT` the lesson that was taught by a message is kept: they are forgotten together."""
    return f"{channel}:{message_id}"


def home_of(message: Message) -> str:
    """The channel in which it was said; of a lesson the one in which it was taught."""
    return message.id.partition(":")[0] if message.channel == TAUGHT else message.channel

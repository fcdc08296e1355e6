"""`/nightdesk forget …`: people have a right to be forgotten, and a leaked secret must be gone at once."""

from __future__ import annotations

import re

import structlog

from bot.memory import MemoryManager
from bot.plural import many
from bot.slack.desk import Command
from bot.slack.text import escape, person
from bot.work.channel_rule import MayDecide
from bot.work.retention import Retention
from bot.work.timezone import Timezone

log = structlog.get_logger(__name__)

USAGE = (
    "Say what to forget: `forget message LINK` (the link is in the menu of the message), `forget me`, "
    "`forget @person`, or `forget channel`. Anybody may have their own messages forgotten; the rest is for approvers. "
    "What is forgotten is gone from everything that I look back on, and reading the channel back does not bring it "
    "again. What I have quoted in a thread stays there until somebody deletes it, and decisions stay on record."
)
ONLY_APPROVERS = "Only approvers may have more forgotten than their own messages. Nothing was forgotten."
_WHAT = re.compile(r"forget\b\s*(?P<what>.*?)\s*(?P<sure>\bconfirm)?\s*[.!]*", re.IGNORECASE | re.DOTALL)
_LINK = re.compile(r"/archives/(?P<channel>[A-Z0-9]+)/p(?P<ts>\d{7,})(?P<micro>\d{6})\b")


class Forgetting:
    """Forgets what a person may have forgotten, and says how much that was.

    What cannot be seen at a glance, a person's or a channel's messages, must be confirmed.
    """

    def __init__(self, memory: MemoryManager, may_decide: MayDecide) -> None:
        self._memory = memory
        self._may_decide = may_decide
        self._retention = Retention(memory, may_decide)
        self._timezone = Timezone(memory, may_decide)

    async def command(self, command: Command) -> str | None:
        """The answer, None where the words are about something else."""
        if answer := await self._retention.command(command) or await self._timezone.command(command):
            return answer
        asked = _WHAT.fullmatch(command.text.strip())
        return await self._forget(asked["what"], command, sure=bool(asked["sure"])) if asked else None

    async def _forget(self, what: str, command: Command, *, sure: bool) -> str:
        if link := _LINK.search(what):
            return await self._message(link["channel"], f"{link['ts']}.{link['micro']}", command)
        if what.casefold() == "me":
            return await self._person(command.user, "me", command, sure=sure)
        if what.startswith("@") and command.people:
            return await self._person(command.people[0], what, command, sure=sure)
        if what.startswith("@"):
            return f"I do not know whom {escape(what)} means: pick the name from the list that opens while you type it."
        if what.casefold() in {"channel", "this channel"}:
            return await self._channel(command, sure=sure)
        return USAGE

    async def _message(self, channel: str, ts: str, command: Command) -> str:
        gone = await self._memory.forget(ts, channel=channel, user=command.user)
        if not gone:
            if not await self._may_decide(command.user):
                return ONLY_APPROVERS
            gone = await self._memory.forget(ts, channel=channel)
        return await self._told(gone, f"message {channel}/{ts}", command)

    async def _person(self, user: str, what: str, command: Command, *, sure: bool) -> str:
        if user != command.user and not await self._may_decide(command.user):
            return ONLY_APPROVERS
        if not sure:
            whose = "yours" if user == command.user else person(user)
            return _asked(await self._memory.count(user=user), f"{whose}, in every channel", what)
        return await self._told(await self._memory.forget(user=user), f"person {user}", command)

    async def _channel(self, command: Command, *, sure: bool) -> str:
        if not await self._may_decide(command.user):
            return ONLY_APPROVERS
        if not sure:
            return _asked(await self._memory.count(channel=command.channel), "this channel", "channel")
        return await self._told(await self._memory.forget(channel=command.channel), "channel", command)

    async def _told(self, gone: int, what: str, command: Command) -> str:
        log.info("memory.forgotten", user=command.user, channel=command.channel, what=what, messages=gone)
        if not gone:
            return "Nothing of that was remembered, and nothing will bring it back."
        await self._memory.wipe()
        return f"Forgotten for good: {many(gone, 'entry')}. Nothing will bring that back."


def _asked(count: int, whose: str, again: str) -> str:
    if not count:
        return f"I remember no message of {whose}, so there is nothing to forget."
    return (
        f"That would forget {many(count, 'message')} of {whose}, for good: I could not look back "
        f"on {'it' if count == 1 else 'them'} any more. If that is what you want, say "
        f"`/nightdesk forget {escape(again)} confirm`."
    )

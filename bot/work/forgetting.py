"""`/nightdesk forget …`: people have a right to be forgotten, and a leaked secret must be gone at once."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import structlog

from bot.memory import MemoryManager
from bot.slack.desk import Command

log = structlog.get_logger(__name__)

USAGE = (
    "Say what to forget: `forget message` with the link of a message, `forget me`, `forget @person`, or "
    "`forget channel`. Anybody may have their own messages forgotten; the rest is for approvers."
)
_WHAT = re.compile(r"forget\b\s*(?P<what>.*)", re.IGNORECASE | re.DOTALL)
_LINK = re.compile(r"/archives/(?P<channel>[A-Z0-9]+)/p(?P<ts>\d{7,})(?P<micro>\d{6})\b")
_PERSON = re.compile(r"<@(?P<user>[UW][A-Z0-9]{2,20})(\|[^>]*)?>")

MayDecide = Callable[[str], Awaitable[bool]]
"""Whether a user is among the approvers of the settings."""


class Forgetting:
    """Forgets what a person may have forgotten, and says how much that was."""

    def __init__(self, memory: MemoryManager, may_decide: MayDecide) -> None:
        self._memory = memory
        self._may_decide = may_decide

    async def command(self, command: Command) -> str | None:
        """The answer, None where the words are about something else."""
        asked = _WHAT.fullmatch(command.text.strip())
        if asked is None:
            return None
        what = asked["what"].strip()
        gone = await self._forget(what, command)
        if isinstance(gone, str):
            return gone
        log.info("memory.forgotten", user=command.user, channel=command.channel, what=what[:200], messages=gone)
        return f"Forgotten: {gone} message{'' if gone == 1 else 's'}."

    async def _forget(self, what: str, command: Command) -> int | str:
        """How many messages are gone, or why none."""
        person = _PERSON.fullmatch(what)
        user = command.user if what.casefold() == "me" else person["user"] if person else None
        if user is not None:
            return await self._allowed(command.user, user) or await self._memory.forget(user=user)
        if what.casefold() in {"channel", "this channel"}:
            return await self._allowed(command.user) or await self._memory.forget(channel=command.channel)
        link = _LINK.search(what)
        if link is None:
            return USAGE
        return await self._message(link["channel"], f"{link['ts']}.{link['micro']}", command.user)

    async def _message(self, channel: str, ts: str, by: str) -> int | str:
        mine = await self._memory.forget(ts, channel=channel, user=by)
        if mine:
            return mine
        return await self._allowed(by) or await self._memory.forget(ts, channel=channel)

    async def _allowed(self, by: str, about: str | None = None) -> str:
        """Empty if they may, else why not."""
        if by == about or await self._may_decide(by):
            return ""
        return "Only approvers may have more forgotten than their own messages. Nothing was forgotten."

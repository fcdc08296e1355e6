"""`/nightdesk timezone …`: by whose clock this channel says 'yesterday'."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import structlog

from bot.errors import Misconfigured
from bot.memory import MemoryManager
from bot.slack.desk import Command
from bot.slack.text import escape

log = structlog.get_logger(__name__)

_ASKED = re.compile(r"time\s?zone\b\s*(?P<wish>[^\s?!]*)\s*[.!?]*", re.IGNORECASE)


class Timezone:
    """Shows and sets the time zone in which a channel's words of time are read."""

    def __init__(self, memory: MemoryManager, may_decide: Callable[[str], Awaitable[bool]]) -> None:
        self._memory = memory
        self._may_decide = may_decide

    async def command(self, command: Command) -> str | None:
        """The answer, None where the words are about something else."""
        asked = _ASKED.fullmatch(command.text.strip())
        if asked is None:
            return None
        if not asked["wish"]:
            name = await self._memory.timezone(command.channel)
            return (
                f"“Yesterday” and “14:00” are read in {name} here. Approvers change that with "
                "`/nightdesk timezone Europe/Berlin`."
            )
        if not await self._may_decide(command.user):
            return "Only approvers may change the time zone of this channel. Nothing was changed."
        return await self._set(asked["wish"], command)

    async def _set(self, name: str, command: Command) -> str:
        try:
            await self._memory.set_timezone(command.channel, name)
        except Misconfigured as error:
            return f"{escape(str(error))} Nothing was changed."
        log.info("memory.timezone", user=command.user, channel=command.channel, timezone=name)
        return f"From now on “yesterday” and “14:00” are read in {name} here."

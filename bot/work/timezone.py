"""`/nightdesk timezone …`: by whose clock this channel says 'yesterday'."""

from __future__ import annotations

import re

import structlog

from bot.errors import Misconfigured
from bot.slack.desk import Command
from bot.slack.text import escape
from bot.work.channel_rule import MemoryRule

log = structlog.get_logger(__name__)


class Timezone(MemoryRule):
    """The time zone in which a channel's words of time are read."""

    asked = re.compile(r"time\s?zone\b\s*(?P<wish>[^\s?!]*)\s*[.!?]*", re.IGNORECASE)
    about = "the time zone of this channel"

    async def _shown(self, channel: str) -> str:
        name = await self._memory.timezone(channel)
        return (
            f"“Yesterday” and “14:00” are read in {name} here. Approvers change that with "
            "`/nightdesk timezone Europe/Berlin`."
        )

    async def _changed(self, wish: str, command: Command) -> str:
        try:
            await self._memory.set_timezone(command.channel, wish)
        except Misconfigured as error:
            return f"{escape(str(error))} Nothing was changed."
        log.info("memory.timezone", user=command.user, channel=command.channel, timezone=wish)
        return f"From now on “yesterday” and “14:00” are read in {wish} here."

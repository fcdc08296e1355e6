"""`/nightdesk retain …`: for how long a channel's messages are remembered."""

from __future__ import annotations

import re

import structlog

from bot.plural import many
from bot.slack.desk import Command
from bot.work.channel_rule import MemoryRule

log = structlog.get_logger(__name__)

USAGE = (
    "Say `retain` to see for how long the messages of this channel are kept, and `retain 90 days` (days, weeks, "
    "months or years) or `retain forever` to change it. Changing it is for approvers."
)
LONGEST_DAYS = 36_500
_DAYS = {"day": 1.0, "week": 7.0, "month": 30.0, "year": 365.0}
_PERIOD = re.compile(
    r"(?:for\s+)?(?P<count>\d{1,5})\s*(?P<unit>d(?:ays?)?|w(?:eeks?)?|months?|y(?:ears?)?)"
    r"(?P<sure>\s+confirm)?",
    re.IGNORECASE,
)


class Retention(MemoryRule):
    """How long a channel is remembered. What a change would forget must be confirmed."""

    asked = re.compile(r"(?:retain|retention)\b\s*(?P<wish>.*?)\s*[.!?]*", re.IGNORECASE | re.DOTALL)
    about = "how long this channel is remembered"

    async def _shown(self, channel: str) -> str:
        kept = _kept(await self._memory.retention(channel))
        return f"The messages of this channel are kept {kept}. Approvers change that with `/nightdesk retain 90 days`."

    async def _changed(self, wish: str, command: Command) -> str:
        words = wish.casefold()
        if words in {"forever", "for ever", "everything"}:
            return await self._set(None, command)
        period = _PERIOD.fullmatch(words)
        return await self._limit(period, command) if period else USAGE

    async def _limit(self, period: re.Match[str], command: Command) -> str:
        days = int(period["count"]) * next(
            length for unit, length in _DAYS.items() if unit.startswith(period["unit"][0])
        )
        if not 0 < days <= LONGEST_DAYS:
            return "Between one day and a hundred years, please; `retain forever` keeps everything."
        stale = await self._memory.stale(command.channel, days)
        if stale and not period["sure"]:
            return (
                f"{many(stale, 'message')} of this channel would be forgotten, for good: older than that. "
                f"If that is what you want, say `/nightdesk retain {period['count']} {period['unit']} confirm`."
            )
        return await self._set(days, command)

    async def _set(self, days: float | None, command: Command) -> str:
        await self._memory.retain(command.channel, days)
        gone = await self._memory.expire()
        log.info("memory.retained", user=command.user, channel=command.channel, days=days, messages=gone)
        forgotten = f" Forgotten: {many(gone, 'older message')}." if gone else ""
        return f"From now on the messages of this channel are kept {_kept(days)}.{forgotten}"


def _kept(days: float | None) -> str:
    if days is None:
        return "for ever"
    return f"for {days:g} day{'' if days == 1 else 's'}; what is older is forgotten every few minutes"

"""`resolved`: a person says that an incident is over."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from bot.errors import IllegalTransition
from bot.incidents import Journal
from bot.models import Resolved

_OVER = re.compile(r"(resolved?|close|已解决)\b\s*(?P<id>[0-9]{6}-[0-9A-Z]{6})?\s*[.!]*", re.IGNORECASE)


class Closing:
    """Ends incidents in a person's name."""

    def __init__(self, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._journal = journal
        self._clock = clock

    async def said(self, text: str, channel: str, user: str) -> str | None:
        """The answer, None where the words are about something else."""
        over = _OVER.fullmatch(text.strip())
        if over is None:
            return None
        here = [incident.id async for incident in self._journal.open_incidents() if incident.channel == channel]
        wanted = (over["id"] or "").upper()
        if wanted and wanted not in here:
            return f"There is no open incident {wanted} in this channel."
        if not here:
            return "There is no open incident in this channel."
        if not wanted and len(here) > 1:
            return f"Which one? Say `resolved ID` with one of {', '.join(here)}."
        return await self._close(wanted or here[0], user)

    async def _close(self, incident_id: str, user: str) -> str:
        try:
            reason = "a person said that it is over"
            await self._journal.append(incident_id, Resolved(at=self._clock(), actor=user, reason=reason))
        except IllegalTransition as not_now:
            return f"Not now: {not_now}"
        return f"Incident {incident_id} is resolved, in your name."

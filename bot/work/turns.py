"""Turns: so many incidents are looked into at a time, so many of one service, and the most severe first.

A walk takes a turn, and gives it back when it has gone as far as it can. One that finds none is put on the list; who
gives a turn back hands it to the most severe that waits and whose service has room. A turn of a process that died ends
by itself; the task of its walk is delivered again and goes on under the same turn.
"""

from __future__ import annotations

from datetime import timedelta

from redis.asyncio import Redis

from bot.models import Incident, Severity
from bot.storage.scripts import give_turn, pass_turn

TAKEN = "nd:{walks}:taken"
WAITING = "nd:{walks}:waiting"
SERVICES = "nd:{walks}:services"
LONGEST = timedelta(minutes=15)
"""Longer than any walk runs before it waits for somebody."""
UNGRADED = Severity.WARNING.rank
ASKED = -1
"""A person who asked is waiting for the answer."""


class Turns:
    """The turns of all processes.

    Args:
        everywhere: walks at a time.
        per_service: of those, how many of one service.
    """

    def __init__(self, redis: Redis, *, everywhere: int, per_service: int) -> None:
        self._redis = redis
        self._everywhere = everywhere
        self._per_service = per_service

    async def take(self, incident: Incident) -> bool:
        """Take a turn, or have it already; if there is none, the incident is on the list from now on."""
        return await give_turn(
            self._redis,
            keys=(TAKEN, WAITING, SERVICES),
            name=incident.id,
            service=incident.service or incident.id,
            order=_order(incident),
            everywhere=self._everywhere,
            per_service=self._per_service,
            lasts_s=LONGEST.total_seconds(),
        )

    async def give_back(self, incident_id: str) -> str | None:
        """Give the turn back; the incident that has it now."""
        return await pass_turn(
            self._redis,
            keys=(TAKEN, WAITING, SERVICES),
            name=incident_id,
            everywhere=self._everywhere,
            per_service=self._per_service,
            lasts_s=LONGEST.total_seconds(),
        )


def _order(incident: Incident) -> float:
    """Lower is sooner: by severity, then by age."""
    by_person = incident.alert.source == "slack"
    grade = ASKED if by_person else incident.severity.rank if incident.severity else UNGRADED
    return (grade + 1) * 1e11 + incident.opened_at.timestamp()

"""People put alerts right: one is split off into an incident of its own, or two incidents become one.

Each act is safe to repeat: the id of the new incident is chosen by who asks, and every event is appended once.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from redis.asyncio import Redis

from bot.errors import BadInput, IllegalTransition
from bot.incidents.claims import Claims, claims_of
from bot.incidents.journal import Journal
from bot.incidents.lifecycle import moves
from bot.models import Alert, AlertJoined, AlertLeft, Incident, Noted, Opened, Phase, Resolved
from bot.plural import many


class Regroup:
    """Splits and merges."""

    def __init__(self, redis: Redis, journal: Journal, clock: Callable[[], datetime]) -> None:
        self._claims = Claims(redis)
        self._journal = journal
        self._clock = clock

    async def split(self, incident_id: str, fingerprint: str, *, to: str, by: str) -> str:
        """Give the alert an incident of its own, with the id `to`; what the person is told.

        Raises:
            BadInput: the incident has no such alert, or no other.
            NotFound: there is no such incident.
        """
        incident = await self._journal.read(incident_id)
        alert = next((one for one in incident.alerts if one.fingerprint == fingerprint), None)
        if alert is None and (left := incident.last("alert_left")) and left.event.kind == "alert_left":
            return f"That alert has already left incident {incident_id}: it is incident {left.event.to}."
        if alert is None:
            raise BadInput(f"Incident {incident_id} has no such alert any more.")
        if len(incident.alerts) < 2:
            raise BadInput("It is the only alert of its incident: there is nothing to split it from.")
        own = claims_of(alert)[:1]  # its group stays with the others
        await self._claims.move(own, held=incident_id, to=to)
        at = self._clock()
        opened = Opened(at=at, actor=by, alert=alert, service=incident.service, channel=incident.channel)
        await self._journal.append(to, opened, once="opened")
        left_ = AlertLeft(at=at, actor=by, fingerprint=fingerprint, name=alert.name, to=to)
        await self._journal.append(incident_id, left_, once=f"left:{to}")
        return f"Split off: {alert.name} is incident {to} now."

    async def merge(self, incident_id: str, *, into: str, by: str) -> str:
        """Move every alert of the incident to the other and end it; what the person is told.

        Raises:
            BadInput: they are one incident, or the first cannot end now.
            NotFound: one of them does not exist.
        """
        if incident_id == into:
            raise BadInput("An incident cannot be merged into itself.")
        incident, target = await self._journal.read(incident_id), await self._journal.read(into)
        if incident.phase is Phase.RESOLVED:
            return f"Incident {incident_id} is over already."
        over = Resolved(at=self._clock(), actor=by, reason=f"merged into {into}")
        if incident.phase.value not in moves(over):
            raise BadInput(f"Incident {incident_id} is {incident.phase}: its outcome comes first. Merge it afterwards.")
        if target.phase is Phase.RESOLVED:
            raise BadInput(f"Incident {into} is over: nothing can join it.")
        for alert in incident.alerts:
            await self._move(alert, incident, into, by)
        try:
            await self._journal.append(incident_id, over)
        except IllegalTransition as moved_on:
            raise BadInput(f"Its alerts have moved, but it cannot end now: {moved_on}") from None
        text = f"Incident {incident_id} was merged into this one, with {many(len(incident.alerts), 'alert')}."
        await self._journal.append(into, Noted(at=self._clock(), actor=by, text=text), once=f"merged:{incident_id}")
        return f"Merged: incident {incident_id} is part of {into} now."

    async def _move(self, alert: Alert, incident: Incident, into: str, by: str) -> None:
        await self._claims.move(claims_of(alert), held=incident.id, to=into)
        joined = AlertJoined(at=self._clock(), actor=by, alert=alert, why=f"merged from incident {incident.id}")
        try:
            await self._journal.append(into, joined, once=f"merged:{incident.id}:{alert.fingerprint}")
        except IllegalTransition as ended:
            raise BadInput(f"Incident {into} has just ended: {ended}") from None

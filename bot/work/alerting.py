"""What time and people do to alerts that have their place: turns, the end of flapping and silences, regrouping."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot.errors import BadInput, NotFound
from bot.incidents import Intake, Journal
from bot.incidents.regroup import Regroup
from bot.models import Incident
from bot.slack.desk import Regrouping
from bot.slack.views.regroup import alert_key
from bot.work.queue import Queue
from bot.work.turns import Turns

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Alerting:
    """The part of the office that is about alerts."""

    journal: Journal
    intake: Intake
    regroup: Regroup
    turns: Turns
    queue: Queue

    async def in_turn(self, incident_id: str, walk: Callable[[str], Awaitable[None]]) -> None:
        """Walk if there is room, the most severe first; else the walk is scheduled when its turn comes."""
        try:
            incident = await self.journal.read(incident_id)
        except NotFound:
            log.warning("turns.unknown_incident", incident=incident_id)
            return
        if not incident.at_rest and not await self.turns.take(incident):
            log.info("turns.waiting", incident=incident_id, severity=incident.severity)
            return
        try:
            await walk(incident_id)
        finally:
            if following := await self.turns.give_back(incident_id):
                await self.queue.add("walk", following, key=f"{following}:turn")

    async def settle(self, incident: Incident) -> None:
        """End what flapped and is quiet now."""
        if await self.intake.settle(incident):
            log.info("flapping.over", incident=incident.id)

    async def unsilence(self) -> None:
        """Bring up what still fires under silences that are over."""
        if brought := await self.intake.unsilence():
            log.info("silences.over", still_firing=brought)

    async def regrouped(self, wish: Regrouping) -> str:
        """Do what a person asked for in the card's menu; what they are told."""
        try:
            if wish.verb == "merge":
                return await self.regroup.merge(wish.incident_id, into=wish.subject, by=wish.user)
            return await self.regroup.split(
                wish.incident_id, await self._fingerprint(wish), to=wish.new_id, by=wish.user
            )
        except (BadInput, NotFound) as refusal:
            return f"Nothing was changed: {refusal}"

    async def _fingerprint(self, wish: Regrouping) -> str:
        """Of the alert that the menu's entry stands for; one that has left is found in what it was left by."""
        incident = await self.journal.read(wish.incident_id)
        said = [getattr(recorded.event, "alert", None) for recorded in incident.history]
        known = (alert.fingerprint for alert in [*incident.alerts, *said] if alert and alert_key(alert) == wish.subject)
        return next(known, "")

"""From alerts to incidents: claim, append, and say where each went.

An alert belongs to the incident that its fingerprint, or else its sender's group key, has claimed; else to that of a
neighbour (`grouping`). The claim is taken before the incident is written; a crash between the two leaves a claim on an
incident that does not exist, and the next delivery of the alert completes it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.asyncio import Redis

from bot.catalog import Catalog, CatalogNow
from bot.errors import IllegalTransition, NotFound
from bot.incidents.claims import Claims, claims_of
from bot.incidents.flapping import Damping
from bot.incidents.grouping import Bounds, Grouping, spoken
from bot.incidents.journal import DUPLICATES, Journal
from bot.incidents.lifecycle import moves
from bot.incidents.silences import Silences
from bot.models import (
    SAME_ALERT,
    Alert,
    AlertJoined,
    AlertStatus,
    Incident,
    Noted,
    Opened,
    Phase,
    Receipt,
    Reopened,
    Resolved,
)

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 and O, no 1, I and L: people read ids aloud at 3 a.m."""

MOST_RACES = 5
"""How often an alert looks again when its incident moved under it; after that its sender is told to come again."""

POSTED = "posted"
"""The source of alerts that other bots post in Slack: `bot.alerts.posted`."""

LATE = timedelta(minutes=5)
"""Rules see a recovery later than the bot does; until then senders repeat the alert that is over."""

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class _Asked:
    """A person opens the incident, in the channel where they ask."""

    channel: str | None = None
    actor: str = "nightdesk"

    @property
    def by_person(self) -> bool:
        return self.channel is not None


NOBODY = _Asked()


class Intake:
    """Groups alerts into incidents, durably.

    Args:
        channel: where incidents go whose service names no channel of its own.
        reopen_within: an alert that comes back this soon reopens its incident; later it opens a new one.
    """

    def __init__(
        self,
        redis: Redis,
        journal: Journal,
        catalog: CatalogNow,
        clock: Clock,
        *,
        channel: str | None = None,
        reopen_within: timedelta = timedelta(minutes=30),
        bounds: Bounds | None = None,
        damping: Damping | None = None,
    ) -> None:
        self._claims = Claims(redis)
        self._journal = journal
        self._known = catalog
        self._clock = clock
        self._channel = channel
        self._reopen_within = reopen_within
        self._silences = Silences(redis)
        self._grouping = Grouping(redis, journal, catalog, bounds or Bounds())
        self._damping = damping or Damping()

    @property
    def silences(self) -> Silences:
        """The silences that it heeds."""
        return self._silences

    async def accept(self, alerts: Sequence[Alert]) -> list[Receipt]:
        """Make every alert durable; one receipt for each, in order."""
        return [await self._accept(alert, NOBODY) for alert in alerts]

    async def open_for(self, alert: Alert, *, channel: str, actor: str) -> Receipt:
        """Open an incident because a person asked, in the channel where they asked."""
        return await self._accept(alert, _Asked(channel, actor))

    async def settle(self, incident: Incident) -> bool:
        """End an incident that was kept open for flapping alerts, once they have been quiet; whether it has ended."""
        return self._damping.over(incident, self._clock()) and await self._resolve(incident.id)

    async def unsilence(self) -> int:
        """Bring up what still fires under silences that are over; how many alerts that were."""
        brought = 0
        for silence, firing in await self._silences.over(self._clock()):
            await self.accept(firing)
            await self._silences.forget(silence, self._clock())
            brought += len(firing)
        return brought

    async def _accept(self, alert: Alert, asked: _Asked) -> Receipt:
        for _ in range(MOST_RACES):
            try:
                return await self._place(alert, asked)
            except IllegalTransition:
                continue  # the incident ended or came back between our look and our word: look again
        return await self._place(alert, asked)

    async def _place(self, alert: Alert, asked: _Asked) -> Receipt:
        claims = claims_of(alert)
        held = await self._claims.held(claims)
        incident = await self._read(held) if held else None
        if not asked.by_person and await self._is_silenced(alert, incident):
            return Receipt(fingerprint=alert.fingerprint, outcome="silenced")
        why = ""
        if not held:
            if alert.status is AlertStatus.RESOLVED:
                return Receipt(fingerprint=alert.fingerprint, outcome="ignored")
            held, why = await self._claim(alert, claims, asked)
            incident = await self._read(held)
        await self._claims.keep(claims, held)
        if incident is None:
            if alert.status is AlertStatus.RESOLVED:
                return Receipt(fingerprint=alert.fingerprint, outcome="ignored")
            return await self._open(held, alert, asked)
        if self._comes_back(incident, alert):
            await self._journal.append(incident.id, Resolved(at=self._clock(), reason="it has come back since"))
            incident = await self._journal.read(incident.id)
        if incident.phase is Phase.RESOLVED:
            return await self._after_the_end(incident, alert, claims, asked)
        return await self._join(incident, alert, why)

    async def _read(self, incident_id: str) -> Incident | None:
        """None where a claim was taken and the incident was never written."""
        try:
            return await self._journal.read(incident_id)
        except NotFound:
            return None

    async def _is_silenced(self, alert: Alert, incident: Incident | None) -> bool:
        """Whether a silence keeps it quiet. What an open incident is about already goes on there, its end above all."""
        if incident and incident.phase is not Phase.RESOLVED and _known(incident, alert):
            return False
        silence = await self._silences.covering(alert, self._clock())
        if silence is None:
            return False
        await self._silences.record(silence, alert)
        return True

    async def _claim(self, alert: Alert, claims: list[str], asked: _Asked, *, held: str = "") -> tuple[str, str]:
        """The incident that the alert belongs to from now on, and why, if it is a neighbour's."""
        channel = self._channel_of(alert)
        near = None if asked.by_person else await self._grouping.neighbour(alert, channel, self._clock())
        wanted = near.incident_id if near else new_id(self._clock())
        winner = await self._claims.take(claims, held=held, to=wanted)
        return winner, near.why if near and winner == near.incident_id else ""

    def _comes_back(self, incident: Incident, alert: Alert) -> bool:
        """Whether it fires anew, long after people took over: not every sender says when an alert has ended."""
        if incident.phase is not Phase.HANDED_OVER or alert.status is not AlertStatus.FIRING:
            return False
        quiet = self._clock() - incident.history[-1].event.at > self._reopen_within
        return quiet and not any(_same(known, alert) for known in incident.alerts)

    async def _open(self, incident_id: str, alert: Alert, asked: _Asked) -> Receipt:
        service = self._service_of(alert, self._known())
        opened = Opened(
            at=self._clock(),
            actor=asked.actor,
            alert=alert,
            service=service,
            channel=asked.channel or self._channel_of(alert),
        )
        if not asked.by_person:
            # Before the event and not after it: a crash in between must not leave an incident that no neighbour finds.
            await self._grouping.opened(incident_id, alert, opened.channel, opened.at)
        if await self._journal.append(incident_id, opened, once="opened"):
            return Receipt(fingerprint=alert.fingerprint, outcome="opened", incident_id=incident_id)
        # Another replica opened it between our read and our write.
        return await self._join(await self._journal.read(incident_id), alert, "")

    async def _join(self, incident: Incident, alert: Alert, why: str) -> Receipt:
        known = _known(incident, alert)
        if known and _same(known, alert):
            await self._journal.count(incident.id, DUPLICATES, 1)
            return Receipt(fingerprint=alert.fingerprint, outcome="duplicate", incident_id=incident.id)
        said = SAME_ALERT if known else why or f"its sender groups it here ({alert.source})"
        damped = self._damping.flaps(incident, alert, self._clock())
        joined = AlertJoined(at=self._clock(), alert=alert, why=said, damped=damped)
        recorded = await self._journal.append(incident.id, joined)
        if damped:
            await self._say_that_it_flaps(incident.id, alert)
        elif recorded and alert.status is AlertStatus.RESOLVED and await self._resolve(incident.id):
            return Receipt(fingerprint=alert.fingerprint, outcome="resolved", incident_id=incident.id)
        if alert.status is AlertStatus.FIRING:
            await self._grouping.joined(incident, self._clock())
        return Receipt(fingerprint=alert.fingerprint, outcome="joined", incident_id=incident.id)

    async def _say_that_it_flaps(self, incident_id: str, alert: Alert) -> None:
        noted = Noted(at=self._clock(), text=self._damping.says(alert))
        await self._journal.append(incident_id, noted, once=f"flaps:{alert.fingerprint}")

    async def _resolve(self, incident_id: str) -> bool:
        """Resolve it if nothing fires any more; while an effect is under way, its outcome comes first."""
        while not (incident := await self._journal.read(incident_id)).firing:
            over = Resolved(at=self._clock(), actor=incident.alert.source, reason="every alert has resolved")
            if incident.phase.value not in moves(over):
                return False
            try:
                # Exactly what was read must hold: an alert that joins meanwhile would be closed unseen.
                await self._journal.append(incident_id, over, expected={"version": incident.history[-1].id})
            except IllegalTransition:
                continue
            return True
        return False

    async def _after_the_end(self, incident: Incident, alert: Alert, claims: list[str], asked: _Asked) -> Receipt:
        if alert.status is not AlertStatus.FIRING:
            return Receipt(fingerprint=alert.fingerprint, outcome="duplicate", incident_id=incident.id)
        ended = incident.history[-1].event.at
        if self._clock() - ended <= LATE and _says_nothing_new(incident, alert):
            return Receipt(fingerprint=alert.fingerprint, outcome="duplicate", incident_id=incident.id)
        if self._clock() - ended > self._reopen_within:
            incident_id, why = await self._claim(alert, claims, asked, held=incident.id)
            neighbour = await self._read(incident_id) if why else None
            return await (self._join(neighbour, alert, why) if neighbour else self._open(incident_id, alert, asked))
        flaps = self._damping.flaps(incident, alert, self._clock())
        try:
            await self._journal.append(incident.id, Reopened(at=self._clock(), actor=asked.actor, alert=alert))
        except IllegalTransition:  # another replica reopened it first
            return await self._join(await self._journal.read(incident.id), alert, "")
        if flaps:
            await self._say_that_it_flaps(incident.id, alert)
        return Receipt(fingerprint=alert.fingerprint, outcome="reopened", incident_id=incident.id)

    def _service_of(self, alert: Alert, catalog: Catalog) -> str | None:
        return next((name for word in spoken(alert) if (name := catalog.resolve(word))), None)

    def _channel_of(self, alert: Alert) -> str | None:
        """That of its service, or the one in which a bot has posted it, or that of the settings."""
        catalog = self._known()
        service = self._service_of(alert, catalog)
        named = catalog.services[service].channel if service else None
        posted = alert.labels.get("slack_channel") if alert.source == POSTED else None
        return named or posted or self._channel


def _known(incident: Incident, alert: Alert) -> Alert | None:
    return next((other for other in incident.alerts if other.fingerprint == alert.fingerprint), None)


def _same(one: Alert, other: Alert) -> bool:
    """Whether they are one alert in one state, told twice."""
    return told(one) == told(other)


def told(alert: Alert) -> tuple[object, ...]:
    """The same for two notices that say the same of one alert."""
    return alert.fingerprint, alert.status, alert.starts_at, alert.ends_at


def _says_nothing_new(incident: Incident, alert: Alert) -> bool:
    """Whether it is the firing that the incident was about: sent again before its rule saw the recovery."""
    known = _known(incident, alert)
    return known is not None and alert.starts_at is not None and known.starts_at == alert.starts_at


def new_id(now: datetime) -> str:
    """An id that sorts by day and can be read aloud: 261123-K7Q2MX."""
    return f"{now:%y%m%d}-" + "".join(secrets.choice(LETTERS) for _ in range(6))

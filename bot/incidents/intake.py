"""From alerts to incidents: claim, append, and only then answer.

An alert belongs to the incident that its fingerprint, or else its sender's group key, has claimed. The claim is
taken before the incident is written; a crash between the two leaves a claim on an incident that does not exist,
and the next delivery of the alert completes it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from redis.asyncio import Redis

from bot.catalog import Catalog
from bot.errors import IllegalTransition, NotFound
from bot.incidents.journal import Journal
from bot.incidents.lifecycle import moves
from bot.models import (
    Alert,
    AlertJoined,
    AlertStatus,
    Incident,
    Opened,
    Phase,
    Receipt,
    Reopened,
    Resolved,
)
from bot.storage.scripts import swap

CLAIM_S = 90 * 24 * 3600
"""How long a claim outlives its last alert."""
LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""No 0 and O, no 1, I and L: people read ids aloud at 3 a.m."""

MOST_RACES = 5
"""How often an alert looks again when its incident moved under it; after that its sender is told to come again."""

LATE = timedelta(minutes=5)
"""Rules see a recovery later than the bot does; until then senders repeat the alert that is over."""

Clock = Callable[[], datetime]


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
        catalog: Catalog,
        clock: Clock,
        *,
        channel: str | None = None,
        reopen_within: timedelta = timedelta(minutes=30),
    ) -> None:
        self._redis = redis
        self._journal = journal
        self._catalog = catalog
        self._clock = clock
        self._channel = channel
        self._reopen_within = reopen_within

    async def accept(self, alerts: Sequence[Alert]) -> list[Receipt]:
        """Make every alert durable; one receipt for each, in order."""
        return [await self._accept(alert) for alert in alerts]

    async def open_for(self, alert: Alert, *, channel: str, actor: str) -> Receipt:
        """Open an incident because a person asked, in the channel where they asked."""
        return await self._accept(alert, channel=channel, actor=actor)

    async def _accept(self, alert: Alert, *, channel: str | None = None, actor: str = "nightdesk") -> Receipt:
        for _ in range(MOST_RACES):
            try:
                return await self._place(alert, channel=channel, actor=actor)
            except IllegalTransition:
                continue  # the incident ended or came back between our look and our word: look again
        return await self._place(alert, channel=channel, actor=actor)

    async def _place(self, alert: Alert, *, channel: str | None, actor: str) -> Receipt:
        claims = _claims(alert)
        held = [str(value) for value in await self._redis.mget(claims) if value]
        if not held:
            if alert.status is AlertStatus.RESOLVED:
                return Receipt(fingerprint=alert.fingerprint, outcome="ignored")
            held = [await self._claim(claims, held="")]
        incident_id = held[0]
        await self._keep_claims(claims, incident_id)
        try:
            incident = await self._journal.read(incident_id)
        except NotFound:
            if alert.status is AlertStatus.RESOLVED:
                return Receipt(fingerprint=alert.fingerprint, outcome="ignored")
            return await self._open(incident_id, alert, channel=channel, actor=actor)
        if self._comes_back(incident, alert):
            await self._journal.append(incident.id, Resolved(at=self._clock(), reason="it has come back since"))
            incident = await self._journal.read(incident.id)
        if incident.phase is Phase.RESOLVED:
            return await self._after_the_end(incident, alert, claims, channel=channel, actor=actor)
        return await self._join(incident, alert)

    def _comes_back(self, incident: Incident, alert: Alert) -> bool:
        """Whether it fires anew, long after people took over: not every sender says when an alert has ended."""
        if incident.phase is not Phase.HANDED_OVER or alert.status is not AlertStatus.FIRING:
            return False
        quiet = self._clock() - incident.history[-1].event.at > self._reopen_within
        return quiet and not any(_same(known, alert) for known in incident.alerts)

    async def _claim(self, claims: list[str], *, held: str) -> str:
        """The incident that holds the claims from now on: a new one of ours, or the one that was faster."""
        *narrower, widest = claims
        winner = await swap(self._redis, widest, held=held, to=new_id(self._clock()), ttl_s=CLAIM_S)
        for claim in narrower:
            await swap(self._redis, claim, held=held, to=winner, ttl_s=CLAIM_S)
        return winner

    async def _keep_claims(self, claims: list[str], incident_id: str) -> None:
        """Claim what is free and lengthen what is held; a claim that another replica has moved stays moved."""
        async with self._redis.pipeline(transaction=False) as pipe:
            for claim in claims:
                pipe.set(claim, incident_id, ex=CLAIM_S, nx=True)
                pipe.expire(claim, CLAIM_S)
            await pipe.execute()

    async def _open(self, incident_id: str, alert: Alert, *, channel: str | None, actor: str) -> Receipt:
        service = self._service_of(alert)
        opened = Opened(
            at=self._clock(),
            actor=actor,
            alert=alert,
            service=service,
            channel=channel or self._channel_of(service),
        )
        if await self._journal.append(incident_id, opened, once="opened"):
            return Receipt(fingerprint=alert.fingerprint, outcome="opened", incident_id=incident_id)
        # Another replica opened it between our read and our write.
        return await self._join(await self._journal.read(incident_id), alert)

    async def _join(self, incident: Incident, alert: Alert) -> Receipt:
        known = next((other for other in incident.alerts if other.fingerprint == alert.fingerprint), None)
        if known and _same(known, alert):
            await self._journal.count(incident.id, "duplicates", 1)
            return Receipt(fingerprint=alert.fingerprint, outcome="duplicate", incident_id=incident.id)
        why = "the same alert" if known else f"its sender groups it here ({alert.source})"
        await self._journal.append(incident.id, AlertJoined(at=self._clock(), alert=alert, why=why))
        if alert.status is AlertStatus.RESOLVED and await self._resolve(incident.id):
            return Receipt(fingerprint=alert.fingerprint, outcome="resolved", incident_id=incident.id)
        return Receipt(fingerprint=alert.fingerprint, outcome="joined", incident_id=incident.id)

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

    async def _after_the_end(
        self, incident: Incident, alert: Alert, claims: list[str], *, channel: str | None, actor: str
    ) -> Receipt:
        if alert.status is not AlertStatus.FIRING:
            return Receipt(fingerprint=alert.fingerprint, outcome="duplicate", incident_id=incident.id)
        ended = incident.history[-1].event.at
        if self._clock() - ended <= LATE and _says_nothing_new(incident, alert):
            return Receipt(fingerprint=alert.fingerprint, outcome="duplicate", incident_id=incident.id)
        if self._clock() - ended > self._reopen_within:
            incident_id = await self._claim(claims, held=incident.id)
            return await self._open(incident_id, alert, channel=channel, actor=actor)
        try:
            await self._journal.append(incident.id, Reopened(at=self._clock(), actor=actor, alert=alert))
        except IllegalTransition:  # another replica reopened it first
            return await self._join(await self._journal.read(incident.id), alert)
        return Receipt(fingerprint=alert.fingerprint, outcome="reopened", incident_id=incident.id)

    def _service_of(self, alert: Alert) -> str | None:
        spoken = [alert.service, *(alert.labels.get(name) for name in ("service", "job", "app"))]
        return next((name for word in spoken if (name := self._catalog.resolve(word))), None)

    def _channel_of(self, service: str | None) -> str | None:
        return (self._catalog.services[service].channel if service else None) or self._channel


def _same(one: Alert, other: Alert) -> bool:
    """Whether they are one alert in one state, told twice."""
    return _told(one) == _told(other)


def _told(alert: Alert) -> tuple[object, ...]:
    return alert.fingerprint, alert.status, alert.starts_at, alert.ends_at


def _says_nothing_new(incident: Incident, alert: Alert) -> bool:
    """Whether it is the firing that the incident was about: sent again before its rule saw the recovery."""
    known = next((other for other in incident.alerts if other.fingerprint == alert.fingerprint), None)
    return known is not None and alert.starts_at is not None and known.starts_at == alert.starts_at


def new_id(now: datetime) -> str:
    """An id that sorts by day and can be read aloud: 261123-K7Q2MX."""
    return f"{now:%y%m%d}-" + "".join(secrets.choice(LETTERS) for _ in range(6))


def _claims(alert: Alert) -> list[str]:
    keys = [f"fingerprint\n{alert.source}\n{alert.fingerprint}"]
    if alert.group_key:
        keys.append(f"group\n{alert.source}\n{alert.group_key}")
    return ["nd:claim:" + hashlib.sha256(key.encode()).hexdigest()[:40] for key in keys]

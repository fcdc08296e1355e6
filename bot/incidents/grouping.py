"""Topology and time: an alert whose sender does not say where it belongs joins the incident of a neighbour.

Neighbours are the same service, a service that stands on it, and what it stands on itself, nearest first. They count
for a while after the last alert of their incident, and only within one environment. A person's question is never
grouped. When more incidents open in one channel than people can follow, what else fires there is gathered in one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import Field
from redis.asyncio import Redis

from bot.catalog import Catalog, CatalogNow
from bot.incidents.journal import Journal
from bot.models import Alert, Incident, Noun, Phase


class _Trace(Noun):
    """Left by an incident under the name of what it is about."""

    incident_id: str
    at: datetime
    environment: str | None = None
    why: str = Field(default="", description="for the incident that gathers")


@dataclass(frozen=True)
class Neighbour:
    """The incident that an alert joins, and why that one."""

    incident_id: str
    why: str


@dataclass(frozen=True)
class Bounds:
    """How near is near."""

    window: timedelta = timedelta(minutes=5)
    """Zero: alerts are grouped by fingerprint and by their sender's group only."""
    most_openings: int = 10
    """Incidents that may open in one channel within the window; the last of them gathers what else fires."""


@dataclass(frozen=True)
class Grouping:
    """Finds neighbours."""

    redis: Redis
    journal: Journal
    known: CatalogNow
    bounds: Bounds = field(default_factory=Bounds)

    async def neighbour(self, alert: Alert, channel: str | None, now: datetime) -> Neighbour | None:
        """The incident that the alert joins; None if it is the first of its kind."""
        if not self.bounds.window:
            return None
        name = self.subject(alert)
        for key, why in [*self._near(name), (_gathers(channel), "")]:
            trace = await self._read(key)
            if trace and await self._counts(trace, alert, now):
                return Neighbour(trace.incident_id, why or trace.why)
        return None

    async def opened(self, incident_id: str, alert: Alert, channel: str | None, now: datetime) -> None:
        """An incident has begun: its neighbours find it, and it counts among those of its channel."""
        await self._leave(_about(self.subject(alert)), _Trace(incident_id=incident_id, at=now, environment=_env(alert)))
        openings = f"nd:openings:{channel or ''}"
        async with self.redis.pipeline(transaction=False) as pipe:
            pipe.zadd(openings, {incident_id: now.timestamp()})
            pipe.zremrangebyscore(openings, "-inf", (now - self.bounds.window).timestamp())
            pipe.zcard(openings)
            pipe.expire(openings, self._kept_s)
            _, _, count, _ = await pipe.execute()
        if int(count) >= self.bounds.most_openings:
            why = f"{count} incidents opened here within {self._window}, so what else fires is gathered in this one"
            await self._leave(_gathers(channel), _Trace(incident_id=incident_id, at=now, why=why))

    async def joined(self, incident: Incident, now: datetime) -> None:
        """The incident is still alive: its window begins anew."""
        for key in (_about(self.subject(incident.alert)), _gathers(incident.channel)):
            trace = await self._read(key)
            if trace and trace.incident_id == incident.id:
                await self._leave(key, trace.model_copy(update={"at": now}), again=True)

    def subject(self, alert: Alert) -> str | None:
        """The service or the database of the catalogue that the alert is about."""
        catalog = self.known()
        for word in spoken(alert):
            if name := catalog.resolve(word):
                return name
            if word in catalog.databases:
                return word
        return None

    def _near(self, name: str | None) -> Iterator[tuple[str, str]]:
        if name is None:
            return
        catalog = self.known()
        yield _about(name), f"another alert of {name} within {self._window}"
        for dependant in catalog.dependants(name):
            yield _about(dependant), f"{self._path(dependant, name, catalog)}, within {self._window}"
        for dependency in catalog.dependencies(name):
            yield _about(dependency), f"{self._path(name, dependency, catalog)}, within {self._window}"

    def _path(self, above: str, below: str, catalog: Catalog) -> str:
        """Such as "checkout depends on payments, which depends on payments-db": the shortest way down."""
        came_from: dict[str, str] = {}
        ring = [above]
        while below not in came_from and ring:
            steps = [(name, needed) for name in ring for needed in catalog.needs(name) if needed not in came_from]
            came_from.update({needed: name for name, needed in reversed(steps)})
            ring = [needed for _, needed in steps]
        way = [below]
        while way[-1] != above:
            way.append(came_from[way[-1]])
        first, *others = reversed(way)
        return f"{first} depends on " + ", which depends on ".join(others)

    async def _counts(self, trace: _Trace, alert: Alert, now: datetime) -> bool:
        if now - trace.at > self.bounds.window:
            return False
        mine = _env(alert)
        if mine and trace.environment and mine != trace.environment:
            return False
        phase = await self.journal.field(trace.incident_id, "phase")
        return phase not in {None, Phase.RESOLVED.value}

    async def _read(self, key: str) -> _Trace | None:
        found = await self.redis.get(key) if key else None
        return _Trace.model_validate_json(found) if found else None

    async def _leave(self, key: str, trace: _Trace, *, again: bool = False) -> None:
        """The first incident of a name is the one that is found, for as long as it lasts."""
        if not key:
            return
        known = None if again else await self._read(key)
        if known and await self._counts(known, _NOBODY, trace.at):
            return
        await self.redis.set(key, trace.model_dump_json(), ex=self._kept_s)

    @property
    def _kept_s(self) -> int:
        return max(1, round(2 * self.bounds.window.total_seconds()))

    @property
    def _window(self) -> str:
        return f"{self.bounds.window / timedelta(minutes=1):g} minutes"


def spoken(alert: Alert) -> list[str]:
    """The words of an alert that may name what it is about, the most telling first."""
    words = (alert.service, *(alert.labels.get(name) for name in ("service", "job", "app", "database")))
    return [word for word in words if word]


def _about(name: str | None) -> str:
    return f"nd:about:{name}" if name else ""


def _gathers(channel: str | None) -> str:
    return f"nd:gathers:{channel or ''}"


def _env(alert: Alert) -> str | None:
    return alert.environment.casefold() if alert.environment else None


_NOBODY = Alert.model_validate({"source": "none", "name": "none", "status": "firing", "fingerprint": "none"})
"""Fits every environment."""

"""The event log: the only writer of incidents.

`inc:{id}` (hash) is the authority, `inc:{id}:events` (stream) its history; one script moves both or neither.
The braces make Redis Cluster keep both on one node.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import cast

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from bot.errors import IllegalTransition
from bot.incidents.fold import fold
from bot.incidents.known import KnownHistories
from bot.incidents.lifecycle import moves, phases_where_legal
from bot.models import EVENT, Event, Incident, Phase, Recorded
from bot.storage.scripts import append_event

log = structlog.get_logger(__name__)

OPEN = "nd:incidents:open"
"""Sorted set of incidents that are not over, by the time they were opened."""
CLOSED = "nd:incidents:closed"
"""Sorted set of incidents that are over, by the time they ended."""
DUPLICATES = "duplicates"
"""The field that counts alerts that said nothing new."""
BEGINNINGS = frozenset({"opened", "reopened"})

MANY = 200
"""Histories of one round trip."""

Entries = list[tuple[str, dict[str, str]]]
Listener = Callable[[str, Recorded], Awaitable[None]]


def record_key(incident_id: str) -> str:
    """The hash of the incident."""
    return f"inc:{{{incident_id}}}"


def history_key(incident_id: str) -> str:
    """The stream of its events."""
    return f"inc:{{{incident_id}}}:events"


class Journal:
    """Appends events under the life cycle's rules, and reads incidents back.

    Args:
        redis: decodes responses.
        on_append: told of every new event, after it is durable; schedules the work that follows from it.
        keep: how long an incident is kept after its last event.
    """

    def __init__(
        self, redis: Redis, *, on_append: Listener | None = None, keep: timedelta = timedelta(days=400)
    ) -> None:
        self._redis = redis
        self._on_append = on_append
        self._keep = keep
        self._known = KnownHistories()

    async def append(
        self,
        incident_id: str,
        event: Event,
        *,
        once: str = "",
        expected: Mapping[str, str] | None = None,
        fields: Mapping[str, str] | None = None,
    ) -> Recorded | None:
        """Append the event. None if `once` was appended before (a task that was delivered again).

        Args:
            once: a name under which this event may be appended a single time to this incident.
            expected: fields of the record that must hold these values, such as the proposal an approval is for.
            fields: fields of the record to set in the same step.

        Raises:
            IllegalTransition: not in this phase, or an expected field differs. Nothing was written.
        """
        if event.kind in BEGINNINGS:
            # Before the event and not after it: what is not in the index is swept by nobody, and would be lost.
            await self._redis.zadd(OPEN, {incident_id: event.at.timestamp()}, nx=True)
        move = await append_event(
            self._redis,
            record=record_key(incident_id),
            history=history_key(incident_id),
            moves={start: end.value for start, end in moves(event).items()},
            event=event.model_dump_json(),
            attempt=secrets.token_hex(8),
            once=once,
            expected=expected,
            fields={**_fields(event), **(fields or {})},
        )
        if move.outcome == "again":
            return None
        if move.outcome != "moved":
            raise IllegalTransition(_refusal(incident_id, event, move.outcome, move.phase), phase=move.phase)
        recorded = Recorded(id=move.id, phase=Phase(move.phase), event=event)
        await self._index(incident_id, recorded)
        log.info("incident.event", incident=incident_id, kind=event.kind, phase=move.phase, actor=event.actor)
        if self._on_append:
            await self._on_append(incident_id, recorded)
        return recorded

    async def read(self, incident_id: str) -> Incident:
        """The incident as it stands.

        Raises:
            NotFound: there is none of that id.
        """
        return fold(incident_id, await self.history(incident_id))

    async def history(self, incident_id: str) -> list[Recorded]:
        """Its events in order."""
        known = self._known.of(incident_id)
        entries = await self._redis.xrange(history_key(incident_id), min=_after(known))
        history = [*known, *_read(cast("Entries", entries))]
        self._known.learn(incident_id, history)
        return history

    async def incidents(self, incident_ids: Sequence[str]) -> AsyncIterator[Incident]:
        """Those of the ids that there are, many at a time: for figures, which need none of them at its very latest."""
        for batch in (incident_ids[start : start + MANY] for start in range(0, len(incident_ids), MANY)):
            known = [self._known.of(incident_id) for incident_id in batch]
            async with self._redis.pipeline(transaction=False) as pipe:
                for incident_id, before in zip(batch, known, strict=True):
                    pipe.xrange(history_key(incident_id), min=_after(before))
                answers = await pipe.execute()
            for incident_id, before, entries in zip(batch, known, answers, strict=True):
                try:
                    history = [*before, *_read(entries)]
                except ValidationError as unreadable:
                    _say_unreadable(incident_id, unreadable)
                    continue
                if history:
                    yield fold(incident_id, history)

    async def field(self, incident_id: str, name: str) -> str | None:
        """One field of the record: phase, version, proposal, owner, …"""
        value = await self._redis.hget(record_key(incident_id), name)
        return None if value is None else str(value)

    async def count(self, incident_id: str, name: str, by: int) -> int:
        """Add to a counter beside the record; what it stands at."""
        return int(await self._redis.hincrby(record_key(incident_id), name, by))

    async def counted(self, incident_id: str) -> Incident:
        """The incident as it stands, with what is counted beside its events.

        Raises:
            NotFound: there is none of that id.
        """
        incident = await self.read(incident_id)
        return incident.model_copy(update={"duplicates": int(await self.field(incident_id, DUPLICATES) or 0)})

    async def open_ids(self) -> list[str]:
        """Incidents that are not over, oldest first."""
        return [str(incident) for incident in await self._redis.zrange(OPEN, 0, -1)]

    async def closed_ids(self, *, since: float, limit: int = 500) -> list[str]:
        """Incidents that ended after that Unix time, latest first."""
        found = await self._redis.zrevrangebyscore(CLOSED, "+inf", since, start=0, num=limit)
        return [str(incident) for incident in found]

    async def open_incidents(self) -> AsyncIterator[Incident]:
        """Every incident that is not over, oldest first."""
        for incident_id in await self.open_ids():
            history = await self._legible(incident_id)
            if history and history[-1].phase is Phase.RESOLVED:
                await self._index(incident_id, history[-1])  # a crash fell between the event and its place here
            elif history:
                yield fold(incident_id, history)

    async def closed_incidents(self, *, since: float, limit: int = 500) -> AsyncIterator[Incident]:
        """Every incident that ended after that Unix time, latest first."""
        for incident_id in await self.closed_ids(since=since, limit=limit):
            if history := await self._legible(incident_id):
                yield fold(incident_id, history)

    async def _legible(self, incident_id: str) -> list[Recorded]:
        """One record that cannot be read, such as one of a newer version, must not hide the others."""
        try:
            return await self.history(incident_id)
        except ValidationError as unreadable:
            _say_unreadable(incident_id, unreadable)
            return []

    async def _index(self, incident_id: str, recorded: Recorded) -> None:
        """Both sets are indexes only: a crash before this loses nothing, `append` and `open_incidents` see to that."""
        at = recorded.event.at.timestamp()
        async with self._redis.pipeline(transaction=False) as pipe:
            if recorded.phase is Phase.RESOLVED:
                pipe.zrem(OPEN, incident_id)
                pipe.zadd(CLOSED, {incident_id: at})
                pipe.zremrangebyscore(CLOSED, "-inf", at - self._keep.total_seconds())
                for key in (record_key(incident_id), history_key(incident_id)):
                    pipe.expire(key, self._keep)
            else:
                pipe.zadd(OPEN, {incident_id: at}, nx=True)
                pipe.zrem(CLOSED, incident_id)
                for key in (record_key(incident_id), history_key(incident_id)):
                    pipe.persist(key)
            await pipe.execute()


def _after(known: Sequence[Recorded]) -> str:
    """Where what is not known yet begins."""
    return f"({known[-1].id}" if known else "-"


def _read(entries: Entries) -> list[Recorded]:
    return [
        Recorded(id=identifier, phase=Phase(entry["phase"]), event=EVENT.validate_json(entry["event"]))
        for identifier, entry in entries
    ]


def _say_unreadable(incident_id: str, unreadable: ValidationError) -> None:
    log.error("incident.unreadable", incident=incident_id, why=str(unreadable)[:500])


def _fields(event: Event) -> dict[str, str]:
    if event.kind == "proposed":
        return {"proposal": event.proposal.id, "digest": event.proposal.digest, "endorsed_by": ""}
    if event.kind == "executing":
        return {"owner": event.owner}
    return {}


def _refusal(incident_id: str, event: Event, outcome: str, phase: str) -> str:
    if outcome == "changed":
        return f"Incident {incident_id} has moved on: '{event.kind}' was for something that is no longer current."
    where = " or ".join(phases_where_legal(event))
    return f"Incident {incident_id} is {phase or 'not opened'}; '{event.kind}' may only happen while it is {where}."

"""Sorts what is spooled into incidents: one process at a time, in batches, the most severe first.

Within a batch the notices of one alert stay in order, and those that say the same again are counted together. What was
sorted before and is still true is known by heart, so that a storm of repetitions costs a few round trips a batch. An
alert leaves the spool after it has its place; a process that dies in between leaves it to the next, which finds the
place taken and counts it as a repetition.

An alert that the store refuses while it takes others is tried a few times and then kept aside (`aside`); what was said
of it later goes with it, so that its order stays. While the store refuses everything, everything waits.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence

import structlog
from redis.asyncio import Redis
from redis.exceptions import (
    AskError,
    ClusterError,
    DataError,
    ExecAbortError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)

from bot.incidents.claims import claims_of
from bot.incidents.intake import Intake, told
from bot.incidents.journal import DUPLICATES, record_key
from bot.incidents.spool import Spool, Spooled
from bot.models import Alert, AlertStatus, Phase, Receipt, Severity
from bot.storage.scripts import hold, release

SORTER = "nd:spool:sorter"
"""Who sorts."""
LEASE_MS = 3_000
BATCH = 500
WAIT_MS = 500
BETWEEN_COUNTS_S = 1.0
TRIES = 5
"""Of an alert that the store refuses."""
KNOWN_BY_HEART = 50_000
"""Alerts."""
UNGRADED = Severity.WARNING.rank
"""An alert without a severity waits behind what calls itself bad, and before what calls itself harmless."""

_OF_THE_STORE = (
    OutOfMemoryError,
    ReadOnlyError,
    NoPermissionError,
    NoScriptError,
    ExecAbortError,
    ClusterError,
    TryAgainError,
    AskError,
)
_SAID_BY_THE_STORE = ("BUSY", "MISCONF", "NOREPLICAS", "UNKILLABLE")

Told = Callable[[Spooled, Receipt], None]
Counted = Callable[[str], Awaitable[None]]

log = structlog.get_logger(__name__)


class _NoPlace(Exception):
    """Says why there is none."""


class Sorter:
    """Empties the spool.

    Args:
        owner: names this process.
        on_sorted: told of each alert that has its place.
        on_count: told of an incident whose counters have moved without an event.
        pause: waits for so many seconds.
    """

    def __init__(
        self,
        redis: Redis,
        spool: Spool,
        intake: Intake,
        *,
        owner: str,
        on_sorted: Told,
        on_count: Counted,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._redis = redis
        self._spool = spool
        self._intake = intake
        self._owner = owner
        self._on_sorted = on_sorted
        self._on_count = on_count
        self._pause = pause
        self._refused: Counter[str] = Counter()
        self._moved: set[str] = set()
        self._tell_at = 0.0
        self._sure_until = 0.0
        self._known: OrderedDict[tuple[str, str], tuple[tuple[object, ...], str]] = OrderedDict()

    async def run(self) -> None:
        """Sort until cancelled; while Redis is away, wait for it."""
        holding = asyncio.create_task(self._hold(), name="sorter.lease")
        try:
            while True:
                try:
                    sorts = await self._holds()
                    if sorts:
                        await self.turn()
                    if self._refused or not sorts:
                        await self._pause(WAIT_MS / 1000)
                except RedisError as error:
                    log.warning("sorter.storage", error=f"{type(error).__name__}: {error}")
                    await self._pause(WAIT_MS / 1000)
        finally:
            holding.cancel()
            await asyncio.gather(holding, return_exceptions=True)
            await self._let_go()

    async def turn(self) -> int:
        """Sort one batch; how many alerts it was."""
        batch = await self._spool.read(BATCH, wait_ms=WAIT_MS)
        self._refused = Counter({one.id: self._refused[one.id] for one in batch if one.id in self._refused})
        if batch:
            self._moved.update(await self._sort(batch))
            log.debug("alerts.sorted", alerts=len(batch))
        await self._tell_counts()
        return len(batch)

    async def _tell_counts(self) -> None:
        """Cards count up once a second, not with every batch."""
        now = asyncio.get_running_loop().time()
        if self._moved and now >= self._tell_at:
            self._tell_at = now + BETWEEN_COUNTS_S
            moved, self._moved = self._moved, set()
            for incident_id in sorted(moved):
                await self._on_count(incident_id)

    async def _sort(self, batch: Sequence[Spooled]) -> list[str]:
        """Give each its place; the incidents of which only the counters have moved."""
        groups = _by_alert(batch)
        familiar = await self._familiar([group[0].alert for group in groups])
        counts: Counter[str] = Counter()
        done: list[str] = []
        news: list[list[Spooled]] = []
        for group in groups:
            incident_id = familiar.get(_key(group[0].alert))
            if incident_id is None or len({told(one.alert) for one in group}) > 1:
                news.append(group)
                continue
            counts[incident_id] += len(group)
            for one in group:
                self._on_sorted(one, _duplicate(one.alert, incident_id))
            done += [one.id for one in group]
        await self._count(counts, done)
        for group in sorted(news, key=_urgency):
            counts += await self._place(group)
        return list(counts)

    async def _place(self, group: Sequence[Spooled]) -> Counter[str]:
        """Place the notices of one alert, in order; where one of them has to wait, those after it wait with it."""
        counts: Counter[str] = Counter()
        done: list[str] = []
        before: tuple[tuple[object, ...], Receipt] | None = None
        for place, one in enumerate(group):
            if before and before[0] == told(one.alert) and before[1].incident_id:
                receipt = _duplicate(one.alert, before[1].incident_id)
                counts[before[1].incident_id] += 1
            else:
                try:
                    found = await self._accepted(one)
                except _NoPlace as refused:
                    await self._set_aside(group[place:], str(refused))
                    break
                if found is None:
                    break
                receipt = found
                before = (told(one.alert), receipt)
                self._learn(one.alert, receipt)
            self._on_sorted(one, receipt)
            done.append(one.id)
        await self._count(counts, done)
        return counts

    async def _accepted(self, one: Spooled) -> Receipt | None:
        """Its place; None where it waits for another try.

        Raises:
            _NoPlace: there is none for it; it must not hold up all others for ever.
        """
        try:
            (receipt,) = await self._intake.accept([one.alert])
        except RedisError as error:
            _require_of_one(error)
            self._refused[one.id] += 1
            log.warning("sorter.refused", alert=one.alert.name, fingerprint=one.alert.fingerprint, why=str(error))
            if self._refused[one.id] < TRIES:
                return None
            raise _NoPlace(f"Redis refuses it: {error}") from error
        except Exception as error:  # boundary: one alert that breaks its reader must not hold up all that came after it
            log.exception("sorter.no_place", alert=one.alert.name, fingerprint=one.alert.fingerprint, why=str(error))
            raise _NoPlace(f"{type(error).__name__}: {error}") from error
        return receipt

    async def _set_aside(self, group: Sequence[Spooled], why: str) -> None:
        """All of them, to be sorted in their order one day. A store that takes nothing does not take this either."""
        await self._spool.aside.put([one.id for one in group], why)
        for one in group:
            self._on_sorted(one, Receipt(fingerprint=one.alert.fingerprint, outcome="queued"))

    async def _count(self, counts: Counter[str], done: Sequence[str]) -> None:
        if counts:
            async with self._redis.pipeline(transaction=False) as pipe:
                for incident_id, count in counts.items():
                    pipe.hincrby(record_key(incident_id), DUPLICATES, count)
                answers = await pipe.execute(raise_on_error=False)
            for incident_id, answer in zip(counts, answers, strict=True):
                if isinstance(answer, RedisError):
                    _require_of_one(answer)
                    log.warning("sorter.not_counted", incident=incident_id, why=str(answer))
        await self._spool.remove(done)

    async def _familiar(self, alerts: Sequence[Alert]) -> dict[tuple[str, str], str]:
        """Alert → open incident, of those that are known by heart and of which that is still true."""
        known = [(alert, self._known.get(_key(alert))) for alert in alerts]
        same = [(alert, entry[1]) for alert, entry in known if entry and entry[0] == told(alert)]
        if not same:
            return {}
        claims = [claims_of(alert)[0] for alert, _ in same]
        incidents = list(dict.fromkeys(incident_id for _, incident_id in same))
        async with self._redis.pipeline(transaction=False) as pipe:
            for claim in claims:
                pipe.get(claim)
            for incident_id in incidents:
                pipe.hget(record_key(incident_id), "phase")
            answers = await pipe.execute(raise_on_error=False)  # what cannot be read is not known: the intake looks
        holders, phases = answers[: len(claims)], dict(zip(incidents, answers[len(claims) :], strict=True))
        return {
            _key(alert): incident_id
            for (alert, incident_id), holder in zip(same, holders, strict=True)
            if holder == incident_id and isinstance(phases[incident_id], str) and phases[incident_id] != Phase.RESOLVED
        }

    def _learn(self, alert: Alert, receipt: Receipt) -> None:
        self._known.pop(_key(alert), None)
        if receipt.incident_id and alert.status is AlertStatus.FIRING:
            self._known[_key(alert)] = (told(alert), receipt.incident_id)
        while len(self._known) > KNOWN_BY_HEART:
            self._known.popitem(last=False)

    async def _holds(self) -> bool:
        """Whether this process sorts; asked again well before the lease could end."""
        now = asyncio.get_running_loop().time()
        if now >= self._sure_until:
            held = await hold(self._redis, SORTER, self._owner, ttl_ms=LEASE_MS)
            self._sure_until = now + LEASE_MS / 4000 if held else 0.0
        return bool(self._sure_until)

    async def _hold(self) -> None:
        """Keep the lease while a batch is sorted."""
        while True:
            await self._pause(LEASE_MS / 3000)
            try:
                await self._holds()
            except RedisError as error:
                log.warning("sorter.lease", error=f"{type(error).__name__}: {error}")

    async def _let_go(self) -> None:
        """The next process need not wait for the lease to end."""
        try:
            await release(self._redis, SORTER, self._owner)
        except RedisError as error:
            log.warning("sorter.lease", error=f"{type(error).__name__}: {error}")


def _require_of_one(error: RedisError) -> None:
    """Raise the error unless the store refused what was asked: what it says of itself passes, or a person mends it."""
    of_the_store = isinstance(error, _OF_THE_STORE) or str(error).startswith(_SAID_BY_THE_STORE)
    if of_the_store or not isinstance(error, ResponseError | DataError):
        raise error


def _by_alert(batch: Iterable[Spooled]) -> list[list[Spooled]]:
    groups: dict[tuple[str, str], list[Spooled]] = {}
    for one in batch:
        groups.setdefault(_key(one.alert), []).append(one)
    return list(groups.values())


def _urgency(group: Sequence[Spooled]) -> int:
    """The worst of its notices; lower is more urgent. What came first goes first among equals."""
    return min(one.alert.severity.rank if one.alert.severity else UNGRADED for one in group)


def _key(alert: Alert) -> tuple[str, str]:
    return alert.source, alert.fingerprint


def _duplicate(alert: Alert, incident_id: str) -> Receipt:
    return Receipt(fingerprint=alert.fingerprint, outcome="duplicate", incident_id=incident_id)

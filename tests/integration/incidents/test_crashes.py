"""What dies or races between two writes loses no alert: the sweep finds every incident, and nothing closes unseen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.catalog import Catalog, Service
from bot.incidents import Intake, Journal
from bot.models import Alert, Event, Phase, Recorded, Resolved
from bot.storage import connect

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
CATALOG = Catalog(services={"payments": Service()})
Interruption = Callable[[], Awaitable[None]]


class Died(BaseException):
    """The process is gone: nothing after this line ran."""


class Fragile(Journal):
    """A journal whose process can die right after an event, and between whose reads and writes others may write."""

    dies_after: str | None = None
    before: tuple[str, Interruption] | None = None

    async def append(self, incident_id: str, event: Event, **how: object) -> Recorded | None:
        if self.before and self.before[0] == event.kind:
            (_, interruption), self.before = self.before, None
            await interruption()
        return await super().append(incident_id, event, **how)  # type: ignore[arg-type]

    async def _index(self, incident_id: str, recorded: Recorded) -> None:
        if self.dies_after == recorded.event.kind:
            self.dies_after = None
            raise Died
        await super()._index(incident_id, recorded)


class Room:
    def __init__(self, url: str) -> None:
        self.now = NOW
        self.redis = connect(url)
        self.journal = Fragile(self.redis)
        self.intake = Intake(self.redis, self.journal, lambda: CATALOG, lambda: self.now, channel="C0DEFAULT")

    async def take(self, alert: Alert) -> str:
        (receipt,) = await self.intake.accept([alert])
        return receipt.outcome

    async def swept(self) -> list[str]:
        return [incident.id async for incident in self.journal.open_incidents()]


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    room = Room(redis_url)
    yield room
    await room.redis.aclose()


def alert(fingerprint: str = "f1", status: str = "firing", **fields: object) -> Alert:
    return Alert.model_validate(
        {"source": "alertmanager", "name": "PaymentsFailing", "status": status, "fingerprint": fingerprint,
         "starts_at": NOW, "group_key": "g", **fields}
    )  # fmt: skip


async def test_an_incident_whose_opening_was_cut_short_is_swept(room: Room) -> None:
    room.journal.dies_after = "opened"
    with pytest.raises(Died):
        await room.take(alert())
    assert await room.take(alert()) == "duplicate", "the sender came again, and was told that all is well"
    assert len(await room.swept()) == 1


async def test_an_incident_whose_opening_was_cut_short_is_found_by_its_neighbours(room: Room) -> None:
    room.journal.dies_after = "opened"
    with pytest.raises(Died):
        await room.take(alert(service="payments"))
    await room.take(alert(service="payments"))
    assert await room.take(alert("another", service="payments", group_key="another")) == "joined"
    assert len(await room.swept()) == 1


async def test_an_incident_whose_reopening_was_cut_short_is_swept(room: Room) -> None:
    await room.take(alert())
    await room.take(alert(status="resolved", ends_at=NOW))
    room.now += timedelta(minutes=1)
    room.journal.dies_after = "reopened"
    with pytest.raises(Died):
        await room.take(alert(starts_at=room.now))
    assert await room.take(alert(starts_at=room.now)) == "duplicate"
    assert len(await room.swept()) == 1


async def test_an_incident_whose_end_was_cut_short_is_filed_by_the_sweep(room: Room) -> None:
    await room.take(alert())
    (incident_id,) = await room.swept()
    room.journal.dies_after = "resolved"
    with pytest.raises(Died):
        await room.take(alert(status="resolved", ends_at=NOW))
    assert await room.swept() == []
    assert await room.journal.open_ids() == []
    assert await room.journal.closed_ids(since=0) == [incident_id]


async def test_an_alert_that_joins_while_the_last_one_resolves_keeps_the_incident_open(room: Room) -> None:
    await room.take(alert("a"))
    other = Intake(room.redis, Journal(room.redis), Catalog, lambda: NOW)

    async def another_fires() -> None:
        await other.accept([alert("b")])

    room.journal.before = ("resolved", another_fires)
    assert await room.take(alert("a", "resolved", ends_at=NOW)) == "joined"
    (incident_id,) = await room.swept()
    assert (await room.journal.read(incident_id)).firing


async def test_an_alert_whose_incident_ends_while_it_joins_brings_it_back(room: Room) -> None:
    await room.take(alert("a"))
    (incident_id,) = await room.swept()

    async def it_ends() -> None:
        await Journal(room.redis).append(incident_id, Resolved(at=NOW, reason="a person ended it"))

    room.journal.before = ("alert_joined", it_ends)
    assert await room.take(alert("b")) == "reopened"
    assert (await room.journal.read(incident_id)).phase is Phase.INVESTIGATING


async def test_a_claim_without_an_incident_is_not_opened_by_the_end_of_its_alert(room: Room) -> None:
    async def the_process_dies() -> None:
        raise Died

    room.journal.before = ("opened", the_process_dies)
    with pytest.raises(Died):
        await room.take(alert())
    assert await room.take(alert(status="resolved", ends_at=NOW)) == "ignored"


async def test_a_reopened_incident_ends_with_the_alerts_that_brought_it_back(room: Room) -> None:
    await room.take(alert("a"))
    await room.take(alert("b"))
    (incident_id,) = await room.swept()
    await room.journal.append(incident_id, Resolved(at=NOW, reason="recovered"))
    await room.take(alert("b", "resolved", ends_at=NOW))  # nobody records it: the incident is over
    room.now += timedelta(minutes=1)
    assert await room.take(alert("a", starts_at=room.now)) == "reopened"
    assert await room.take(alert("a", "resolved", starts_at=room.now, ends_at=room.now)) == "resolved"


async def test_the_list_of_ended_incidents_forgets_those_that_are_no_longer_kept(room: Room) -> None:
    journal = Journal(room.redis, keep=timedelta(days=30))
    intake = Intake(room.redis, journal, Catalog, lambda: room.now)
    await intake.accept([alert("old", group_key=None), alert("old", "resolved", group_key=None, ends_at=NOW)])
    room.now += timedelta(days=31)
    await intake.accept([alert("new", group_key=None), alert("new", "resolved", group_key=None, ends_at=NOW)])
    assert len(await journal.closed_ids(since=0)) == 1


async def test_in_a_storm_each_alert_reads_only_what_came_since_it_looked_last(room: Room) -> None:
    """Reading the whole history for each alert takes minutes for a thousand of them: their sender gives up."""
    await room.take(alert("0"))
    await room.redis.config_resetstat()
    for number in range(1, 60):
        await room.take(alert(str(number)))
    sent = int((await room.redis.info("stats"))["total_net_output_bytes"])
    (incident,) = [incident async for incident in room.journal.open_incidents()]
    size = sum(len(recorded.model_dump_json()) for recorded in incident.history)
    assert len(incident.alerts) == 60
    assert sent < 8 * size


async def test_what_another_replica_appends_is_seen_at_once(room: Room) -> None:
    await room.take(alert("a"))
    (incident_id,) = await room.swept()
    other = Intake(room.redis, Journal(room.redis), Catalog, lambda: NOW)
    await other.accept([alert("b")])
    assert len((await room.journal.read(incident_id)).alerts) == 2

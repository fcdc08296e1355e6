"""Alerts become incidents: durable, grouped, each once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.catalog import Catalog, Service
from bot.incidents import Intake, Journal
from bot.incidents.intake import new_id
from bot.models import Alert, AlertStatus, HandedOver, Phase, Recorded, Resolved
from bot.storage import connect

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
CATALOG = Catalog(services={"payments": Service(aliases=("scan-to-pay",), channel="C0PAY")})


class Room:
    """An intake with a clock that the test moves."""

    def __init__(self, url: str) -> None:
        self.now = NOW
        self.redis = connect(url)
        self.appended: list[tuple[str, Recorded]] = []
        self.journal = Journal(self.redis, on_append=self._appended)
        self.intake = Intake(self.redis, self.journal, lambda: CATALOG, lambda: self.now, channel="C0DEFAULT")

    async def _appended(self, incident_id: str, recorded: Recorded) -> None:
        self.appended.append((incident_id, recorded))


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    room = Room(redis_url)
    yield room
    await room.redis.aclose()


def an_alert(fingerprint: str = "f1", status: str = "firing", **fields: object) -> Alert:
    return Alert.model_validate(
        {"source": "alertmanager", "name": "PaymentsFailing", "status": status, "fingerprint": fingerprint,
         "service": "scan-to-pay", "starts_at": NOW, **fields}
    )  # fmt: skip


async def test_a_first_alert_opens_an_incident_in_the_channel_of_its_service(room: Room) -> None:
    (receipt,) = await room.intake.accept([an_alert()])
    incident = await room.journal.read(receipt.incident_id)
    assert receipt.outcome == "opened"
    assert (incident.service, incident.channel, incident.phase) == ("payments", "C0PAY", Phase.INVESTIGATING)


async def test_the_same_alert_again_is_counted_and_not_stored(room: Room) -> None:
    (first,) = await room.intake.accept([an_alert()])
    (second,) = await room.intake.accept([an_alert()])
    assert (second.outcome, second.incident_id) == ("duplicate", first.incident_id)
    assert await room.journal.field(first.incident_id, "duplicates") == "1"
    assert len(await room.journal.history(first.incident_id)) == 1


async def test_the_same_alert_with_another_beginning_is_news(room: Room) -> None:
    (first,) = await room.intake.accept([an_alert()])
    (again,) = await room.intake.accept([an_alert(starts_at=NOW + timedelta(minutes=1))])
    assert (again.outcome, again.incident_id) == ("joined", first.incident_id)


async def test_a_repetition_does_not_take_an_incident_back_from_people(room: Room) -> None:
    (first,) = await room.intake.accept([an_alert()])
    await room.journal.append(first.incident_id, HandedOver(at=room.now, reason="nothing fits"))
    room.now += timedelta(hours=2)
    (told_again,) = await room.intake.accept([an_alert()])
    assert (told_again.outcome, told_again.incident_id) == ("duplicate", first.incident_id)
    (anew,) = await room.intake.accept([an_alert(starts_at=room.now)])
    assert (anew.outcome, anew.incident_id) == ("reopened", first.incident_id)


async def test_what_people_left_firing_and_comes_again_as_it_was_is_no_return(room: Room) -> None:
    first, _ = await room.intake.accept([an_alert("a", group_key="g"), an_alert("b", group_key="g")])
    await room.journal.append(first.incident_id, HandedOver(at=room.now, reason="nothing fits"))
    room.now += timedelta(hours=2)
    (again,) = await room.intake.accept([an_alert("b", group_key="g")])
    assert (again.outcome, again.incident_id) == ("duplicate", first.incident_id)
    assert (await room.journal.read(first.incident_id)).phase is Phase.HANDED_OVER


async def test_alerts_of_one_sender_group_share_an_incident(room: Room) -> None:
    first, second = await room.intake.accept([an_alert("a", group_key="g"), an_alert("b", group_key="g")])
    assert (second.outcome, second.incident_id) == ("joined", first.incident_id)


async def test_it_resolves_when_the_last_alert_resolves(room: Room) -> None:
    first, _ = await room.intake.accept([an_alert("a", group_key="g"), an_alert("b", group_key="g")])
    (one,) = await room.intake.accept([an_alert("a", "resolved", group_key="g", ends_at=NOW)])
    assert one.outcome == "joined"
    (other,) = await room.intake.accept([an_alert("b", "resolved", group_key="g", ends_at=NOW)])
    assert other.outcome == "resolved"
    assert (await room.journal.read(first.incident_id)).phase is Phase.RESOLVED
    assert await room.journal.open_ids() == []


async def test_a_resolved_alert_that_nobody_saw_fire_leaves_no_trace(room: Room) -> None:
    (receipt,) = await room.intake.accept([an_alert(status="resolved")])
    assert receipt.outcome == "ignored"
    assert await room.redis.keys("*") == []


async def test_an_alert_that_comes_back_soon_reopens_and_later_opens_a_new_one(room: Room) -> None:
    (first,) = await room.intake.accept([an_alert()])
    await room.intake.accept([an_alert(status="resolved", ends_at=NOW)])
    room.now += timedelta(minutes=5)
    (again,) = await room.intake.accept([an_alert(starts_at=room.now)])
    assert (again.outcome, again.incident_id) == ("reopened", first.incident_id)
    await room.intake.accept([an_alert(status="resolved", ends_at=room.now)])
    room.now += timedelta(hours=2)
    (later,) = await room.intake.accept([an_alert(starts_at=room.now)])
    assert later.outcome == "opened"
    assert later.incident_id != first.incident_id


async def test_the_same_firing_told_again_right_after_the_end_wakes_nobody(room: Room) -> None:
    (first,) = await room.intake.accept([an_alert()])
    await room.journal.append(first.incident_id, Resolved(at=room.now, reason="recovered"))
    room.now += timedelta(minutes=4)
    (late,) = await room.intake.accept([an_alert()])
    assert (late.outcome, late.incident_id) == ("duplicate", first.incident_id)
    room.now += timedelta(minutes=2)
    (still,) = await room.intake.accept([an_alert()])
    assert still.outcome == "reopened"


async def test_twenty_replicas_that_take_the_same_alert_open_one_incident(redis_url: str) -> None:
    rooms = [Room(redis_url) for _ in range(20)]
    try:
        receipts = await asyncio.gather(*(room.intake.accept([an_alert(group_key="g")]) for room in rooms))
        assert len({receipt.incident_id for (receipt,) in receipts}) == 1
        assert sum(receipt.outcome == "opened" for (receipt,) in receipts) == 1
        assert len(await rooms[0].journal.open_ids()) == 1
    finally:
        for room in rooms:
            await room.redis.aclose()


async def test_a_claim_whose_incident_was_never_written_is_completed_by_the_next_delivery(room: Room) -> None:
    claims = [key async for key in _claims_after_crash(room)]
    (receipt,) = await room.intake.accept([an_alert()])
    assert receipt.outcome == "opened"
    assert [await room.redis.get(key) for key in claims] == [receipt.incident_id]


async def _claims_after_crash(room: Room) -> AsyncIterator[str]:
    await room.intake.accept([an_alert()])
    incident_id = room.appended[0][0]
    await room.redis.delete(f"inc:{{{incident_id}}}", f"inc:{{{incident_id}}}:events")
    async for key in room.redis.scan_iter("nd:claim:*"):
        yield str(key)


async def test_the_incident_is_durable_and_announced_before_the_receipt(room: Room) -> None:
    (receipt,) = await room.intake.accept([an_alert()])
    assert [(incident_id, recorded.event.kind) for incident_id, recorded in room.appended] == [
        (receipt.incident_id, "opened")
    ]


def test_ids_sort_by_day_and_avoid_letters_that_look_alike() -> None:
    fresh = new_id(NOW)
    assert fresh.startswith("260301-")
    assert not set(fresh[7:]) & set("01OIL")


@pytest.mark.parametrize("status", [AlertStatus.ACKNOWLEDGED, AlertStatus.SUPPRESSED])
async def test_other_states_join_without_resolving(room: Room, status: AlertStatus) -> None:
    (first,) = await room.intake.accept([an_alert()])
    (receipt,) = await room.intake.accept([an_alert(status=status.value)])
    assert receipt.outcome == "joined"
    assert (await room.journal.read(first.incident_id)).phase is Phase.INVESTIGATING

"""The spool, its sorter and the reception: durable first, sorted once, never more than may wait."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.exceptions import OutOfMemoryError, RedisError

from bot.catalog import Catalog
from bot.errors import Overloaded
from bot.incidents import Intake, Journal
from bot.incidents.aside import SPOOL
from bot.incidents.claims import claims_of
from bot.incidents.grouping import Bounds
from bot.incidents.journal import DUPLICATES, record_key
from bot.incidents.reception import Reception
from bot.incidents.sorter import SORTER, TRIES, Sorter
from bot.incidents.spool import Spool, Spooled
from bot.models import Alert, Phase, Receipt, Resolved
from bot.storage import connect
from tests.servers.process import wait_until

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)


def an_alert(fingerprint: str, status: str = "firing", **fields: object) -> Alert:
    return Alert.model_validate(
        {"source": "alertmanager", "name": "Slow", "status": status, "fingerprint": fingerprint, "starts_at": NOW,
         **fields}
    )  # fmt: skip


class Room:
    """One process that takes alerts in; its sorter works when the test says so."""

    def __init__(self, url: str, *, owner: str = "one", most_spooled: int = 1000) -> None:
        self.redis = connect(url)
        self.journal = Journal(self.redis)
        self.intake = Intake(
            self.redis, self.journal, Catalog, lambda: NOW, bounds=Bounds(most_openings=1000), channel="C0"
        )
        self.spool = Spool(self.redis)
        self.reception = Reception(self.spool, owner=owner, most_spooled=most_spooled)
        self.receipts: list[tuple[str, Receipt]] = []
        self.counted: list[str] = []
        self.sorter = Sorter(
            self.redis, self.spool, self.intake, owner=owner, on_sorted=self._sorted, on_count=self._count
        )

    def _sorted(self, one: Spooled, receipt: Receipt) -> None:
        self.receipts.append((one.alert.fingerprint, receipt))
        self.reception.sorted(one, receipt)

    async def _count(self, incident_id: str) -> None:
        self.counted.append(incident_id)

    async def spooled(self, *alerts: Alert) -> None:
        await self.spool.add(alerts, [""] * len(alerts))

    async def received(self) -> int:
        """Alerts of all incidents: the first, those that joined and those that were counted."""
        incidents = [await self.journal.counted(one) for one in await self.journal.open_ids()]
        return sum(1 + incident.joined + incident.duplicates for incident in incidents)


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    room = Room(redis_url)
    yield room
    await room.redis.aclose()


async def test_in_calm_the_answer_says_where_the_alert_went(room: Room) -> None:
    answering = asyncio.create_task(room.reception.accept([an_alert("a")]))
    while not await room.sorter.turn():
        pass
    (receipt,) = await answering
    assert (receipt.outcome, [receipt.incident_id]) == ("opened", await room.journal.open_ids())
    assert await room.spool.length() == 0


async def test_when_many_come_at_once_the_answer_does_not_wait(room: Room) -> None:
    receipts = await room.reception.accept([an_alert(str(number)) for number in range(50)])
    assert {receipt.outcome for receipt in receipts} == {"queued"}
    assert await room.spool.length() == 50


async def test_requests_that_wait_together_are_written_together(room: Room) -> None:
    await room.redis.config_resetstat()
    await asyncio.gather(*(room.spooled(an_alert(str(number))) for number in range(40)))
    calls = (await room.redis.info("commandstats"))["cmdstat_exec"]["calls"]
    assert await room.spool.length() == 40
    assert calls <= 2


async def test_a_storm_of_repetitions_is_counted_and_leaves_one_event_an_alert(room: Room) -> None:
    await room.spooled(*(an_alert(str(number % 7)) for number in range(700)))
    while await room.spool.length() or room.sorter._moved:
        await room.sorter.turn()
    assert len(await room.journal.open_ids()) == 7
    assert await room.received() == 700
    assert {len(await room.journal.history(one)) for one in await room.journal.open_ids()} == {1}
    assert set(room.counted) == set(await room.journal.open_ids())


async def test_what_is_known_by_heart_is_believed_only_while_it_is_true(room: Room) -> None:
    await room.spooled(an_alert("a"))
    await room.sorter.turn()
    (incident_id,) = await room.journal.open_ids()
    await room.journal.append(incident_id, Resolved(at=NOW - timedelta(hours=1), reason="a person ended it"))
    await room.spooled(an_alert("a"))
    await room.sorter.turn()
    assert room.receipts[-1][1].outcome == "opened"


async def test_the_end_of_an_alert_is_not_counted_as_one_more_of_its_repetitions(room: Room) -> None:
    await room.spooled(an_alert("a"))
    await room.sorter.turn()
    (incident_id,) = await room.journal.open_ids()
    await room.spooled(an_alert("a"), an_alert("a", "resolved", ends_at=NOW))
    await room.sorter.turn()
    assert (await room.journal.read(incident_id)).phase is Phase.RESOLVED


async def test_the_notices_of_one_alert_stay_in_order(room: Room) -> None:
    later = NOW + timedelta(minutes=1)
    said = (
        an_alert("a"),
        an_alert("a", "resolved", ends_at=NOW),
        an_alert("a", starts_at=later),
        an_alert("a", starts_at=later),
    )
    await room.spooled(*said)
    await room.sorter.turn()
    assert [receipt.outcome for _, receipt in room.receipts] == ["opened", "resolved", "reopened", "duplicate"]


async def test_the_most_severe_of_a_batch_are_sorted_first(room: Room) -> None:
    grades = ("low", None, "critical", "warning", "high")
    await room.spooled(*(an_alert(str(grade), severity=grade) for grade in grades))
    await room.sorter.turn()
    assert [name for name, _ in room.receipts] == ["critical", "high", "None", "warning", "low"]


async def test_before_the_spool_is_too_long_senders_are_told_when_to_come_again(redis_url: str) -> None:
    room = Room(redis_url, most_spooled=100)
    await room.reception.accept([an_alert(str(number)) for number in range(100)])
    with pytest.raises(Overloaded, match="100 alerts wait") as refused:
        await room.reception.accept([an_alert("one more")])
    assert refused.value.retry_after_s >= 1
    while await room.spool.length():
        await room.sorter.turn()
    assert [receipt.outcome for receipt in await room.reception.accept([an_alert(str(n)) for n in range(50)])] == [
        "queued"
    ] * 50
    await room.redis.aclose()


async def test_a_process_that_dies_between_the_place_and_the_spool_loses_and_doubles_nothing(
    room: Room, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await room.spooled(*(an_alert(str(number)) for number in range(5)))

    async def dies(entry_ids: object) -> None:
        if entry_ids:
            raise asyncio.CancelledError

    monkeypatch.setattr(room.spool, "remove", dies)
    with pytest.raises(asyncio.CancelledError):
        await room.sorter.turn()
    heir = Room(redis_url, owner="two")
    await heir.sorter.turn()
    assert await heir.spool.length() == 0
    assert len(await heir.journal.open_ids()) == 5
    assert Counter(receipt.outcome for _, receipt in heir.receipts) == {"duplicate": 1, "opened": 4}
    await heir.redis.aclose()


async def test_one_process_sorts_and_the_next_takes_over(room: Room, redis_url: str) -> None:
    sorting = asyncio.create_task(room.sorter.run())

    async def sorts() -> bool:
        return bool(await room.redis.get(SORTER) == "one")

    await wait_until(sorts)
    heir = Room(redis_url, owner="two")
    assert not await heir.sorter._holds()
    sorting.cancel()
    await asyncio.gather(sorting, return_exceptions=True)
    assert await heir.sorter._holds()
    await heir.redis.aclose()


async def test_an_alert_that_breaks_its_reader_is_kept_aside_and_holds_up_no_other(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept = room.intake.accept

    async def picky(alerts: list[Alert]) -> list[Receipt]:
        if alerts[0].fingerprint == "bad":
            raise ZeroDivisionError
        return await accept(alerts)

    monkeypatch.setattr(room.intake, "accept", picky)
    await room.spooled(an_alert("bad", severity="critical"), an_alert("good"))
    await room.redis.xadd(SPOOL, {"ticket": "", "alert": "{}"})
    await room.sorter.turn()
    assert [name for name, receipt in room.receipts if receipt.incident_id] == ["good"]
    assert {one.why for one in await room.spool.aside.all()} == {"ZeroDivisionError: ", "this version cannot read it"}
    assert await room.spool.length() == 0


async def test_an_alert_that_redis_refuses_for_good_is_kept_aside_and_holds_up_no_other(room: Room) -> None:
    bad, good = an_alert("bad", severity="critical"), an_alert("good")
    await room.redis.sadd(claims_of(bad)[0], "what another program wrote")
    await room.spooled(bad, good)

    await room.sorter.turn()
    assert [name for name, receipt in room.receipts if receipt.incident_id] == ["good"]
    assert await room.spool.length() == 1
    for _ in range(TRIES):
        await room.sorter.turn()

    (kept,) = await room.spool.aside.all()
    assert kept.alert == bad
    assert "WRONGTYPE" in kept.why
    assert await room.spool.length() == 0


async def test_what_was_kept_aside_is_sorted_again_once_the_reason_is_mended(room: Room) -> None:
    (claim,) = claims_of(an_alert("bad"))
    await room.redis.sadd(claim, "what another program wrote")
    await room.spooled(an_alert("bad"), an_alert("bad", "resolved", ends_at=NOW))
    for _ in range(2 * TRIES):
        await room.sorter.turn()
    assert await room.spool.aside.count() == 2

    await room.redis.delete(claim)
    assert await room.spool.aside.again() == 2
    await room.sorter.turn()
    assert [receipt.outcome for _, receipt in room.receipts if receipt.incident_id] == ["opened", "resolved"]
    assert await room.spool.aside.count() == 0


async def test_what_is_said_of_an_alert_later_waits_until_it_has_its_place(room: Room) -> None:
    (claim,) = claims_of(an_alert("bad"))
    await room.redis.sadd(claim, "what another program wrote")
    await room.spooled(an_alert("bad"), an_alert("bad", "resolved", ends_at=NOW))
    await room.sorter.turn()
    await room.redis.delete(claim)

    await room.sorter.turn()
    assert [receipt.outcome for _, receipt in room.receipts] == ["opened", "resolved"]


async def test_a_claim_or_a_counter_that_went_bad_after_it_was_known_holds_up_no_other(room: Room) -> None:
    await room.spooled(an_alert("claim"), an_alert("counter"), an_alert("sound"))
    await room.sorter.turn()
    held = {name: str(receipt.incident_id) for name, receipt in room.receipts}
    (claim,) = claims_of(an_alert("claim"))
    await room.redis.delete(claim)
    await room.redis.sadd(claim, "what another program wrote")
    await room.redis.hset(record_key(held["counter"]), DUPLICATES, "many")

    await room.spooled(an_alert("claim"), an_alert("counter"), an_alert("sound"))
    for _ in range(TRIES):
        await room.sorter.turn()
    assert (await room.journal.counted(held["sound"])).duplicates == 1
    assert await room.spool.length() == 0
    assert await room.spool.aside.count() == 1


async def test_while_redis_takes_nothing_everything_waits_and_nothing_is_put_aside(room: Room) -> None:
    await room.spooled(an_alert("a"), an_alert("b"))
    await room.redis.config_set("maxmemory", 1)
    try:
        for _ in range(2 * TRIES):
            with pytest.raises(OutOfMemoryError):
                await room.sorter.turn()
    finally:
        await room.redis.config_set("maxmemory", 0)
    assert (await room.spool.length(), await room.spool.aside.count()) == (2, 0)
    await room.sorter.turn()
    assert [receipt.outcome for _, receipt in room.receipts] == ["opened", "opened"]


async def test_what_redis_did_not_take_is_not_acknowledged_and_not_remembered(redis_url: str) -> None:
    room = Room("redis://127.0.0.1:1/0")
    with pytest.raises(RedisError):
        await room.reception.accept([an_alert("a")])
    assert room.reception._waiting == {}
    await room.redis.aclose()

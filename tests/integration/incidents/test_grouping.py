"""Topology and time, a storm's one thread, flapping and silences: what an alert's incident is, and why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.catalog import Catalog, Database, Service
from bot.errors import NotFound
from bot.incidents import Intake, Journal
from bot.incidents.grouping import Bounds
from bot.incidents.silences import Silences
from bot.models import Alert, AlertJoined, Incident, Matcher, Noted, Phase, Receipt
from bot.storage import connect

NOW = datetime(2026, 3, 1, 3, 12, tzinfo=UTC)
CATALOG = Catalog(
    services={
        "checkout": Service(depends_on=("payments", "mail"), channel="C0"),
        "payments": Service(databases=("payments-db",), channel="C0"),
        "mail": Service(channel="C0"),
        "search": Service(channel="C0"),
        **{f"alone-{number}": Service(channel="C0") for number in range(20)},
    },
    databases={"payments-db": Database(dsn_env="NOT_SET")},
)


class Room:
    """An intake with a clock that the test moves."""

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        self.now = NOW
        self.redis = connect(url)
        self.journal = Journal(self.redis)
        self.intake = Intake(self.redis, self.journal, lambda: CATALOG, lambda: self.now, channel="C0", bounds=bounds)
        self.silences = Silences(self.redis)

    async def take(self, service: str | None, status: str = "firing", **fields: object) -> Receipt:
        alert = Alert.model_validate(
            {"source": "alertmanager", "name": f"{service} is slow", "status": status, "fingerprint": f"f-{service}",
             "service": service, "starts_at": self.now, **fields}
        )  # fmt: skip
        (receipt,) = await self.intake.accept([alert])
        return receipt

    async def incident(self, receipt: Receipt) -> Incident:
        return await self.journal.read(receipt.incident_id)

    async def why(self, receipt: Receipt) -> str:
        recorded = (await self.incident(receipt)).last("alert_joined")
        assert recorded
        assert isinstance(recorded.event, AlertJoined)
        return recorded.event.why


@pytest.fixture
async def room(redis_url: str) -> AsyncIterator[Room]:
    room = Room(redis_url)
    yield room
    await room.redis.aclose()


async def test_an_alert_of_a_dependency_joins_the_incident_of_its_dependant_and_says_why(room: Room) -> None:
    first = await room.take("checkout")
    second = await room.take("payments")
    assert (second.outcome, second.incident_id) == ("joined", first.incident_id)
    assert await room.why(first) == "checkout depends on payments, within 5 minutes"


async def test_a_database_is_found_under_the_services_that_stand_on_it_by_the_whole_way(room: Room) -> None:
    first = await room.take("checkout")
    assert (await room.take("payments-db")).incident_id == first.incident_id
    assert await room.why(first) == "checkout depends on payments, which depends on payments-db, within 5 minutes"


async def test_the_symptom_joins_the_cause_too(room: Room) -> None:
    first = await room.take("payments-db")
    assert (await room.take("payments")).incident_id == first.incident_id
    assert await room.why(first) == "payments depends on payments-db, within 5 minutes"


async def test_two_services_that_share_only_a_dependant_are_two_incidents(room: Room) -> None:
    one, other = await room.take("payments"), await room.take("mail")
    assert one.incident_id != other.incident_id


async def test_another_alert_of_the_same_service_joins(room: Room) -> None:
    first = await room.take("search")
    assert (await room.take("search", fingerprint="other")).incident_id == first.incident_id
    assert await room.why(first) == "another alert of search within 5 minutes"


async def test_after_the_window_a_neighbour_is_an_incident_of_its_own(room: Room) -> None:
    first = await room.take("checkout")
    room.now += timedelta(minutes=5, seconds=1)
    assert (await room.take("payments")).incident_id != first.incident_id


async def test_every_alert_that_joins_lengthens_the_window(room: Room) -> None:
    first = await room.take("checkout")
    for service in ("payments", "mail"):
        room.now += timedelta(minutes=4)
        assert (await room.take(service)).incident_id == first.incident_id


async def test_an_incident_that_is_over_has_no_neighbours(room: Room) -> None:
    first = await room.take("checkout")
    await room.take("checkout", "resolved", ends_at=NOW)
    assert (await room.take("payments")).incident_id != first.incident_id


async def test_environments_are_not_mixed_and_silence_about_one_fits_all(room: Room) -> None:
    first = await room.take("checkout", environment="production")
    assert (await room.take("payments", environment="staging")).incident_id != first.incident_id
    assert (await room.take("mail", environment=None)).incident_id == first.incident_id


async def test_of_two_incidents_of_one_name_the_first_gathers_for_as_long_as_it_lasts(room: Room) -> None:
    first = await room.take("search", environment="staging")
    second = await room.take("search", fingerprint="other", environment="production")
    assert second.incident_id != first.incident_id
    assert (await room.take("search", fingerprint="third")).incident_id == first.incident_id


async def test_without_a_window_only_senders_group(redis_url: str) -> None:
    room = Room(redis_url, Bounds(window=timedelta(0)))
    assert (await room.take("checkout")).incident_id != (await room.take("payments")).incident_id
    await room.redis.aclose()


async def test_a_persons_question_is_not_grouped_away(room: Room) -> None:
    await room.take("checkout")
    question = Alert.model_validate(
        {"source": "slack", "name": "why?", "status": "firing", "fingerprint": "q", "service": "payments"}
    )
    asked = await room.intake.open_for(question, channel="C0", actor="U1")
    assert asked.outcome == "opened"


async def test_however_many_causes_a_channel_gets_no_more_threads_than_people_can_follow(room: Room) -> None:
    receipts = [await room.take(f"alone-{number}") for number in range(20)]
    assert len({receipt.incident_id for receipt in receipts}) == 10
    assert len({receipt.incident_id for receipt in receipts[9:]}) == 1
    assert "10 incidents opened here within 5 minutes" in await room.why(receipts[9])


# Flapping


async def flap(room: Room, times: int) -> list[str]:
    """The alert comes and goes, a minute apart; what became of each notice."""
    outcomes: list[str] = []
    for _ in range(times):
        for status in ("firing", "resolved"):
            room.now += timedelta(minutes=1)
            outcomes.append((await room.take("search", status)).outcome)
    return outcomes


async def test_flapping_is_damped_and_said_so_once(room: Room) -> None:
    assert await flap(room, 4) == [
        "opened",
        "resolved",
        "reopened",
        "resolved",
        "reopened",
        "joined",
        "joined",
        "joined",
    ]
    (incident,) = [incident async for incident in room.journal.open_incidents()]
    notes = [r.event.text for r in incident.history if isinstance(r.event, Noted)]
    joined = [r.event for r in incident.history if isinstance(r.event, AlertJoined)]
    assert [event.damped for event in joined] == [False, False, True, True, True]
    assert len(notes) == 1
    assert notes[0].startswith(
        "search is slow is flapping: it has changed between firing and resolved 4 times within 15"
    )


async def test_the_fourth_change_says_so_even_if_it_brings_the_incident_back(room: Room) -> None:
    await flap(room, 2)
    room.now += timedelta(minutes=1)
    assert (await room.take("search")).outcome == "reopened"
    (incident,) = [incident async for incident in room.journal.open_incidents()]
    assert next(r.event.text for r in incident.history if isinstance(r.event, Noted)).startswith(
        "search is slow is flapping"
    )


async def test_a_flapping_incident_ends_when_it_has_been_quiet(room: Room) -> None:
    await flap(room, 4)
    (incident,) = [incident async for incident in room.journal.open_incidents()]
    room.now += timedelta(minutes=9)
    assert not await room.intake.settle(await room.journal.read(incident.id))
    room.now += timedelta(minutes=2)
    assert await room.intake.settle(await room.journal.read(incident.id))
    assert (await room.journal.read(incident.id)).phase is Phase.RESOLVED


async def test_a_flapping_alert_that_fires_is_not_settled(room: Room) -> None:
    await flap(room, 4)
    await room.take("search")
    (incident,) = [incident async for incident in room.journal.open_incidents()]
    room.now += timedelta(hours=1)
    assert not await room.intake.settle(await room.journal.read(incident.id))


async def test_slow_changes_are_no_flapping(room: Room) -> None:
    for _ in range(5):
        await room.take("search")
        room.now += timedelta(minutes=6)
        assert (await room.take("search", "resolved")).outcome == "resolved"
        room.now += timedelta(minutes=6)


# Silences


async def silenced(room: Room, lasts: timedelta = timedelta(hours=2)) -> str:
    matchers = [Matcher(name="service", value="search"), Matcher(name="severity", value="critical", equal=False)]
    return (await room.silences.begin(matchers, by="UANN", reason="deploy", now=room.now, lasts=lasts)).id


async def test_a_silenced_alert_opens_nothing_and_is_kept_and_counted(room: Room) -> None:
    silence = await silenced(room)
    assert [(await room.take("search")).outcome for _ in range(3)] == ["silenced"] * 3
    assert await room.journal.open_ids() == []
    assert [alert.name for alert in await room.silences.kept(silence)] == ["search is slow"]
    assert await room.silences.received(silence) == 3


async def test_what_fits_not_every_matcher_is_heard(room: Room) -> None:
    await silenced(room)
    assert (await room.take("payments")).outcome == "opened"
    assert (await room.take("search", severity="critical")).outcome == "opened"


async def test_what_an_open_incident_is_about_goes_on_there(room: Room) -> None:
    first = await room.take("search")
    await silenced(room)
    assert (await room.take("search", "resolved", ends_at=NOW)).incident_id == first.incident_id
    assert (await room.incident(first)).phase is Phase.RESOLVED


async def test_what_still_fires_when_a_silence_expires_becomes_an_incident(room: Room) -> None:
    await silenced(room, timedelta(hours=2))
    await room.take("search")
    await room.take("search", fingerprint="ends")
    await room.take("search", "resolved", fingerprint="ends")
    assert await room.intake.unsilence() == 0
    room.now += timedelta(hours=2)
    assert await room.intake.unsilence() == 1
    (incident,) = [incident async for incident in room.journal.open_incidents()]
    assert [alert.fingerprint for alert in incident.alerts] == ["f-search"]
    assert await room.intake.unsilence() == 0


async def test_a_silence_is_listed_until_it_ends_and_every_act_is_on_record(room: Room) -> None:
    first, second = await silenced(room), await silenced(room, timedelta(hours=1))
    assert [one.id for one in await room.silences.listed(room.now)] == [second, first]
    await room.silences.end(second, by="UBEN", now=room.now)
    room.now += timedelta(hours=3)
    assert await room.silences.listed(room.now) == []
    await room.intake.unsilence()
    acts = [(entry["act"], entry["by"]) for entry in await room.silences.audit()]
    assert acts[2:] == [("ended", "UBEN"), ("begun", "UANN"), ("begun", "UANN")]
    with pytest.raises(NotFound, match="no silence"):
        await room.silences.end(first, by="UBEN", now=room.now)

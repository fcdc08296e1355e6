"""Split and merge: where alerts go afterwards, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.errors import BadInput, NotFound
from bot.incidents.regroup import Regroup
from bot.models import AlertLeft, Approved, Executing, Incident, Phase, Proposed, Resolved
from tests.integration.incidents.test_grouping import Room
from tests.unit.work.histories import proposal

NEW = "260301-NEWONE"


class Desk(Room):
    """A room with people in it."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.regroup = Regroup(self.redis, self.journal, lambda: self.now)

    async def open_ids(self) -> set[str]:
        return set(await self.journal.open_ids())

    async def read(self, incident_id: str) -> Incident:
        return await self.journal.read(incident_id)


@pytest.fixture
async def desk(redis_url: str) -> AsyncIterator[Desk]:
    desk = Desk(redis_url)
    yield desk
    await desk.redis.aclose()


async def test_an_alert_that_is_split_off_is_an_incident_of_its_own_and_stays_one(desk: Desk) -> None:
    first = await desk.take("search", group_key="g")
    await desk.take("search", fingerprint="other", group_key="g")
    said = await desk.regroup.split(first.incident_id, "other", to=NEW, by="UANN")
    assert NEW in said
    assert [alert.fingerprint for alert in (await desk.incident(first)).alerts] == ["f-search"]
    assert (await desk.read(NEW)).alert.fingerprint == "other"
    left = (await desk.incident(first)).last("alert_left")
    assert left
    assert isinstance(left.event, AlertLeft)
    assert (left.event.actor, left.event.to) == ("UANN", NEW)
    over = await desk.take("search", "resolved", fingerprint="other", group_key="g")
    assert (over.outcome, over.incident_id) == ("resolved", NEW)
    assert (await desk.take("search", fingerprint="third", group_key="g")).incident_id == first.incident_id


async def test_a_split_that_is_delivered_again_makes_no_other_incident(desk: Desk) -> None:
    first = await desk.take("search")
    await desk.take("search", fingerprint="other")
    for _ in range(2):
        assert NEW in await desk.regroup.split(first.incident_id, "other", to=NEW, by="UANN")
    assert await desk.open_ids() == {first.incident_id, NEW}
    assert len(await desk.journal.history(NEW)) == 1


async def test_an_only_alert_and_one_that_is_not_there_cannot_be_split_off(desk: Desk) -> None:
    first = await desk.take("search")
    with pytest.raises(BadInput, match="only alert"):
        await desk.regroup.split(first.incident_id, "f-search", to=NEW, by="UANN")
    with pytest.raises(BadInput, match="no such alert"):
        await desk.regroup.split(first.incident_id, "nobody", to=NEW, by="UANN")
    with pytest.raises(NotFound):
        await desk.regroup.split("260301-NOBODY", "f", to=NEW, by="UANN")


async def test_what_is_merged_goes_on_in_the_other_incident(desk: Desk) -> None:
    one, other = await desk.take("search", group_key="g"), await desk.take("mail")
    assert one.incident_id != other.incident_id
    for _ in range(2):
        await desk.regroup.merge(one.incident_id, into=other.incident_id, by="UANN")
    assert await desk.open_ids() == {other.incident_id}
    merged = await desk.incident(other)
    assert [alert.fingerprint for alert in merged.alerts] == ["f-mail", "f-search"]
    end = (await desk.incident(one)).last("resolved")
    assert end
    assert isinstance(end.event, Resolved)
    assert (end.event.actor, end.event.reason) == ("UANN", f"merged into {other.incident_id}")
    assert (await desk.take("search", fingerprint="new", group_key="g")).incident_id == other.incident_id
    await desk.take("search", "resolved")
    assert (await desk.take("mail", "resolved")).outcome == "joined", "the new one of the group still fires"


async def test_what_cannot_be_merged_is_left_as_it_is(desk: Desk) -> None:
    one, other = await desk.take("search"), await desk.take("mail")
    with pytest.raises(BadInput, match="into itself"):
        await desk.regroup.merge(one.incident_id, into=one.incident_id, by="UANN")
    with pytest.raises(NotFound):
        await desk.regroup.merge(one.incident_id, into="260301-NOBODY", by="UANN")
    offered = proposal(id=f"{one.incident_id}.1", incident_id=one.incident_id)
    for event in (
        Proposed(at=desk.now, proposal=offered),
        Approved(at=desk.now, proposal_id=offered.id, digest=offered.digest),
        Executing(at=desk.now, proposal_id=offered.id, owner="o"),
    ):
        await desk.journal.append(one.incident_id, event)
    with pytest.raises(BadInput, match="its outcome comes first"):
        await desk.regroup.merge(one.incident_id, into=other.incident_id, by="UANN")
    assert (await desk.incident(one)).phase is Phase.EXECUTING
    assert len((await desk.incident(other)).alerts) == 1


async def test_nothing_joins_what_is_over(desk: Desk) -> None:
    one, other = await desk.take("search"), await desk.take("mail")
    await desk.take("mail", "resolved")
    with pytest.raises(BadInput, match="is over"):
        await desk.regroup.merge(one.incident_id, into=other.incident_id, by="UANN")
    assert "is over already" in await desk.regroup.merge(other.incident_id, into=one.incident_id, by="UANN")

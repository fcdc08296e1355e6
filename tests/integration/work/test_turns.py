"""So many walks at a time, so many of one service, the most severe first."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.models import Incident, Phase
from bot.storage import connect
from bot.work.alerting import Alerting
from bot.work.turns import Turns
from tests.unit.work.histories import after, alert, incident, opened


def of(name: str, service: str, severity: str | None = None, *, source: str = "alertmanager", age: int = 0) -> Incident:
    event = opened(alert=alert(severity=severity, source=source), service=service, at=after(-age))
    return incident(event).model_copy(update={"id": name})


@pytest.fixture
async def turns(redis_url: str) -> AsyncIterator[Turns]:
    async with connect(redis_url) as redis:
        yield Turns(redis, everywhere=3, per_service=2)


async def test_a_turn_is_kept_until_it_is_given_back(turns: Turns) -> None:
    assert await turns.take(of("a", "x"))
    assert await turns.take(of("a", "x")), "a walk that is delivered again goes on"
    assert await turns.give_back("a") is None


async def test_one_service_does_not_take_all_turns(turns: Turns) -> None:
    assert [await turns.take(of(name, "x")) for name in "abc"] == [True, True, False]
    assert await turns.take(of("d", "y"))
    assert not await turns.take(of("e", "z")), "three walk already"


async def test_the_most_severe_that_there_is_room_for_is_next(turns: Turns) -> None:
    for name in "ab":
        assert await turns.take(of(name, "x"))
    assert await turns.take(of("c", "y"))
    waiting = [of("low", "z", "low"), of("none", "z"), of("crit-x", "x", "critical"), of("high", "z", "high"),
               of("person", "z", source="slack"), of("old-high", "z", "high", age=60)]  # fmt: skip
    assert not any([await turns.take(one) for one in waiting])
    assert await turns.give_back("c") == "person"
    assert await turns.give_back("person") == "old-high", "x has both of its turns, so its critical one waits"
    assert await turns.give_back("a") == "crit-x"
    assert [await turns.give_back(name) for name in ("crit-x", "old-high")] == ["high", "none"]


async def test_who_waits_and_is_over_gives_its_turn_on(turns: Turns) -> None:
    scheduled: list[str] = []
    walked: list[str] = []

    class Journal:
        async def read(self, name: str) -> Incident:
            found = of(name, name)
            return found.model_copy(update={"phase": Phase.RESOLVED}) if name == "over" else found

    class Queue:
        async def add(self, task: str, name: str, *, key: str) -> None:
            scheduled.append(name)

    async def walk(name: str) -> None:
        walked.append(name)

    journal: Any = Journal()
    queue: Any = Queue()
    unused: Any = None
    office = Alerting(journal, unused, unused, turns, queue)
    for name in "abc":
        assert await turns.take(of(name, name))
    assert not await turns.take(of("over", "over", age=60))
    await office.in_turn("d", walk)
    assert walked == [], "it waits for its turn"
    await office.in_turn("a", walk)
    assert (walked, scheduled) == (["a"], ["over"])
    await office.in_turn("over", walk)
    assert (walked, scheduled) == (["a", "over"], ["over", "d"])


async def test_a_walk_that_breaks_gives_its_turn_back(turns: Turns) -> None:
    class Journal:
        async def read(self, name: str) -> Incident:
            return of(name, name)

    async def breaks(name: str) -> None:
        raise ZeroDivisionError

    journal: Any = Journal()
    unused: Any = None
    office = Alerting(journal, unused, unused, turns, unused)
    with pytest.raises(ZeroDivisionError):
        await office.in_turn("a", breaks)
    assert [await turns.take(of(name, name)) for name in "bcd"] == [True, True, True]

"""When a connection counts as gone, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from redis.exceptions import ConnectionError as RedisGone

from bot.slack.lifeline import LOOKS, UNNOTICED, lifeline

START = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


class Line:
    """A connection that is up (+) and down (-) as scripted, a minute a look, and whoever is told of it."""

    def __init__(self, script: str, *, refuses: int = 0) -> None:
        self._script: Iterator[str] = iter(script)
        self._looks = 0
        self._refuses = refuses
        self.told: list[datetime] = []
        self.over = asyncio.Event()

    async def connected(self) -> bool:
        self._looks += 1
        state = next(self._script, "over")
        if state == "over":
            self.over.set()
        return state != "-"

    async def cut_off(self, since: datetime) -> None:
        if self._refuses:
            self._refuses -= 1
            raise RedisGone("away")
        self.told.append(since)

    def clock(self) -> datetime:
        return START + timedelta(minutes=self._looks)

    async def watched(self) -> list[datetime]:
        async with lifeline(self.connected, self.cut_off, self.clock, look_s=0):
            await asyncio.wait_for(self.over.wait(), 10)
        return self.told


async def test_who_renews_a_connection_in_a_moment_has_missed_nothing() -> None:
    assert await Line("+" + "-" * (LOOKS - 1) + "+-+").watched() == []


@pytest.mark.parametrize("refuses", [0, 2], ids=["Redis takes it", "Redis is away at first"])
async def test_a_longer_time_without_one_is_told_once_from_a_little_before_it_was_seen(refuses: int) -> None:
    line = Line("+" + "-" * (LOOKS + 4) + "+" * 6, refuses=refuses)
    assert await line.watched() == [START + timedelta(minutes=2) - UNNOTICED]


async def test_every_such_time_is_told() -> None:
    assert len(await Line("-" * LOOKS + "++" + "-" * LOOKS + "+").watched()) == 2

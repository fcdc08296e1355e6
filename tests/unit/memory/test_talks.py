"""Talks brought whole around the lines that were found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.memory.question import Question
from bot.memory.talks import with_whole_talks
from bot.models import Message, Recalled

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def line(number: int) -> Recalled:
    said = Message(
        id=str(number),
        channel="C1",
        user="UANN",
        text=f"step {number}",
        thread="0",
        sent_at=NOON + timedelta(minutes=number),
    )
    return Recalled(message=said, score=1.0, why="wording", covers=1.0)


async def test_a_line_is_part_of_its_talk_though_a_busy_channel_brings_only_what_came_later() -> None:
    async def later(_: Question, __: int) -> list[Recalled]:
        return [line(number) for number in range(20, 30)]

    found = await with_whole_talks(later, [line(3)], longest=7)
    assert [each.id for each in found] == ["3", "20", "21", "22", "23", "24", "25"]

"""How a stretch is cut, how few questions are under way at a time, and that nobody works for nobody."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.models import Window
from bot.telemetry.portions import AT_ONCE, sliced, together
from tests.unit.telemetry.servers import NOON


@given(st.floats(min_value=0.1, max_value=1e7))
def test_slices_follow_each_other_from_start_to_end(seconds: float) -> None:
    window = Window(start=NOON, end=NOON + timedelta(seconds=seconds))
    slices = sliced(window)
    assert (slices[0].start, slices[-1].end) == (window.start, window.end)
    assert [part.end for part in slices[:-1]] == [part.start for part in slices[1:]]
    assert len({part.seconds for part in slices[:-1]}) == 1
    assert slices[-1].seconds == pytest.approx(slices[0].seconds, abs=0.01)


async def test_a_few_pieces_of_work_are_under_way_at_a_time_and_all_are_done() -> None:
    running, most = 0, 0

    async def work(number: int) -> int:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0)
        running -= 1
        return number

    async with aclosing(together([work(number) for number in range(20)])) as results:
        assert sorted([number async for number in results]) == list(range(20))
    assert most == AT_ONCE


async def test_work_is_cancelled_when_nobody_asks_for_more() -> None:
    ended: list[int] = []

    async def work(number: int) -> int:
        try:
            if number:
                await asyncio.Event().wait()
        finally:
            ended.append(number)
        return number

    async with aclosing(together([work(number) for number in range(20)])) as results:
        assert await anext(results) == 0
    assert sorted(ended) == list(range(AT_ONCE + 1))
    assert len(asyncio.all_tasks()) == 1

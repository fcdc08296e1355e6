"""Neighbours are those of the same talk, in whatever order the messages arrive."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bot.memory.timeline import NOBODY, Timeline

MAIN = (0, None)


def _timeline(*times: float, pause_s: float = 60) -> Timeline:
    timeline = Timeline(pause_s=pause_s)
    for row, at in enumerate(times):
        timeline.add(row, MAIN, at)
    return timeline


def test_neighbours_are_those_before_and_after_in_time() -> None:
    timeline = _timeline(20, 0, 40)
    assert list(timeline.before) == [1, NOBODY, 0]
    assert list(timeline.after) == [2, 0, NOBODY]


def test_a_long_pause_ends_the_session() -> None:
    timeline = _timeline(0, 500)
    assert list(timeline.before) == [NOBODY, NOBODY]


def test_a_thread_is_one_session_however_long_it_pauses() -> None:
    timeline = Timeline(pause_s=60)
    timeline.add(0, (0, "root"), 0)
    timeline.add(1, (0, "root"), 5000)
    assert list(timeline.before) == [NOBODY, 0]


def test_a_thread_and_the_main_flow_are_not_neighbours() -> None:
    timeline = Timeline(pause_s=60)
    timeline.add(0, MAIN, 0)
    timeline.add(1, (0, "root"), 1)
    assert list(timeline.before) == [NOBODY, NOBODY]


def test_the_gap_closes_when_a_message_goes() -> None:
    timeline = _timeline(0, 10, 20)
    timeline.remove(1, MAIN, 10)
    assert list(timeline.before) == [NOBODY, NOBODY, 0]
    assert list(timeline.after) == [2, NOBODY, NOBODY]


@given(st.lists(st.integers(0, 600), min_size=1, max_size=20), st.randoms())
def test_the_order_of_arrival_does_not_matter(times: list[int], chance: random.Random) -> None:
    rows = list(range(len(times)))
    chance.shuffle(rows)
    ordered, shuffled = _timeline(), _timeline()
    for row, at in enumerate(times):
        ordered.add(row, MAIN, at)
    for _ in rows:
        shuffled._before.append(NOBODY)
        shuffled._after.append(NOBODY)
    for row in rows:
        shuffled.add(row, MAIN, times[row])
    assert list(ordered.before) == list(shuffled.before)
    assert list(ordered.after) == list(shuffled.after)

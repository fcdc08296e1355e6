"""Neighbours are those of the same talk, in whatever order the messages arrive."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from bot.memory.timeline import NOBODY, Timeline, in_order

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


def test_in_a_slow_channel_nothing_ends_that_is_not_longer_than_the_rest() -> None:
    steady = [7000.0 * number for number in range(8)]
    timeline = _timeline(*steady, steady[-1] + 14_000, pause_s=3600)
    assert list(timeline.before) == [NOBODY, *range(8)]


def test_in_a_quick_channel_the_same_pause_ends_a_session() -> None:
    quick = [60.0 * number for number in range(8)]
    timeline = _timeline(*quick, quick[-1] + 7000, pause_s=3600)
    assert timeline.before[8] == NOBODY


def test_what_is_a_day_apart_is_no_talk_however_slow_the_channel() -> None:
    timeline = _timeline(*[86_400.0 * number for number in range(8)], pause_s=3600)
    assert set(timeline.before) == {NOBODY}


def test_of_one_moment_the_names_tell_the_order() -> None:
    timeline = Timeline(pause_s=60)
    for row, name in enumerate(["D1:10", "D1:9", "D2:1", "D1:2"]):
        timeline.add(row, MAIN, 0, in_order(name))
    assert list(timeline.before) == [1, 3, 0, NOBODY]


@given(st.lists(st.integers(0, 40_000), min_size=1, max_size=25), st.randoms())
def test_after_any_coming_and_going_neighbours_are_as_if_nothing_had_gone(
    times: list[int], chance: random.Random
) -> None:
    rows = list(range(len(times)))
    chance.shuffle(rows)
    lived, fresh = _timeline(pause_s=600), _timeline(pause_s=600)
    for row in rows:
        lived.add(row, MAIN, times[row])
    gone = {row for row in rows if chance.random() < 0.4}
    for row in gone:
        lived.remove(row, MAIN, times[row])
    for row in sorted(set(rows) - gone):
        fresh.add(row, MAIN, times[row])
    kept = sorted(set(rows) - gone)
    assert [int(lived.before[row]) for row in kept] == [int(fresh.before[row]) for row in kept]
    assert [int(lived.after[row]) for row in kept] == [int(fresh.after[row]) for row in kept]

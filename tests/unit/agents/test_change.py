"""A change is measured against the series' own normal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.change import Change, Direction, change
from bot.models import Window
from bot.telemetry.series import Series

ONSET = datetime(2026, 3, 4, 3, 12, tzinfo=UTC)
WINDOW = Window(start=ONSET - timedelta(minutes=5), end=ONSET + timedelta(minutes=10))
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
TIMES = np.arange(BASELINE.start.timestamp(), WINDOW.end.timestamp(), 30.0)
NOISE = dict(zip(TIMES - ONSET.timestamp(), np.random.default_rng(1).normal(size=TIMES.size), strict=True))


def measured(value: Callable[[float], float], *, floor: float = 0.01, direction: Direction = "both") -> Change:
    """The change of a series that has these values at seconds after the onset."""
    values = np.array([value(now - ONSET.timestamp()) for now in TIMES])
    found = change(Series({}, TIMES, values), BASELINE, WINDOW, floor=lambda _: floor, direction=direction)
    assert found is not None
    return found


def noise(now: float) -> float:
    return float(NOISE[now])


def test_a_step_is_found_where_it_is() -> None:
    found = measured(lambda now: 0.96 if now >= 0 else 0.0)
    assert (found.baseline, found.level, found.onset, found.ended) == (0.0, 0.96, ONSET, None)
    assert found.score > 0.9
    assert found.rising


def test_a_step_that_is_over_says_since_when() -> None:
    found = measured(lambda now: 1.0 if 0 <= now < 240 else 0.0)
    assert (found.onset, found.ended) == (ONSET, ONSET + timedelta(seconds=240))
    assert (found.level, found.current) == (1.0, 0.0)


def test_a_fall_is_a_change_too_unless_only_rises_matter() -> None:
    assert measured(lambda now: 2.0 if now >= 0 else 50.0, floor=1.0).score > 0.8
    assert measured(lambda now: 2.0 if now >= 0 else 50.0, floor=1.0, direction="up").score == 0


def test_noise_is_normal() -> None:
    assert measured(noise).score == 0


def test_the_same_step_counts_less_where_the_series_is_restless() -> None:
    calm = measured(lambda now: 100 + noise(now) + (30 if now >= 0 else 0))
    restless = measured(lambda now: 100 + 8 * noise(now) + (30 if now >= 0 else 0))
    assert calm.score > restless.score


def test_a_swing_that_the_baseline_has_too_counts_less_than_a_new_one() -> None:
    swinging = measured(lambda now: 10.0 if -3000 <= now < -2700 or now >= 0 else 0.0)
    new = measured(lambda now: 10.0 if now >= 0 else 0.0)
    assert 0 < swinging.score < new.score


def test_bursts_of_a_series_that_mostly_rests_are_normal() -> None:
    assert measured(lambda now: 10.0 if int(now) % 120 == 0 or int(now) % 400 < 90 else 0.0).score == 0


def test_a_change_below_the_floor_does_not_matter() -> None:
    assert measured(lambda now: 0.02 if now >= 0 else 0.0, floor=0.01).score == 0


def test_a_single_sample_outside_is_not_sustained() -> None:
    assert measured(lambda now: 100.0 if now == 60 else 0.0).score == 0


def test_a_trouble_that_began_before_the_window_has_its_onset_there() -> None:
    found = measured(lambda now: 1.0 if now >= -600 else 0.0)
    assert found.onset == ONSET - timedelta(seconds=600)


def test_places_without_a_value_are_passed_over() -> None:
    found = measured(lambda now: np.nan if int(now) % 90 == 0 else float(now >= 0))
    assert found.score > 0.9


@pytest.mark.parametrize("part", [BASELINE, WINDOW])
def test_without_samples_on_both_sides_nothing_can_be_said(part: Window) -> None:
    one_side = Series({}, TIMES, np.ones_like(TIMES)).between(part.start, part.end)
    assert change(one_side, BASELINE, WINDOW, floor=lambda _: 1.0) is None


@given(
    st.lists(st.floats(-1e6, 1e6) | st.just(float("nan")), min_size=TIMES.size, max_size=TIMES.size),
    st.sampled_from(["up", "down", "both"]),
)
def test_any_series_has_a_score_between_0_and_1(values: list[float], direction: Direction) -> None:
    found = change(Series({}, TIMES, np.array(values)), BASELINE, WINDOW, floor=lambda _: 0.1, direction=direction)
    assert found is None or (0 <= found.score < 1 and (found.onset is None) == (found.score == 0))


@given(st.floats(0.001, 1000), st.floats(-1000, 1000))
def test_neither_the_unit_nor_the_zero_of_a_series_matters(factor: float, shift: float) -> None:
    plain = measured(lambda now: noise(now) + 9 * (now >= 0), floor=0.5)
    moved = measured(lambda now: shift + factor * (noise(now) + 9 * (now >= 0)), floor=0.5 * factor)
    assert moved.score == pytest.approx(plain.score, rel=1e-6)

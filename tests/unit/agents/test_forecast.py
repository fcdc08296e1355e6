"""What fills steadily has a time at which it is full; what does not has none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.forecast import FAR, LEAST_POINTS, forecast
from bot.telemetry.series import Series

TIMES = np.arange(0.0, 3600.0, 30.0)
NOISE = np.random.default_rng(7).normal(size=TIMES.size)


def series(value: Callable[[np.ndarray], np.ndarray]) -> Series:
    return Series({}, TIMES + 1.7e9, value(TIMES))


def test_a_straight_rise_is_full_when_the_line_says() -> None:
    found = forecast(series(lambda now: 0.6 + now / 3600 * 0.2))
    assert found is not None
    left_s = (1 - found.level) / (0.2 / 3600)
    assert found.level == pytest.approx(0.8, abs=0.01)
    assert found.full_in_s == pytest.approx(left_s, rel=1e-6)
    assert (found.soonest_s, found.latest_s) == pytest.approx((left_s, left_s), rel=1e-6)


def test_noise_and_outliers_widen_the_interval_and_leave_the_line() -> None:
    def rough(now: np.ndarray) -> np.ndarray:
        values = 0.6 + now / 3600 * 0.2 + 0.005 * NOISE
        values[::17] = 0.1
        return values

    found = forecast(series(rough))
    assert found is not None
    assert found.full_in_s == pytest.approx(3600, rel=0.1)
    assert found.latest_s is not None
    assert found.soonest_s < 3600 < found.latest_s < 5400


@pytest.mark.parametrize(
    "value",
    [
        lambda now: np.full_like(now, 0.97),
        lambda now: 0.9 - now / 36_000,
        lambda now: 0.0 * now + 0.5 + 0.05 * NOISE,
        lambda now: np.where(now < 1800, 0.2, 0.8),
        lambda now: 0.3 + 0.5 * (now % 600) / 600,
        lambda now: 0.5 + 0.3 * np.sin(now / 300),
        lambda now: np.where(now < 1800, 0.5, 0.5 + (now - 1800) / 36_000),
        lambda now: 0.1 + now / 3600 * 0.001,
        lambda now: 1.0 + now / 3600,
    ],
    ids=["flat", "falling", "noise", "step", "saw-tooth", "wave", "just-begun", "not-in-sight", "already-full"],
)
def test_what_does_not_rise_steadily_towards_the_limit_has_no_forecast(
    value: Callable[[np.ndarray], np.ndarray],
) -> None:
    assert forecast(series(value)) is None


def test_few_samples_tell_nothing_and_gaps_do_no_harm() -> None:
    few = Series({}, TIMES[: LEAST_POINTS - 1], np.linspace(0, 0.9, LEAST_POINTS - 1))
    assert forecast(few) is None
    holes = 0.6 + TIMES / 3600 * 0.2
    holes[10:40] = np.nan
    assert forecast(Series({}, TIMES, holes)) is not None


@given(st.floats(0.0, 0.9), st.floats(1e-5, 1e-3), st.floats(1, 1e6))
def test_the_interval_holds_the_line_and_the_sight_is_bounded(start: float, slope: float, scale: float) -> None:
    found = forecast(series(lambda now: scale * (start + slope * now)), limit=scale)
    if found is not None:
        assert found.soonest_s <= found.full_in_s * (1 + 1e-9)
        assert found.latest_s is None or found.latest_s >= found.full_in_s * (1 - 1e-9)
        assert 0 <= found.full_in_s <= FAR * (TIMES[-1] - TIMES[0])

"""Counters that were recorded as they stand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.counters import as_rate
from bot.telemetry.series import Floats, Series

EVERY_S = 60.0


def series(values: Sequence[float], metric: str = "http_requests_total", times: Sequence[float] = ()) -> Series:
    moments = np.array(times or [place * EVERY_S for place in range(len(values))])
    return Series({"service": "web", "metric": metric}, moments, np.array(values, dtype=np.float64))


def counted(growth: Sequence[float], before: float = 5_000.0) -> list[float]:
    """What a counter shows that grows by so much from sample to sample."""
    return [before, *(before + np.cumsum(growth))]


def growth(one: Series) -> Floats:
    return as_rate(one).values


def test_a_counter_becomes_what_it_grew_by() -> None:
    grown = [20.0, 22.0, 19.0, 21.0, 20.0, 60.0, 61.0, 58.0, 20.0]
    rate = as_rate(series(counted(grown)))
    assert rate.values.tolist() == grown
    assert rate.times[0] == EVERY_S
    assert rate.labels == {"service": "web", "metric": "http_requests_total"}


def test_after_a_restart_a_counter_has_grown_by_what_it_shows() -> None:
    values = [*counted([20.0] * 15), 12.0, *counted([20.0] * 15, 32.0)]
    assert growth(series(values))[15] == 12.0
    assert growth(series(values)).min() == 12.0


def test_a_lost_sample_is_no_surge() -> None:
    values, times = counted([20.0] * 12), [place * EVERY_S for place in range(13)]
    del values[6], times[6]
    assert growth(series(values, times=times)) == pytest.approx([20.0] * 11)


def test_a_total_of_what_hardly_ever_happens_is_a_counter_all_the_same() -> None:
    assert growth(series([*[7.0] * 10, 9.0, 9.0], "failures_total")).tolist() == [*[0.0] * 9, 2.0, 0.0]


def test_what_is_counted_whole_stays_whole_where_a_sample_is_lost() -> None:
    values, times = counted([3.0] * 12), [place * EVERY_S for place in range(13)]
    del values[4:6], times[4:6]
    values[-1] += 1
    assert growth(series(values, times=times)).tolist() == [*[3.0] * 9, 4.0]


@pytest.mark.parametrize(
    ("metric", "values"),
    [
        ("heap_used_bytes", counted([20.0] * 12)),
        ("thread_count", [40.0, 42.0, 39.0, 41.0, 44.0, 38.0, 40.0, 41.0, 43.0, 40.0]),
        ("requests_sum", [200.0, 190.0, 230.0, 20.0, 210.0, 240.0, 90.0, 220.0, 200.0, 210.0]),
        ("restart_count", [3.0] * 18 + [4.0] * 2),
        ("http_requests_total", counted([20.0] * 6)),
        ("balance_total", counted([1.0] * 12, -5.0)),
    ],
    ids=["by its name", "a level", "of periods", "hardly ever grows", "too few samples", "below 0"],
)
def test_what_is_no_counter_stays_as_it_is(metric: str, values: list[float]) -> None:
    one = series(values, metric)
    assert as_rate(one) is one


@given(st.lists(st.integers(1, 1000), min_size=10, max_size=60), st.integers(0, 10**6))
def test_no_counter_grows_backwards(grown: list[int], before: int) -> None:
    assert growth(series(counted([float(one) for one in grown], float(before)))).tolist() == grown

"""Thinning takes evenly, in bounded work, and keeps counts right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.logs import Thinning, stays


def thinned(lines: int, quota: int) -> list[int]:
    """The weight of every line that is taken."""
    thinning = Thinning(quota)
    weights = []
    for _ in range(lines):
        stride = thinning.stride
        if thinning.take():
            weights.append(stride)
    return weights


@given(st.integers(0, 5000), st.integers(1, 200))
def test_the_weights_add_up_to_the_lines(lines: int, quota: int) -> None:
    weights = thinned(lines, quota)
    assert lines - max(weights, default=0) * 2 < sum(weights) <= lines or lines == 0


@given(st.integers(1, 200))
def test_nothing_is_passed_over_up_to_the_quota(quota: int) -> None:
    assert thinned(quota, quota) == [1] * quota


def test_a_million_lines_cost_the_quota_a_few_times() -> None:
    assert len(thinned(1_000_000, 10_000)) < 80_000


def test_the_lines_of_one_trace_are_taken_all_or_none_while_the_stride_stays() -> None:
    thinning = Thinning(100)
    while thinning.stride < 4:
        thinning.take()
    taken = {trace: sum(thinning.take(trace) for _ in range(3)) for trace in map(str, range(40))}
    assert thinning.stride == 4
    assert taken == {trace: 3 * stays(trace, 4) for trace in taken}
    assert 0 < sum(map(bool, taken.values())) < 40

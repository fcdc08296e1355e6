"""Thinning takes evenly, in bounded work, and keeps counts right."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.loglines import service_of
from bot.telemetry.logs import Thinning, Thinnings, stays


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


def test_a_loud_service_is_thinned_and_a_quiet_one_is_not() -> None:
    thinnings, weights = Thinnings(2000), Counter[str]()
    for place in range(50_000):
        services = ["search", "checkout"] if place % 100 == 0 else ["search"]
        for service in services:
            thinning = thinnings.of(f'{{"service": "{service}", "msg": "line {place}"}}'.encode())
            stride = thinning.stride
            weights[f"{service} taken"] += (taken := thinning.take())
            weights[service] += stride * taken
    assert (weights["checkout taken"], weights["checkout"]) == (500, 500)
    assert weights["search taken"] < 8000
    assert weights["search"] == pytest.approx(50_000, rel=0.02)


def test_very_many_services_share_a_thinning() -> None:
    thinnings = Thinnings(2000)
    of_each = {id(thinnings.of(f"service=s{place} msg=x".encode())) for place in range(1000)}
    assert len(of_each) <= 61


@pytest.mark.parametrize(
    ("raw", "service"),
    [
        (b'{"msg": "m", "service": "pay-svc", "x": 1}', b"pay-svc"),
        (b'{"service.name":"pay"}', b"pay"),
        (b"level=info service=pay msg=x", b"pay"),
        (b'{"app": "pay"}', b"pay"),
        (b"the service is up", None),
        (b"no name", None),
    ],
)
def test_the_name_of_a_service_is_quickly_seen(raw: bytes, service: bytes | None) -> None:
    assert service_of(raw) == service

"""What series measure, by their names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.quantities import quantity_of

KNOWN = {
    "CpuUsageRate(%)": ("cpu", "percent"),
    "MemoryUsage(Mi)": ("memory", "MiB"),
    "PodServerLatencyP95(s)": ("latency", "s"),
    "outgoing_call_p50_seconds": ("latency", "s"),
    "entry_SuccessRate(%)": ("error_rate", "percent"),
    "PodWorkload(Ops)": ("traffic", "/s"),
    "NetworkReceiveBytes": ("network_io", "bytes"),
    "http_requests_total": ("traffic", ""),
    "http_request_errors_total": ("error_rate", ""),
    "availability": ("error_rate", ""),
    "ResponseTime": ("latency", ""),
    "jvm_heap_used_bytes": ("memory", "bytes"),
    "hikari_pool_pending": ("saturation", ""),
    "node_disk_io_time": ("disk", ""),
    "latency_p0.9": ("latency", ""),
    "HTTPCode_ELB_5XX_Count": ("error_rate", ""),
    "RequestCount": ("traffic", ""),
    "requests_per_second": ("traffic", "/s"),
    "seconds_per_request": ("traffic", "s"),
}


@pytest.mark.parametrize("metric", KNOWN)
def test_a_name_tells_kind_and_unit(metric: str) -> None:
    found = quantity_of(metric)
    assert (found.kind, found.unit) == KNOWN[metric]


def test_success_falls_and_errors_rise_when_something_is_wrong() -> None:
    assert (quantity_of("success_ratio").direction, quantity_of("errors").direction) == ("down", "up")


def test_what_is_of_the_machine_is_told_apart() -> None:
    assert quantity_of("NodeCpuUsageRate(%)").of_host
    assert not quantity_of("CpuUsageRate(%)").of_host


@given(st.text(max_size=60))
def test_any_name_is_something(metric: str) -> None:
    assert quantity_of(metric).kind

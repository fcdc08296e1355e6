"""The questions are found by the series that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from bot.agents.signals import Signal, shapes_of, signals_of


def found(
    *names: str, types: Mapping[str, str] | None = None, labels: Mapping[str, Sequence[str]] | None = None
) -> list[Signal]:
    """Signals of series with these names, each with every value of every label."""
    sets: list[dict[str, str]] = [{"__name__": name} for name in names]
    for label, values in (labels or {}).items():
        sets = [each | {label: value} for each in sets for value in values]
    return list(signals_of("shop", shapes_of(sets), {"job": "shop"}, types))


def one(signals: list[Signal], kind: str) -> Signal:
    chosen = [signal for signal in signals if signal.kind == kind]
    assert len(chosen) == 1
    return chosen[0]


@pytest.mark.parametrize(
    ("name", "label", "values", "matcher"),
    [
        ("http_requests_total", "code", ("200", "404", "500", "503"), 'code=~"500|503"'),
        ("http_requests_total", "status", ("2xx", "5xx"), 'status=~"5xx"'),
        ("grpc_server_handled_total", "grpc_code", ("OK", "NotFound", "Unavailable"), 'grpc_code=~"Unavailable"'),
        ("payments_total", "outcome", ("ok", "failed", "declined"), 'outcome=~"declined|failed"'),
        ("jobs_total", "result", ("success", "card_timeout"), 'result=~"card_timeout"'),
        ("calls_total", "success", ("true", "false"), 'success=~"false"'),
        ("calls_total", "error", ("true", "false"), 'error=~"true"'),
    ],
)
def test_the_label_that_tells_failures_is_found(name: str, label: str, values: tuple[str, ...], matcher: str) -> None:
    signal = one(found(name, labels={label: values}), "error_rate")
    assert matcher in signal.promql
    assert signal.unit == "ratio"


def test_successes_alone_still_ask_for_failures() -> None:
    assert 'code=~"500"' in one(found("http_requests_total", labels={"code": ("200",)}), "error_rate").promql
    assert 'outcome=~"failed"' in one(found("payments_total", labels={"outcome": ("ok",)}), "error_rate").promql


def test_a_label_that_tells_no_failures_gives_no_error_ratio() -> None:
    assert {signal.kind for signal in found("events_total", labels={"status": ("open", "closed")})} == {"traffic"}


def test_a_counter_of_errors_is_a_rate_of_errors() -> None:
    signal = one(found("db_errors_total"), "error_rate")
    assert (signal.unit, signal.noun) == ("/s", "DB errors")


def test_a_histogram_of_durations_gives_latency_and_traffic() -> None:
    name = "http_server_request_duration_seconds"
    signals = found(
        f"{name}_bucket", f"{name}_sum", f"{name}_count", labels={"http_response_status_code": ("200", "500")}
    )
    assert one(signals, "latency").over(60) == (
        f'histogram_quantile(0.95, sum by (le) (rate({{__name__="{name}_bucket",job="shop"}}[60s])))'
    )
    assert one(signals, "traffic").metric == f"{name}_count"
    assert one(signals, "error_rate").metric == f"{name}_count"


def test_a_summary_gives_its_mean_in_seconds() -> None:
    signal = one(found("rpc_duration_ms_sum", "rpc_duration_ms_count"), "latency")
    assert signal.promql.endswith(" / 1000")
    assert signal.noun == "RPC duration mean"


def test_a_pool_is_measured_against_its_capacity() -> None:
    signal = one(found("db_pool_connections_in_use", "db_pool_connections_max"), "saturation")
    assert signal.bounded
    assert "db_pool_connections_max" in signal.promql


def test_a_queue_without_a_capacity_is_a_count() -> None:
    signal = one(found("mail_queue_depth", types={"mail_queue_depth": "gauge"}), "saturation")
    assert (signal.unit, signal.bounded) == ("count", False)


def test_a_declared_counter_counts_whatever_its_name() -> None:
    assert one(found("handled_messages", types={"handled_messages": "counter"}), "traffic").noun == "handled messages"


def test_what_tells_of_the_runtime_alone_is_left_out() -> None:
    assert found("go_threads", "scrape_duration_seconds", "python_info", "shop_build_info") == []


def test_a_label_value_from_outside_stays_a_value() -> None:
    signals = found("http_requests_total", labels={"code": ("200", "500")})
    hostile = signals_of("shop", shapes_of([{"__name__": "up"}]), {"job": 'x"} or vector(1) #'})
    assert 'job="x\\"} or vector(1) #"' in hostile[0].promql
    assert all(signal.service == "shop" for signal in signals)

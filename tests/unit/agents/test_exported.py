"""The metrics agent's tools for playbooks on ready-made series: the facts that a drawing asks for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from bot.agents.exported import exported_tools
from bot.agents.metrics import metrics_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog, Service
from bot.models import Alert, AlertStatus, Report, Window
from bot.telemetry.series import Series, SeriesSource
from tests.unit.agents.test_measures import Told

BEGAN = datetime(2026, 5, 1, tzinfo=UTC)
CALM, BAD = 60, 15
"""Minutes before it happens, and since."""
SCOPE = Scope(
    incident_id="i",
    alert=Alert(source="generic", name="Slow", status=AlertStatus.FIRING, fingerprint="f", service="web"),
    service=None,
    catalog=Catalog(services={"web": Service(depends_on=("pay",)), "pay": Service(), "mail": Service()}),
    window=Window(start=BEGAN + timedelta(minutes=CALM), end=BEGAN + timedelta(minutes=CALM + BAD)),
    baseline=Window(start=BEGAN, end=BEGAN + timedelta(minutes=CALM)),
)
END_S = SCOPE.window.end.timestamp()


def series(metric: str, usual: float, now: float | None = None, service: str = "web", **labels: str) -> Series:
    """A sample each minute with a little noise, and another level since it happened."""
    values = np.array([usual if now is None else now if at >= CALM else usual for at in range(CALM + BAD)])
    noise = 1 + 0.01 * np.sin(np.arange(values.size) * 7.0)
    return Series({"service": service, "metric": metric, **labels}, _times(values.size), values * noise)


def rising(metric: str, first: float, last: float, **labels: str) -> Series:
    values = np.linspace(first, last, CALM + BAD)
    return Series({"service": "web", "metric": metric, **labels}, _times(values.size), values)


def _times(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([BEGAN.timestamp() + 60.0 * at for at in range(count)])


async def ask(tool: str, *known: Series, scope: Scope = SCOPE, **parameters: Any) -> Report:
    return await Toolbox(exported_tools(Told(known))).use(f"metrics.{tool}", parameters, scope)


async def facts(tool: str, *known: Series, **parameters: Any) -> Mapping[str, Any]:
    return (await ask(tool, *known, **parameters)).facts


def test_there_are_the_tools_of_a_live_prometheus_with_the_same_facts() -> None:
    live, exported = ({tool.name: tool for tool in tools} for tools in (metrics_tools(None), exported_tools(Told(()))))
    assert exported.keys() == live.keys()
    assert [name for name in live if exported[name].parameters is not live[name].parameters] == []
    assert [name for name in live if not live[name].facts.keys() <= exported[name].facts.keys()] == []


async def test_a_look_everywhere_also_tells_the_golden_signals_of_the_alert_s_service() -> None:
    found = await facts("look", series("error_ratio", 0.001, 0.4), series("latency_p95_s", 0.1, 5.0, service="mail"))
    assert found["error_ratio"] == pytest.approx(0.4, rel=0.05)
    assert found["series_read"] >= 2


async def test_golden_signals_are_the_service_s_own_and_those_of_what_it_stands_on() -> None:
    found = await facts(
        "golden_signals",
        series("error_ratio", 0.001, 0.4), series("latency_p95_ms", 200.0, 900.0), series("rps", 30.0),
        series("error_ratio", 0.001, 0.2, service="pay"), series("error_ratio", 0.0, 1.0, service="mail"),
    )  # fmt: skip
    assert found["error_ratio"] == pytest.approx(0.4, rel=0.05)
    assert found["error_ratio_baseline"] == pytest.approx(0.001, abs=0.001)
    assert found["latency_p95_s"] == pytest.approx(0.9, rel=0.05)
    assert found["traffic_rps_now"] == pytest.approx(30.0, rel=0.05)
    assert found["dependency_error_ratio"] == pytest.approx(0.2, rel=0.05)
    assert (found["worst_service"], found["worst_kind"]) == ("web", "error_rate")


async def test_of_one_service_alone_nothing_is_said_of_what_it_stands_on() -> None:
    known = (series("error_ratio", 0.0, 0.4), series("error_ratio", 0.0, 0.9, service="pay"))
    assert "dependency_error_ratio" not in await facts("golden_signals", *known, dependencies=False)


async def test_instances_add_up_in_traffic_and_the_slowest_speaks_for_latency() -> None:
    both = [series(metric, usual, instance=name)
            for name, latency, rps in (("a", 0.1, 10.0), ("b", 0.4, 20.0))
            for metric, usual in (("latency_p95_seconds", latency), ("rps", rps))]  # fmt: skip
    found = await facts("golden_signals", *both)
    assert found["traffic_rps_now"] == pytest.approx(30.0, rel=0.05)
    assert found["latency_p95_s_now"] == pytest.approx(0.4, rel=0.05)


async def test_a_counter_of_calls_is_told_as_calls_a_second() -> None:
    grown = np.cumsum([1800.0 if at < CALM else 180.0 for at in range(CALM + BAD)])
    counter = Series({"service": "web", "metric": "http_requests_total"}, _times(grown.size), grown)
    found = await facts("golden_signals", counter)
    assert found["traffic_rps_baseline"] == pytest.approx(30.0)
    assert found["traffic_rps_now"] == pytest.approx(3.0)


async def test_half_of_the_instances_that_do_not_answer_are_half() -> None:
    found = await facts("golden_signals", series("up", 1.0, instance="a"), series("up", 1.0, 0.0, instance="b"))
    assert found["up_ratio"] == pytest.approx(0.5, abs=0.02)


async def test_one_signal_is_told_under_the_names_of_any_signal() -> None:
    found = await facts("query", series("error_ratio", 0.0, 0.4), series("rps", 30.0, 3.0), signal="traffic_rps")
    assert found["deviates"] is True
    assert found["value_now"] == pytest.approx(3.0, rel=0.05)
    assert found["value_baseline"] == pytest.approx(30.0, rel=0.05)
    assert "error_ratio" not in found


async def test_a_day_that_was_not_recorded_is_a_gap_and_no_fact() -> None:
    report = await ask("compare", series("rps", 30.0, 3.0), signal="traffic_rps")
    assert report.facts == {}
    assert "no such series" in report.gaps[0].reason


async def test_the_slow_call_is_told_by_both_of_its_ends() -> None:
    slow = series("client_latency_p95_seconds", 0.1, 2.0, peer="pay")
    seen_by_callee = series("server_latency_p95_seconds", 0.1, 2.0, service="web", peer="shop")
    calm = series("client_latency_p95_seconds", 0.1, peer="mail")
    found = await facts("edges", slow, calm)
    assert (found["edge_count"], found["worst_caller"], found["worst_callee"]) == (2, "web", "pay")
    assert (found["worst_edge_kind"], found["worst_edge_score"] > 0.5) == ("latency", True)
    found = await facts("edges", seen_by_callee)
    assert (found["worst_caller"], found["worst_callee"]) == ("shop", "web")


async def test_the_fullest_of_all_resources_is_told_each_instance_by_itself() -> None:
    known = (series("disk_used_percent", 40.0, instance="web-1"), series("disk_used_percent", 95.0, instance="web-2"),
             series("memory_used_ratio", 0.6))  # fmt: skip
    found = await facts("saturation", *known)
    assert (found["fullest"], found["fullest_resource"], found["near_full_count"]) == ("disk of web-2", "disk", 1)
    assert found["fullest_ratio"] == pytest.approx(0.95, rel=0.02)
    assert (await facts("saturation", *known, resource="memory"))["fullest_resource"] == "memory"


async def test_what_fills_steadily_has_a_time_at_which_it_is_full() -> None:
    found = await facts("forecast", rising("disk_used_ratio", 0.5, 0.9), rising("memory_used_ratio", 0.5, 0.51))
    assert found["full_what"] == "disk"
    assert found["full_in_s"] == pytest.approx(0.1 / 0.4 * (CALM + BAD) * 60, rel=0.1)
    assert found["filling_count"] == 1


async def test_a_certificate_that_runs_out_is_told_by_the_time_that_is_left() -> None:
    soon = series("probe_ssl_earliest_cert_expiry", END_S, instance="web.example.com:443")
    soon = replace(soon, values=np.full(soon.values.size, END_S + 9 * 3600))
    found = await facts("forecast", soon, resource="certificates")
    assert found["certificate_ends_in_s"] == pytest.approx(9 * 3600)


async def test_instances_that_are_sampled_at_other_seconds_are_still_added_up() -> None:
    apart = [
        replace(one, times=one.times + 7.0 * number)
        for number in range(5)
        for one in [series("rps", 10.0, instance=f"web-{number}")]
    ]
    together = [series("rps", 10.0, instance=f"web-{number}") for number in range(5)]
    found, usual = await facts("golden_signals", *apart), await facts("golden_signals", *together)
    assert found["traffic_rps_now"] == pytest.approx(50, rel=0.05)
    assert found["traffic_rps_now"] == pytest.approx(usual["traffic_rps_now"], rel=0.05)


async def test_traffic_falls_when_one_of_two_instances_is_gone_whenever_they_are_sampled() -> None:
    stays = series("rps", 10.0, instance="web-1")
    gone = series("rps", 10.0, instance="web-2")
    gone = replace(gone, times=gone.times[:CALM] + 31.0, values=gone.values[:CALM])
    found = await facts("golden_signals", stays, gone)
    assert found["traffic_rps_now"] == pytest.approx(10, rel=0.05)
    assert found["traffic_rps_baseline"] == pytest.approx(20, rel=0.05)


async def test_a_certificate_that_was_never_issued_has_not_run_out() -> None:
    never = series("certmanager_certificate_expiration_timestamp_seconds", 0.0, name="shop")
    assert "certificate_ends_in_s" not in await facts("forecast", never, resource="certificates")


async def test_a_recording_without_such_series_is_a_gap() -> None:
    report = await ask("golden_signals", series("weather", 20.0))
    assert (report.findings, "no such series" in report.gaps[0].reason) == ((), True)


async def test_nothing_recorded_at_all_is_a_gap_with_the_source_s_reason() -> None:
    assert (await ask("saturation")).gaps[0].reason == "There is nothing."


async def test_a_source_that_takes_too_long_is_a_gap() -> None:
    class Stuck:
        name = "stuck"

        async def read(self) -> tuple[Series, ...]:
            await asyncio.Event().wait()
            return ()

    stuck: SeriesSource = Stuck()
    report = await Toolbox(exported_tools(stuck)).use("metrics.edges", {}, replace(SCOPE, deadline_s=0.01))
    assert "not read within 0.01 s" in report.gaps[0].reason

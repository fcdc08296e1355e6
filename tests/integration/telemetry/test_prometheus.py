"""The client against a real Prometheus."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from bot.agents.metrics import metrics_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.errors import SourceUnavailable
from bot.models import Alert, AlertStatus, Window
from bot.telemetry.prometheus import Prometheus
from bot.telemetry.promql import any_of, quoted, selector
from bot.telemetry.series import Answer
from tests.servers.process import wait_until
from tests.servers.prometheus import Exposition

ODD = ["plain", 'quo"ted', "back\\slash", "new\nline", "tab\t", "a.c", "x|y", "(", "日本", "{}=~#"]


def last(seconds: float) -> Window:
    now = datetime.now(UTC)
    return Window(start=now - timedelta(seconds=seconds), end=now)


@pytest.fixture
async def prometheus(prometheus_url: str) -> AsyncIterator[Prometheus]:
    async with Prometheus(prometheus_url) as client:
        yield client


async def scraped(prometheus: Prometheus, exposition: Exposition, times: int) -> None:
    """Wait until so many more scrapes are stored."""
    wanted = exposition.scrapes + times

    async def enough() -> bool:
        return exposition.scrapes > wanted

    await wait_until(enough, what=f"{times} scrapes")


async def test_a_rate_is_measured_as_it_is_exposed(prometheus: Prometheus, exposition: Exposition) -> None:
    exposition.grow('http_requests_total{code="200"}', 7)
    await scraped(prometheus, exposition, 10)
    answer = await prometheus.query('sum(rate(http_requests_total{job="checkout"}[2s]))')
    assert answer.single is not None
    assert answer.single.last == pytest.approx(28, rel=0.3)


async def test_series_and_types_are_discovered(prometheus: Prometheus, exposition: Exposition) -> None:
    exposition.types["payments_total"] = "counter"
    exposition.set('payments_total{outcome="failed"}', 1)

    async def found() -> tuple[object, ...]:
        listing = await prometheus.series([selector("payments_total", {"job": "checkout"})], last(60))
        return listing.label_sets

    [labels] = await wait_until(found, what="the series")
    assert labels == {
        "__name__": "payments_total", "instance": exposition.target, "job": "checkout", "outcome": "failed",
    }  # fmt: skip
    assert (await prometheus.metric_types())["payments_total"] == "counter"


async def test_prometheus_reads_any_quoted_value_as_itself(prometheus: Prometheus) -> None:
    for value in ODD:
        answer = await prometheus.query(f'label_replace(vector(1), "said", {quoted("$1")}, "", "(.*)")')
        assert answer.single is not None
        kept = await prometheus.query(f'absent({{__name__="nothing",said={quoted(value)}}})')
        assert kept.single is not None
        assert kept.single.labels == {"said": value}


async def test_an_alternative_matches_the_odd_values_and_no_others(
    prometheus: Prometheus, exposition: Exposition
) -> None:
    for value in ODD:
        exposition.set(f"odd{{said={quoted(value)}}}", 1)
    exposition.set('odd{said="abc"}', 1)

    async def all_there() -> bool:
        return len((await prometheus.query("odd")).series) == len(ODD) + 1

    await wait_until(all_there, what="a scrape")
    answer = await prometheus.query(f"odd{{said=~{any_of(ODD)}}}")
    assert {series.labels["said"] for series in answer.series} == set(ODD)


async def test_a_range_has_its_step(prometheus: Prometheus) -> None:
    answer: Answer = await prometheus.query_range("vector(4)", last(100), step_s=10)
    assert answer.single is not None
    assert answer.single.values.tolist() == [4.0] * 11


async def test_infinity_is_no_figure(prometheus: Prometheus) -> None:
    answer = await prometheus.query("vector(1) / 0")
    assert answer.single is not None
    assert answer.single.last is None


async def test_a_wrong_query_brings_prometheus_own_words(prometheus: Prometheus) -> None:
    with pytest.raises(SourceUnavailable, match="parse error"):
        await prometheus.query("sum(")


async def test_the_agent_measures_four_scrapes_a_second_in_a_short_window(
    prometheus: Prometheus, exposition: Exposition
) -> None:
    exposition.grow('payments_total{outcome="ok"}', 20)
    exposition.set('payments_total{outcome="failed"}', 0)
    await scraped(prometheus, exposition, 36)
    exposition.grow('payments_total{outcome="ok"}', 1)
    exposition.grow('payments_total{outcome="failed"}', 19)
    broken_at = datetime.now(UTC)
    await scraped(prometheus, exposition, 24)
    now = datetime.now(UTC)
    window = Window(start=broken_at - timedelta(seconds=1), end=now)
    scope = Scope(
        incident_id="i",
        alert=Alert(source="test", name="A", status=AlertStatus.FIRING, fingerprint="f"),
        service="checkout",
        catalog=Catalog.model_validate({"services": {"checkout": {}}}),
        window=window,
        baseline=Window(start=window.start - timedelta(seconds=8), end=window.start),
    )
    report = await Toolbox(metrics_tools(prometheus)).use("metrics.query", {"signal": "error_ratio"}, scope)
    assert report.facts["value_now"] == pytest.approx(0.95, abs=0.02)
    assert report.facts["deviates"] is True
    assert report.findings[0].title.startswith("Payment failures rose from 0 % to ")

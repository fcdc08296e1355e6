"""The metrics agent looking through a real Prometheus that remembers an incident."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.agents.metrics import metrics_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.models import Alert, AlertStatus, Report, Window
from bot.telemetry.prometheus import Prometheus
from tests.servers.prometheus import History, prometheus_server

ONSET = datetime(2025, 3, 4, 3, 12, tzinfo=UTC)
WINDOW = Window(start=ONSET - timedelta(minutes=5), end=ONSET + timedelta(minutes=10))
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
YESTERDAY = [BASELINE.start.timestamp() - 86_400 + 15 * place for place in range(320)]
TIMES = YESTERDAY + [BASELINE.start.timestamp() - 120 + 15 * place for place in range(320)]
CATALOG = Catalog.model_validate(
    {
        "services": {
            "checkout": {"selectors": {"job": "checkout"}, "aliases": ["shop"], "depends_on": ["payments", "stock"]},
            "payments": {},
            "stock": {"selectors": {"job": "stock"}},
        }
    }
)


def since_onset(now: float) -> bool:
    return now >= ONSET.timestamp()


def wobble(now: float, size: float) -> float:
    return size * ((int(now) * 7919 % 101) / 100 - 0.5)


def steps(before: float, after: float) -> Callable[[float], float]:
    return lambda now: after if since_onset(now) else before


def checkout_suffers_from_payments() -> History:
    """Payments fail from the onset on, checkout answers 500 and becomes slow, stock is as ever."""
    history = History()
    history.counter(
        'http_requests_total{job="checkout",code="200"}', TIMES, lambda now: steps(50, 15)(now) + wobble(now, 4)
    )
    history.counter('http_requests_total{job="checkout",code="500"}', TIMES, steps(0.0, 35.0))
    for le, fast, slow in (("0.1", 48.0, 5.0), ("1", 50.0, 10.0), ("5", 50.0, 50.0), ("+Inf", 50.0, 50.0)):
        history.counter(f'http_request_duration_seconds_bucket{{job="checkout",le="{le}"}}', TIMES, steps(fast, slow))
    history.gauge('db_pool_connections_in_use{job="checkout"}', TIMES, lambda now: steps(3, 19)(now) + wobble(now, 2))
    history.gauge('db_pool_connections_max{job="checkout"}', TIMES, lambda _: 20)
    history.counter('payments_total{service="payments",outcome="ok"}', TIMES, steps(20.0, 0.8))
    history.counter('payments_total{service="payments",outcome="failed"}', TIMES, steps(0.0, 19.2))
    history.counter('http_requests_total{job="stock",code="200"}', TIMES, lambda now: 30 + wobble(now, 6))
    history.counter('http_requests_total{job="stock",code="503"}', TIMES, lambda now: 0.05 + wobble(now, 0.05))
    return history


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("remembers")
    checkout_suffers_from_payments().load_into(folder)
    with prometheus_server(folder, {}) as address:
        yield address


def scope(**changes: object) -> Scope:
    alert = Alert(source="test", name="CheckoutErrors", status=AlertStatus.FIRING, fingerprint="f")
    given: dict[str, object] = {"service": "checkout", "catalog": CATALOG, "window": WINDOW, "baseline": BASELINE}
    return Scope(incident_id="i", alert=alert, **(given | changes))  # type: ignore[arg-type]


async def ask(url: str, tool: str, parameters: dict[str, object] | None = None, **changes: object) -> Report:
    async with Prometheus(url) as prometheus:
        return await Toolbox(metrics_tools(prometheus)).use(tool, parameters or {}, scope(**changes))


async def test_a_look_names_what_rose_from_what_to_what_and_when(url: str) -> None:
    report = await ask(url, "metrics.look")
    at = f"{ONSET:%H:%M} UTC"
    titles = {finding.title for finding in report.findings if finding.score > 0.7}
    assert f"Payment failures rose from 0 % to 96 % at {at} (payments)" in titles
    assert f"HTTP request failures rose from 0 % to 71.1 % at {at} (checkout)" in titles
    assert f"DB pool connections in use (part of the capacity) rose from 14.9 % to 97.7 % at {at} (checkout)" in titles
    assert report.gaps == ()


async def test_the_onset_is_told_to_the_step(url: str) -> None:
    report = await ask(url, "metrics.look")
    onsets = [finding.started_at for finding in report.findings if finding.started_at]
    assert len(onsets) == 4
    assert all(abs(onset - ONSET) <= timedelta(seconds=60) for onset in onsets)


async def test_what_is_as_ever_is_said_to_be_normal(url: str) -> None:
    report = await ask(url, "metrics.look")
    of_stock = [finding for finding in report.findings if finding.service == "stock"]
    assert len(of_stock) == 2
    assert all(finding.score == 0 and "looked, and normal" in finding.title for finding in of_stock)


async def test_facts_are_of_the_asked_service_and_name_the_worst(url: str) -> None:
    facts = (await ask(url, "metrics.look")).facts
    assert facts["error_ratio"] == pytest.approx(0.71, abs=0.01)
    assert facts["error_ratio_baseline"] == 0
    assert facts["dependency_error_ratio"] == pytest.approx(0.96, abs=0.01)
    assert facts["latency_p95_s"] > 10 * facts["latency_p95_s_baseline"]
    assert (facts["worst_service"], facts["worst_kind"]) == ("checkout", "latency")


async def test_evidence_can_be_asked_again(url: str) -> None:
    report = await ask(url, "metrics.look")
    ids = [evidence.id for finding in report.findings for evidence in finding.evidence]
    assert len(set(ids)) == len(ids)
    async with Prometheus(url) as prometheus:
        for finding in report.findings:
            [evidence] = finding.evidence
            assert evidence.query
            assert evidence.url
            assert evidence.url.startswith(f"{url}/graph?g0.expr=")
            assert (await prometheus.query_range(evidence.query, WINDOW)).single is not None


async def test_the_worst_series_is_drawn_and_put_into_words(url: str) -> None:
    [chart] = (await ask(url, "metrics.look")).charts
    assert chart.png.startswith(b"\x89PNG")
    assert "normally 99 ms, 4.75 s" in chart.alt


async def test_an_alias_and_a_guess_of_labels_find_the_series(url: str) -> None:
    report = await ask(url, "metrics.query", {"signal": "error_ratio", "service": "Payments"})
    assert report.facts["value"] == pytest.approx(0.96, abs=0.01)
    assert report.facts["deviates"] is True
    report = await ask(url, "metrics.golden_signals", {"service": "SHOP", "dependencies": False})
    assert {finding.service for finding in report.findings} == {"checkout"}


async def test_the_same_time_yesterday_is_a_baseline(url: str) -> None:
    """Stock had its usual traffic yesterday and has it now; checkout's failures are new since yesterday, too."""
    traffic = await ask(url, "metrics.compare", {"signal": "traffic_rps", "service": "stock"})
    assert traffic.facts["value_baseline"] == pytest.approx(29, abs=2)
    assert traffic.facts["deviates"] is False
    failures = await ask(url, "metrics.compare", {"signal": "error_ratio"})
    assert (failures.facts["deviates"], failures.facts["value_baseline"]) == (True, 0)
    assert abs(failures.findings[0].started_at - ONSET) <= timedelta(seconds=60)  # type: ignore[operator]


async def test_last_week_was_before_there_were_metrics(url: str) -> None:
    report = await ask(url, "metrics.compare", {"signal": "traffic_rps", "against": "last week"})
    assert report.findings == ()
    assert [gap.source for gap in report.gaps] == ["prometheus"]


async def test_a_quiet_hour_raises_no_finding(url: str) -> None:
    quiet = Window(start=WINDOW.start - timedelta(minutes=15), end=WINDOW.start)
    before = Window(start=BASELINE.start, end=quiet.start)
    report = await ask(url, "metrics.look", window=quiet, baseline=before)
    assert [finding.title for finding in report.findings if finding.score > 0] == []
    assert len(report.findings) >= 6

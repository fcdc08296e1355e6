"""The metrics agent when Prometheus is missing, slow or wrong: what it says is what it saw."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from bot.agents.metrics import metrics_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Report, Window
from bot.telemetry.prometheus import Prometheus

END = datetime(2026, 3, 4, 3, 22, tzinfo=UTC)
WINDOW = Window(start=END - timedelta(minutes=15), end=END)
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
CATALOG = Catalog.model_validate({"services": {"shop": {"selectors": {"job": "shop"}}}})
Asked = dict[str, list[str]]


def scope(service: str | None = "shop", deadline_s: float = 10) -> Scope:
    alert = Alert(source="test", name="A", status=AlertStatus.FIRING, fingerprint="f")
    return Scope("i", alert, service, CATALOG, WINDOW, BASELINE, deadline_s=deadline_s)


def ok(data: Any, **more: Any) -> httpx.Response:
    return httpx.Response(200, json={"status": "success", "data": data, **more})


def samples(value: Callable[[float], float]) -> dict[str, Any]:
    start, end = BASELINE.start.timestamp(), END.timestamp()
    values = [[at, str(value(at))] for at in range(int(start), int(end), 30)]
    return {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}


async def shop(asked: Asked, path: str) -> httpx.Response:
    """A shop with requests that never fail and one queue."""
    if path.endswith("/series"):
        names = ("http_requests_total", "mail_queue_depth")
        return ok([{"__name__": name, "job": "shop", "code": "200"} for name in names])
    if path.endswith("/query"):
        return ok({"resultType": "matrix", "result": []})
    if path.endswith("/metadata"):
        return ok({})
    return ok(samples(lambda _: 0.0 if "code=~" in asked["query"][0] else 40.0))


async def ask(
    answer: Callable[[Asked, str], Awaitable[httpx.Response]], tool: str = "metrics.look", *,
    parameters: dict[str, Any] | None = None, given: Scope | None = None,
) -> Report:  # fmt: skip
    async def handle(request: httpx.Request) -> httpx.Response:
        return await answer(parse_qs(request.content.decode()), request.url.path)

    async with Prometheus("http://prometheus.test", transport=httpx.MockTransport(handle)) as prometheus:
        return await Toolbox(metrics_tools(prometheus)).use(tool, parameters or {}, given or scope())


def reasons(report: Report) -> str:
    return "\n".join(gap.reason for gap in report.gaps)


@pytest.mark.parametrize(
    ("tool", "parameters"),
    [
        ("metrics.look", {}),
        ("metrics.golden_signals", {"service": "shop"}),
        ("metrics.query", {"signal": "error_ratio"}),
        ("metrics.compare", {"signal": "error_ratio", "against": "last week"}),
    ],
)
async def test_without_a_prometheus_the_gap_says_how_to_set_one(tool: str, parameters: dict[str, Any]) -> None:
    report = await Toolbox(metrics_tools(None)).use(tool, parameters, scope())
    assert "NIGHTDESK_PROMETHEUS_URL" in reasons(report)
    assert report.findings == ()


async def test_a_healthy_service_is_looked_at_and_normal() -> None:
    report = await ask(shop)
    assert {finding.kind: finding.score for finding in report.findings} == {
        "error_rate": 0, "traffic_drop": 0, "saturation": 0,
    }  # fmt: skip
    assert all("looked, and normal" in finding.title for finding in report.findings)
    assert report.facts["error_ratio"] == 0
    assert report.charts == ()


async def test_a_signal_that_the_service_does_not_expose_is_a_gap() -> None:
    assert "tell its latency" in reasons(await ask(shop))


async def test_what_is_unanswered_at_the_deadline_is_a_gap_and_the_rest_is_reported() -> None:
    async def stuck_on_errors(asked: Asked, path: str) -> httpx.Response:
        if "code=~" in asked.get("query", [""])[0]:
            await asyncio.Event().wait()
        return await shop(asked, path)

    report = await ask(stuck_on_errors, given=scope(deadline_s=2))
    assert {finding.kind for finding in report.findings} == {"traffic_drop", "saturation"}
    assert "HTTP request failures of shop was not answered within 1.3 s" in reasons(report)


async def test_a_server_that_hangs_at_the_first_question_costs_no_more_than_the_deadline() -> None:
    async def stuck(asked: Asked, path: str) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError

    report = await ask(stuck, given=scope(deadline_s=0.2))
    assert "the list of series of shop was not answered" in reasons(report)


async def test_a_refused_query_is_a_gap_with_the_servers_words() -> None:
    async def refusing(asked: Asked, path: str) -> httpx.Response:
        if path.endswith("/query_range"):
            return httpx.Response(422, json={"status": "error", "errorType": "execution", "error": "too many samples"})
        return await shop(asked, path)

    assert "too many samples" in reasons(await ask(refusing))


TWO = Catalog.model_validate(
    {
        "services": {
            "shop": {"selectors": {"job": "shop"}, "depends_on": ["bank"]},
            "bank": {"selectors": {"job": "bank"}},
        }
    }
)


async def test_what_is_refused_for_several_services_is_asked_for_each() -> None:
    refused = 0

    async def of_one_only(asked: Asked, path: str) -> httpx.Response:
        nonlocal refused
        if path.endswith("/series") and "bank" in asked["match[]"][0]:
            return ok([{"__name__": "mail_queue_depth", "job": "bank"}])
        if path.endswith("/query_range") and "by (job)" in asked["query"][0]:
            refused += 1
            return httpx.Response(422, json={"status": "error", "errorType": "execution", "error": "too many samples"})
        return await shop(asked, path)

    report = await ask(of_one_only, given=replace(scope(), catalog=TWO))
    assert {finding.service for finding in report.findings} == {"shop", "bank"}
    assert (refused, "too many samples" in reasons(report)) == (1, False)


async def test_who_lists_its_series_late_holds_up_nobody_and_is_asked_by_itself() -> None:
    others = asyncio.Event()

    async def late(asked: Asked, path: str) -> httpx.Response:
        if path.endswith("/series") and "bank" in asked["match[]"][0]:
            await others.wait()
            return ok([{"__name__": "mail_queue_depth", "job": "bank"}])
        if path.endswith("/query_range"):
            others.set()
        return await shop(asked, path)

    report = await ask(late, given=replace(scope(deadline_s=4), catalog=TWO))
    assert {finding.service for finding in report.findings} == {"shop", "bank"}


async def test_a_warning_is_passed_on() -> None:
    async def warning(asked: Asked, path: str) -> httpx.Response:
        if path.endswith("/query_range"):
            return ok(samples(lambda _: 1.0), warnings=["a store is down"])
        return await shop(asked, path)

    assert "a store is down" in reasons(await ask(warning))


async def test_a_service_without_series_asks_for_selectors() -> None:
    async def empty(asked: Asked, path: str) -> httpx.Response:
        return ok([]) if path.endswith("/series") else await shop(asked, path)

    assert "give it `selectors`" in reasons(await ask(empty))


async def test_traffic_that_stops_has_no_samples_and_is_a_drop_to_zero() -> None:
    async def stopping(asked: Asked, path: str) -> httpx.Response:
        if not path.endswith("/query_range"):
            return await shop(asked, path)
        before = samples(lambda _: 40.0)
        before["result"][0]["values"] = [
            pair for pair in before["result"][0]["values"] if pair[0] < END.timestamp() - 600
        ]
        return ok(before)

    report = await ask(stopping)
    drop = next(finding for finding in report.findings if finding.kind == "traffic_drop")
    assert drop.started_at == END - timedelta(minutes=10)
    assert drop.title.startswith("HTTP requests fell from 40/s to 0/s at 03:12 UTC")


async def test_an_alert_of_an_unknown_service_is_a_gap() -> None:
    assert "names no service" in reasons(await ask(shop, given=scope(service=None)))
    report = await ask(shop, "metrics.golden_signals", parameters={"service": "nope"})
    assert "'nope' is not in the service catalogue" in reasons(report)


async def test_a_query_is_named_and_never_written_by_the_asker() -> None:
    with pytest.raises(BadInput):
        await ask(shop, "metrics.query", parameters={"signal": "up{}"})
    with pytest.raises(BadInput):
        await ask(shop, "metrics.query", parameters={"signal": "error_ratio", "promql": "up"})


async def test_one_signal_has_its_value_now_and_usually() -> None:
    report = await ask(shop, "metrics.query", parameters={"signal": "traffic_rps"})
    assert report.facts.items() >= {"value": 40.0, "value_now": 40.0, "value_baseline": 40.0, "deviates": False}.items()
    assert len(report.findings) == 1


@pytest.mark.parametrize(
    ("metric", "labels", "level", "title"),
    [
        ("cpu_utilization", {}, 0.97, "CPU utilization: 97 %, as before – nearly full (shop)"),
        ("calls_total", {"code": "500"}, 40, "Call failures: 100 %, as before – most of them fail (shop)"),
        ("up", {}, 0.0, "Instances up: 0 %, as before – most are down (shop)"),
    ],
)  # fmt: skip
async def test_what_is_bad_by_itself_is_worth_a_look_and_never_called_normal(
    metric: str, labels: dict[str, str], level: float, title: str
) -> None:
    async def always(asked: Asked, path: str) -> httpx.Response:
        if path.endswith("/series"):
            return ok([{"__name__": metric, "job": "shop", **labels}])
        if not path.endswith("/query_range"):
            return await shop(asked, path)
        return ok(samples(lambda _: 1.0 if labels and " / " in asked["query"][0] else level))

    report = await ask(always)
    assert (report.findings[0].title, report.findings[0].score) == (title, 0.3)

"""The demo's small metrics server and the real Prometheus give the same answers."""

from __future__ import annotations

import json
import math
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import urlopen

import httpx
import pytest
from starlette.applications import Starlette

from bot.demo.child import announced, child, module
from bot.demo.metrics.api import create_app
from bot.demo.metrics.series import NAME, Store, labels_of
from tests.servers.payments import Payments
from tests.servers.process import wait_until
from tests.servers.prometheus import History, prometheus_server

Json = Any
Ask = Callable[[str, Mapping[str, Any]], tuple[int, Json]]
AskApp = Callable[[str, Mapping[str, Any]], Awaitable[tuple[int, Json]]]

SPAN_S = 600
QUERIES = (
    # selectors
    'paid_total{shop="north"}', 'paid_total{shop!="north"}', 'paid_total{shop=~"n.*|w.*"}', 'paid_total{shop!~"n.*"}',
    '{__name__=~"paid.*",till="1"}', "paid_total offset 2m", 'paid_total{shop="nowhere"}', "gone", "gone offset 3m",
    # over a range
    "rate(paid_total[30s])", "rate(paid_total[1m])", "rate(restarted_total[5m])", "increase(restarted_total[5m])",
    "irate(paid_total[1m])", "irate(restarted_total[4m])", "rate(fresh_total[5m])", "increase(fresh_total[10m])",
    "rate(gappy_total[2m])", "increase(gappy_total[7m])", "delta(depth[2m])", "rate(paid_total[1s])",
    "changes(depth[3m])", "resets(restarted_total[10m])", "rate(gone[10m])", "rate(paid_total[1m] offset 3m)",
    *(f"{name}_over_time(depth[2m])" for name in ("avg", "min", "max", "sum", "count", "last", "present")),
    "stddev_over_time(depth[2m])", "stdvar_over_time(depth[2m])", "quantile_over_time(0.9, depth[5m])",
    # aggregation
    "sum(paid_total)", "sum by (shop) (rate(paid_total[1m]))", "sum without (till) (rate(paid_total[1m]))",
    "avg(depth) by (shop)", "min(depth)", "max by (shop, till) (depth)", "count(paid_total) without (shop, till)",
    "group by (shop) (depth)", "stddev(depth)", "stdvar by (shop) (depth)", "topk(2, paid_total)",
    "bottomk(1, paid_total) by (shop)", "quantile(0.5, depth)", "sum by (missing) (depth)",
    "topk by (shop) (1, paid_total)",
    # histograms
    "histogram_quantile(0.5, rate(took_seconds_bucket[2m]))", "histogram_quantile(0.99, took_seconds_bucket)",
    "histogram_quantile(0.9, sum by (le) (rate(took_seconds_bucket[2m])))",
    "histogram_quantile(2, took_seconds_bucket)",
    "histogram_quantile(-1, took_seconds_bucket)", 'histogram_quantile(0.5, took_seconds_bucket{le!="+Inf"})',
    "rate(took_seconds_sum[1m]) / rate(took_seconds_count[1m])",
    # operators
    "depth + 1", "1 - depth", "depth * -2", "depth / 0", "-depth / 0", "depth % 3", "depth ^ 2", "-2 ^ 2", "2 ^ 3 ^ 2",
    "depth > 5", "depth >= bool 5", "5 < depth", "depth == depth", "depth != bool 5", "1 > bool 2", "7 % 4 - 1 * 2",
    "paid_total + on (shop, till) depth", "depth / ignoring (till) group_left owners",
    "depth * on (shop) group_left (owner) owners", "owners * on (shop) group_right (owner) depth",
    "depth > on (shop, till) paid_total", "depth < bool on (shop, till) paid_total",
    "depth and on (shop) owners", "depth unless on (shop) owners", "depth or paid_total", "depth or on (shop) owners",
    "depth and depth > 5 or depth < 2", 'sum(rate(paid_total{shop="nowhere"}[1m])) or vector(0)',
    'sum by (shop) (rate(paid_total{till="1"}[1m])) / sum by (shop) (rate(paid_total[1m])) > 0.1',
    # functions
    "abs(-depth)", "ceil(depth / 3)", "floor(depth / 3)", "round(depth, 0.3)", "round(depth / 3)", "exp(depth / 10)",
    "ln(depth)", "log2(depth)", "log10(depth)", "sqrt(depth - 5)", "clamp(depth, 2, 5)", "clamp_min(depth, 5)",
    "clamp_max(depth, 5)", "sort(depth)", "sort_desc(depth)", "scalar(owners)", 'scalar(depth{shop="north",till="1"})',
    "vector(3)", "time()", "timestamp(depth)", "timestamp(depth + 1)", 'absent(depth{shop="nowhere",till=~"1"})',
    "absent(depth)", "42", "NaN", "-Inf", "1e3 + .5",
)  # fmt: skip
REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("query", {"query": "sum("}), ("query", {"query": "{}"}), ("query", {"query": "depth[5m] offset"}), ("query", {}),
    ("query", {"query": "depth", "time": "yesterday"}), ("query_range", {"query": "depth", "start": 1, "end": 2}),
    ("query_range", {"query": "depth", "start": 2, "end": 1, "step": 1}),
    ("query_range", {"query": "depth", "start": 1, "end": 2, "step": 0}),
    ("query_range", {"query": "depth", "start": 1, "end": 20_000, "step": "1s"}),
    ("query_range", {"query": "depth[1m]", "start": 1, "end": 2, "step": 1}), ("series", {}),
    ("query", {"query": 'depth{shop=~"("}'}),
)  # fmt: skip
MANY_TO_MANY = ("depth + on (shop) depth", "depth * on (shop) group_left owners_twice", "owners / on () depth")


def remembered(base: float) -> History:
    """Ten minutes of samples every 5 s: counters that restart, appear, pause and end; gauges; a histogram."""
    luck, history = random.Random(5), History()  # noqa: S311 - it only makes samples
    times = [round(base + 5 * step + luck.uniform(0, 0.2), 3) for step in range(SPAN_S // 5)]
    for number, (shop, till) in enumerate([("north", 1), ("north", 2), ("west", 1)]):
        labels = f'{{shop="{shop}",till="{till}"}}'
        history.counter(f"paid_total{labels}", times, _noise(luck, number + 1))
        history.gauge(f"depth{labels}", times, lambda _: float(luck.randint(0, 9)))
    history.gauge('owners{shop="north",owner="mina"}', times, lambda _: 2.0)
    history.gauge('owners_twice{shop="north",owner="mina"}', times, lambda _: 2.0)
    history.gauge('owners_twice{shop="north",owner="tom"}', times, lambda _: 3.0)
    history.gauge("restarted_total", times, lambda now: (now - base) % 170)
    history.gauge("fresh_total", times[60:], lambda now: 1 + (now - times[60]) * 3)
    history.gauge("gappy_total", [now for now in times if int(now - base) % 120 < 60], lambda now: now - base)
    history.gauge("gone", times[:40], lambda now: now - base)
    for place, le in enumerate(["0.1", "0.5", "2", "+Inf"], start=1):
        for till in (1, 2):
            series = f'took_seconds_bucket{{le="{le}",till="{till}"}}'
            history.gauge(series, times, _line(base, place * till / 4))
    history.gauge("took_seconds_sum", times, lambda now: (now - base) * 0.7)
    history.gauge("took_seconds_count", times, lambda now: (now - base) * 1.1)
    return history


def _noise(luck: random.Random, most: float) -> Callable[[float], float]:
    return lambda _: luck.random() * most


def _line(base: float, slope: float) -> Callable[[float], float]:
    return lambda now: (now - base) * slope


def stored(history: History) -> Store:
    """The same samples in the small server's store."""
    store = Store()
    for series, points in history.samples.items():
        name, _, inner = series.partition("{")
        labels = dict(pair.split("=", 1) for pair in inner.rstrip("}").split(",") if pair)
        given = labels_of({NAME: name} | {label: json.loads(value) for label, value in labels.items()})
        for now, value in points:
            store.add(given, round(now * 1000), value)
    return store


def asking(base_url: str) -> Ask:
    """Asks a server over the network."""

    def ask(path: str, form: Mapping[str, Any]) -> tuple[int, Json]:
        try:
            with urlopen(  # noqa: S310 - a server of this test
                f"{base_url}/api/v1/{path}?{urlencode(form, doseq=True)}"
            ) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    return ask


def comparable(data: Json) -> Json:
    """An answer's result as numbers by labels, so that order and the last digit do not matter."""
    if data["resultType"] == "scalar":
        return {"scalar": pytest.approx(float(data["result"][1]), rel=1e-9, abs=1e-9, nan_ok=True)}
    found = {}
    for series in data["result"]:
        points = series.get("values") or [series["value"]]
        labels = tuple(sorted(series["metric"].items()))
        found[labels] = [(at, pytest.approx(float(value), rel=1e-9, abs=1e-9, nan_ok=True)) for at, value in points]
    return found


def plain(data: Json) -> Json:
    """The same without tolerance, to hold against it."""
    if data["resultType"] == "scalar":
        return {"scalar": float(data["result"][1])}
    return {
        tuple(sorted(series["metric"].items())): [
            (at, float(value)) for at, value in series.get("values") or [series["value"]]
        ]
        for series in data["result"]
    }


class Both:
    """The two servers with the same memory."""

    def __init__(self, real: Ask, small: AskApp, base: float) -> None:
        self.real, self.small, self.base = real, small, base

    async def agree(self, path: str, form: Mapping[str, Any]) -> Json:
        (real_status, real), (small_status, small) = self.real(path, form), await self.small(path, form)
        assert (small_status, small["status"], small.get("errorType")) == (
            real_status, real["status"], real.get("errorType")), (real, small)  # fmt: skip
        if real["status"] == "success":
            assert small["data"]["resultType"] == real["data"]["resultType"]
            assert plain(small["data"]) == comparable(real["data"])
        return real


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("prometheus")
    base = math.floor(time.time()) - 2 * SPAN_S
    history = remembered(base)
    history.load_into(folder)
    with prometheus_server(folder, {}) as url:
        yield Both(asking(url), _asking_app(create_app(stored(history))), base)


def _asking_app(app: Starlette) -> AskApp:
    async def ask(path: str, form: Mapping[str, Any]) -> tuple[int, Json]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://small", trust_env=False) as client:
            answer = await client.get(f"/api/v1/{path}", params=dict(form))
        return answer.status_code, answer.json()

    return ask


@pytest.mark.parametrize("query", QUERIES)
async def test_the_small_server_answers_a_query_as_prometheus_does(both: Both, query: str) -> None:
    for second in (0.6, 33.3, 301.7, 444.4, SPAN_S - 0.6):
        await both.agree("query", {"query": query, "time": both.base + second})


@pytest.mark.parametrize("query", QUERIES)
async def test_the_small_server_answers_over_a_range_as_prometheus_does(both: Both, query: str) -> None:
    await both.agree(
        "query_range", {"query": query, "start": both.base + 50.7, "end": both.base + SPAN_S, "step": "13s"}
    )


async def test_raw_samples_are_the_same(both: Both) -> None:
    answer = await both.agree("query", {"query": "gappy_total[3m]", "time": both.base + 300.5})
    assert len(answer["data"]["result"][0]["values"]) > 10


@pytest.mark.parametrize(("path", "form"), REFUSED)
async def test_what_prometheus_refuses_is_refused_in_the_same_way(
    both: Both, path: str, form: Mapping[str, Any]
) -> None:
    assert (await both.agree(path, form))["errorType"] == "bad_data"


@pytest.mark.parametrize("query", MANY_TO_MANY)
async def test_series_that_do_not_pair_up_are_an_execution_error(both: Both, query: str) -> None:
    refused = await both.agree("query", {"query": query, "time": both.base + 300.5})
    assert refused["errorType"] == "execution"


async def test_both_scrape_the_same_series_from_the_payments_service(payments: Payments, tmp_path: Path) -> None:
    command = module("bot.demo.metrics", "--target", f"payments={payments.url}/metrics", "--interval", "0.5")
    log = tmp_path / "metrics.err"
    with prometheus_server(tmp_path / "prometheus", {"payments": [payments.target]}) as real_url:
        async with child(command, log=log) as process:
            real, small = asking(real_url), asking(await announced(process, log))

            async def both_see_payments() -> bool:
                query = {"query": 'increase(payments_requests_total{operation="scan-to-pay",outcome="ok"}[10s]) > 20'}
                return all(ask("query", query)[1]["data"]["result"] for ask in (real, small))

            await wait_until(both_see_payments, what="twenty payments in the metrics")
            own = {"match[]": ['{__name__=~"payments_.*|process_.*|up"}']}
            seen = [
                {tuple(sorted(labels.items())) for labels in ask("series", own)[1]["data"]} for ask in (real, small)
            ]
            assert seen[0] == seen[1]
            types = [ask("metadata", {})[1]["data"]["payments_requests_total"][0]["type"] for ask in (real, small)]
            assert types == ["counter", "counter"]
            values = [ask("label/operation/values", {})[1]["data"] for ask in (real, small)]
            assert values[0] == values[1] == ["balance", "scan-to-pay"]

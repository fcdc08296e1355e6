"""What the client makes of Prometheus' answers, put in at the transport."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceUnavailable
from bot.models import Window
from bot.telemetry.prometheus import POINTS, Prometheus, step_for
from bot.telemetry.series import Series

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = Window(start=NOON - timedelta(hours=1), end=NOON)


def answering(body: Any, status: int = 200) -> Prometheus:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json=body))
    return Prometheus("http://prometheus.test", transport=transport)


def matrix(*values: str) -> dict[str, Any]:
    samples = [[NOON.timestamp() + place, value] for place, value in enumerate(values)]
    return {
        "status": "success",
        "data": {"resultType": "matrix", "result": [{"metric": {"a": "b"}, "values": samples}]},
    }


async def test_figures_that_are_not_finite_become_nan_and_the_last_finite_one_is_kept() -> None:
    async with answering(matrix("1.5", "NaN", "+Inf", "2", "-Inf")) as prometheus:
        answer = await prometheus.query_range("x", HOUR)
    assert answer.single is not None
    np.testing.assert_array_equal(answer.single.values, [1.5, np.nan, np.nan, 2.0, np.nan])
    assert answer.single.last == 2.0
    assert answer.single.finite().values.tolist() == [1.5, 2.0]


async def test_an_error_carries_what_prometheus_said() -> None:
    error = {"status": "error", "errorType": "bad_data", "error": "1:3: parse error: unexpected end of input"}
    for status in (200, 400, 422, 503):
        async with answering(error, status) as prometheus:
            with pytest.raises(SourceUnavailable, match="unexpected end of input"):
                await prometheus.query("x{")


async def test_warnings_are_kept() -> None:
    async with answering(matrix("1") | {"warnings": ["a block is missing"]}) as prometheus:
        assert (await prometheus.query_range("x", HOUR)).warnings == ("a block is missing",)


async def test_a_scalar_and_a_vector_are_series_of_one_sample() -> None:
    for kind, result in (("scalar", [1.0, "3"]), ("vector", [{"metric": {}, "value": [1.0, "3"]}])):
        async with answering({"status": "success", "data": {"resultType": kind, "result": result}}) as prometheus:
            answer = await prometheus.query("x")
        assert answer.single is not None
        assert answer.single.last == 3.0


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"status": "fine"},
        {"status": "success"},
        {"status": "success", "data": {"resultType": "string", "result": [1, "x"]}},
        {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "many"]]}]}},
        {"status": "success", "data": {"resultType": "vector", "result": [{"metric": {}, "value": [1]}]}},
    ],
)
async def test_an_answer_in_an_unknown_form_is_a_gap_and_no_crash(body: Any) -> None:
    async with answering(body) as prometheus:
        with pytest.raises(SourceUnavailable, match="prometheus"):
            await prometheus.query("x")


async def test_series_that_are_not_a_list_are_a_gap() -> None:
    async with answering({"status": "success", "data": {"job": "x"}}) as prometheus:
        with pytest.raises(SourceUnavailable, match="form that is not known"):
            await prometheus.series(["up"], HOUR)


async def test_a_server_that_is_not_there_is_a_gap() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    async with Prometheus("http://prometheus.test", transport=httpx.MockTransport(refuse)) as prometheus:
        with pytest.raises(SourceUnavailable, match="did not answer"):
            await prometheus.query("up")


async def test_a_query_goes_below_the_base_address_as_a_form() -> None:
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=matrix("1"))

    async with Prometheus("http://mimir.test/prometheus/", transport=httpx.MockTransport(note)) as prometheus:
        await prometheus.query_range('up{job="a&b"}', HOUR)
    assert asked[0].url == "http://mimir.test/prometheus/api/v1/query_range"
    assert parse_qs(asked[0].content.decode()) == {
        "query": ['up{job="a&b"}'],
        "start": ["2026-03-04T11:00:00+00:00"],
        "end": ["2026-03-04T12:00:00+00:00"],
        "step": ["15"],
    }


@given(st.floats(min_value=1, max_value=400 * 86_400))
def test_a_range_never_asks_for_more_than_its_points(seconds: float) -> None:
    window = Window(start=NOON - timedelta(seconds=seconds), end=NOON)
    assert window.seconds / step_for(window) <= POINTS


def test_a_graph_link_shows_the_window_and_no_credentials() -> None:
    url = Prometheus("http://eve:secret@prometheus.test:9090/p/").graph_url('up{a="b c"}', HOUR)
    assert url == (
        "http://prometheus.test:9090/p/graph?g0.expr=up%7Ba%3D%22b%20c%22%7D&g0.tab=0&g0.range_input=3600s"
        "&g0.end_input=2026-03-04%2012%3A00%3A00"
    )


def test_a_stretch_of_a_series_ends_before_its_end() -> None:
    times = np.array([HOUR.start.timestamp(), NOON.timestamp() - 1, NOON.timestamp()])
    assert Series({}, times, times).between(HOUR.start, HOUR.end).times.size == 2


async def test_a_partial_answer_says_so_whoever_sends_it() -> None:
    async with answering(matrix("1") | {"isPartial": True, "warnings": ["a store gateway is down"]}) as prometheus:
        answer = await prometheus.query_range("x", HOUR)
    assert answer.warnings == (
        "a store gateway is down", "the answer is partial: a part of the storage did not answer",
    )  # fmt: skip


async def test_a_listing_is_bounded_on_servers_that_know_a_limit_and_on_those_that_do_not() -> None:
    asked: list[dict[str, list[str]]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(parse_qs(request.content.decode()))
        label_sets = [{"__name__": "up", "instance": str(number)} for number in range(9)]
        return httpx.Response(200, json={"status": "success", "data": label_sets})

    async with Prometheus("http://prometheus.test", transport=httpx.MockTransport(answer)) as prometheus:
        listing = await prometheus.series(["up"], HOUR, most=4)
        assert (len(listing.label_sets), listing.whole) == (4, False)
        assert (await prometheus.series(["up"], HOUR, most=9)).whole
    assert [form["limit"] for form in asked] == [["5"], ["10"]]


async def test_types_that_are_told_in_an_odd_form_are_left_out() -> None:
    odd = {"status": "success", "data": {"up": [{"type": "gauge"}], "x": [], "y": "gauge", "z": ["gauge"]}}
    async with answering(odd) as prometheus:
        assert await prometheus.metric_types() == {"up": "gauge"}

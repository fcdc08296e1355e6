"""Loki's documented answers, put in at the transport: pages by time, limits, tenants, odd payloads."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.errors import SourceUnavailable
from bot.settings.sources import LokiSource
from tests.unit.telemetry.loki import Entry, FakeLoki, ns, success
from tests.unit.telemetry.servers import END, HOUR, START, Heard, read, weighed

SETTINGS = LokiSource(kind="loki", url="http://loki.test/tenant-gw/")


def many(service: str, lines: int, text: str = "order {} placed") -> list[Entry]:
    return [(service, ns(3600 * place / lines), text.format(place)) for place in range(lines)]


async def test_all_lines_come_once_over_many_pages() -> None:
    loki = Heard(FakeLoki(many("checkout", 4700)))
    lines, gaps = await read(SETTINGS, loki)
    assert [line.message for line in lines] == [f"order {place} placed" for place in range(4700)]
    assert (lines[0].service, lines[0].weight, gaps) == ("checkout", 1.0, [])
    assert lines[1].at == pytest.approx(START + 3600 / 4700, abs=1e-6)
    asked = loki.requests[-1].url
    assert asked.path == "/tenant-gw/loki/api/v1/query_range"


async def test_lines_that_share_the_moment_of_a_page_edge_come_once() -> None:
    together = [("checkout", ns(60 * (place // 700)), f"order {place} placed") for place in range(4200)]
    lines, gaps = await read(SETTINGS, FakeLoki(together))
    assert sorted(line.message for line in lines) == sorted(text for _, _, text in together)
    assert gaps == []


async def test_more_lines_of_one_moment_than_a_page_are_a_gap_and_no_endless_loop() -> None:
    one_moment = [("checkout", ns(5), f"order {place} placed") for place in range(3000)]
    lines, gaps = await read(SETTINGS, FakeLoki([*one_moment, ("checkout", ns(9), "the last")]))
    assert lines[-1].message == "the last"
    assert gaps == ["too many lines of checkout bear one moment: some were left out."]


async def test_a_server_that_allows_fewer_lines_is_asked_for_fewer() -> None:
    lines, gaps = await read(SETTINGS, FakeLoki(many("checkout", 2500), most=1000))
    assert (len(lines), gaps) == (2500, [])


async def test_a_loud_service_hides_no_quiet_one_and_no_alarm() -> None:
    loud = many("search", 30_000)
    quiet = [("checkout", ns(1800), "order 7 placed"), ("search", ns(100), "connection refused by index 3")]
    loki = Heard(FakeLoki([*loud, *quiet]))
    lines, gaps = await read(SETTINGS, loki)
    assert [line.message for line in lines if line.service == "checkout"] == ["order 7 placed"]
    assert [line.weight for line in lines if "refused" in line.message] == [1.0]
    searches = [line for line in lines if line.service == "search"]
    assert weighed(searches) == pytest.approx(30_001)
    assert len(searches) <= 10_001
    assert {int((line.at or 0) - START) // 600 for line in searches} == set(range(6))
    assert all(line.trace is None for line in searches if line.weight > 1)
    assert gaps == []
    assert len(loki.requests) < 20


async def test_only_the_services_that_are_asked_for_are_read_in_any_case() -> None:
    loki = Heard(FakeLoki([*many("Checkout", 3), *many("search", 3)]))
    lines, _ = await read(SETTINGS, loki, {"checkout", "shop"})
    assert {line.service for line in lines} == {"Checkout"}
    assert all("search" not in request.url.params.get("query", "") for request in loki.requests)


async def test_a_service_that_is_not_there_is_no_error() -> None:
    assert await read(SETTINGS, FakeLoki(many("search", 3)), {"checkout"}) == ([], [])


async def test_a_label_without_values_says_what_to_look_at() -> None:
    with pytest.raises(SourceUnavailable, match="is the label or field right"):
        await read(SETTINGS, FakeLoki([]))


async def test_names_are_quoted_whatever_they_hold() -> None:
    odd = 'pay"} |= `x` or {a=~".*'
    none = success(
        {"resultType": "matrix", "result": [{"metric": {"service_name": odd}, "values": [[START + 600, 1]]}]}
    )
    lines = success({"resultType": "streams", "result": []})

    def answer(request: httpx.Request) -> httpx.Response:
        if "/values" in request.url.path:
            return success([odd])
        return none if "count_over_time" in request.url.params["query"] else lines

    heard = Heard(answer)
    await read(SETTINGS.model_copy(update={"selector": {"cluster": 'a"b\\c'}}), heard)
    values, counted, page = (request.url.params["query"] for request in heard.requests)
    chosen = r'{cluster="a\"b\\c",service_name=~"pay\"\\} \\|= `x` or \\{a=~\"\\.\\*"}'
    assert values == r'{cluster="a\"b\\c"}'
    assert counted == f"sum by (service_name) (count_over_time({chosen}[600000ms]))"
    assert page == chosen


async def test_a_tenant_and_a_token_are_sent_and_a_fixed_service_needs_no_label(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOKI_TOKEN", "t")

    def answer(request: httpx.Request) -> httpx.Response:
        assert request.headers["x-scope-orgid"] == "team-a"
        assert request.headers["authorization"] == "Bearer t"
        if "count_over_time" in request.url.params["query"]:
            assert request.url.params["query"].startswith('sum(count_over_time({job="pay"}[')
            return success({"resultType": "matrix", "result": [{"metric": {}, "values": [[START + 600, "1"]]}]})
        values = [{"stream": {"job": "pay"}, "values": [[str(ns(1)), "settled"]]}]
        return success({"resultType": "streams", "result": values})

    settings = LokiSource(
        kind="loki",
        url="http://loki.test",
        tenant="team-a",
        token_env="LOKI_TOKEN",
        service="payments",
        selector={"job": "pay"},
    )
    heard = Heard(answer)
    [line], gaps = await read(settings, heard, {"payments"})
    assert (line.service, line.message, gaps) == ("payments", "settled", [])
    assert all(path.endswith("query_range") for path in heard.paths)


async def test_level_and_trace_come_from_the_line_its_metadata_or_its_labels() -> None:
    stream = {"service_name": "checkout", "level": "warn"}
    values = [
        [str(ns(1)), "slow answer"],
        [str(ns(2)), 'level=error msg="no answer" trace_id=ab12'],
        [str(ns(3)), "no answer", {"detected_level": "error", "trace_id": "cd34"}],
        [str(ns(4)), "no answer", {"structuredMetadata": {"traceID": "ef56"}, "parsed": {}}],
    ]  # fmt: skip

    def answer(request: httpx.Request) -> httpx.Response:
        if "/values" in request.url.path:
            return success(["checkout"])
        if "count_over_time" in request.url.params["query"]:
            series = {"metric": {"service_name": "checkout"}, "values": [[START + 600, "4"]]}
            return success({"resultType": "matrix", "result": [series]})
        return success({"resultType": "streams", "result": [{"stream": stream, "values": values}]})

    lines, _ = await read(SETTINGS, answer)
    assert [line.level for line in lines] == ["warning", "error", "warning", "warning"]
    assert [line.trace for line in lines] == [None, "ab12", "cd34", "ef56"]


async def test_counts_that_fail_leave_lines_and_a_gap() -> None:
    loki = FakeLoki(many("checkout", 50))

    def answer(request: httpx.Request) -> httpx.Response:
        if "count_over_time" in request.url.params.get("query", ""):
            return httpx.Response(400, text="the query would read too many bytes")
        return loki(request)

    lines, [gap] = await read(SETTINGS, answer)
    assert len(lines) == 50
    assert "could not be counted" in gap
    assert "too many bytes" in gap


async def test_a_page_that_fails_is_a_gap_beside_the_lines_of_others() -> None:
    loki = FakeLoki([*many("checkout", 5), *many("search", 5)])

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params.get("query", "")
        return (
            httpx.Response(500, text="ingester gone") if query.startswith('{service_name=~"search"') else loki(request)
        )

    lines, [gap] = await read(SETTINGS, answer)
    assert {line.service for line in lines} == {"checkout"}
    assert gap.startswith("of search: loki at loki.test answered 500: ingester gone")


@pytest.mark.parametrize(
    "data",
    [
        {"resultType": "streams", "result": [{"stream": {}, "values": [["soon", "x"]]}]},
        {"resultType": "streams", "result": [{"values": [["1", "x"]]}]},
        {"resultType": "streams", "result": None},
        [],
        None,
    ],
)
async def test_an_answer_in_an_unknown_form_is_a_gap_and_no_crash(data: Any) -> None:
    loki = FakeLoki(many("checkout", 5))

    def answer(request: httpx.Request) -> httpx.Response:
        plain = "count_over_time" not in request.url.params.get("query", "") and "/values" not in request.url.path
        return success(data) if plain else loki(request)

    lines, [gap] = await read(SETTINGS, answer)
    assert lines == []
    assert "form that is not known" in gap


async def test_what_is_not_loki_is_told_by_its_answer() -> None:
    with pytest.raises(SourceUnavailable, match="is the address right"):
        await read(SETTINGS, lambda _: httpx.Response(200, json={"hello": "world"}))


@pytest.mark.parametrize(
    ("status", "advice"), [(401, "check the token"), (403, "let this account read here"), (404, "is the address right")]
)
async def test_a_refusal_says_what_to_do(status: int, advice: str) -> None:
    with pytest.raises(SourceUnavailable, match=rf"answered {status}: no \({advice}"):
        await read(SETTINGS, lambda _: httpx.Response(status, text="no"))


async def test_a_server_that_asks_for_a_short_rest_is_asked_again() -> None:
    loki, refused = FakeLoki(many("checkout", 5)), [httpx.Response(429, headers={"Retry-After": "0"})]
    lines, gaps = await read(SETTINGS, lambda request: refused.pop() if refused else loki(request))
    assert (len(lines), gaps) == (5, [])


async def test_a_server_that_does_not_answer_in_time_is_a_gap() -> None:
    def late(request: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("timed out", request=request)

    with pytest.raises(SourceUnavailable, match="did not answer within 5 s"):
        await read(SETTINGS, late)


def test_the_hour_of_the_tests_is_an_hour() -> None:
    assert (END - START, HOUR.seconds) == (3600, 3600)

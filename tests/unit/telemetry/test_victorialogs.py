"""VictoriaLogs' documented answers, put in at the transport: streamed lines of JSON, counts by LogsQL."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Sequence
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from bot.errors import SourceUnavailable
from bot.settings.sources import VictoriaLogsSource
from bot.telemetry.loglines import as_seconds
from tests.unit.telemetry.servers import START, Heard, read, weighed

SETTINGS = VictoriaLogsSource(kind="victorialogs", url="http://vl.test:9428")

Row = dict[str, str]


def row(offset_s: float, message: str, service: str = "checkout", **more: str) -> Row:
    seconds = f"{offset_s % 60:09.6f}"
    return {
        "_time": f"2026-03-04T11:{int(offset_s // 60):02d}:{seconds}Z",
        "_msg": message,
        "_stream": f'{{service.name="{service}"}}',
        "service.name": service,
        **more,
    }


def form_of(request: httpx.Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.content.decode()).items()}


class Streamed(httpx.AsyncByteStream):
    """Lines in pieces that end anywhere."""

    def __init__(self, rows: Sequence[Any]) -> None:
        self.text = "".join(json.dumps(found) + "\n" for found in rows).encode()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.text), 10_007):
            yield self.text[start : start + 10_007]


class FakeVictoriaLogs:
    """Answers the queries that the client writes, by what they say."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = sorted(rows, key=lambda found: found["_time"])

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = form_of(request)
        if request.url.path == "/select/logsql/field_values":
            assert (asked["field"], asked["query"]) == ("service.name", "*")
            names = sorted({found["service.name"] for found in self.rows})
            return httpx.Response(200, json={"values": [{"value": name, "hits": 1} for name in ["", *names]]})
        assert request.url.path == "/select/logsql/query"
        query, _, pipe = asked["query"].partition(" | ")
        inside = [found for found in self.rows if asked["start"] <= found["_time"] <= asked["end"]]
        found = [found for found in inside if self._matches(query, found)]
        return httpx.Response(
            200, stream=Streamed(self._counted(pipe, found) if "stats" in pipe else _first(pipe, found))
        )

    def _matches(self, query: str, found: Row) -> bool:
        chosen = re.search(r'"service\.name":in\(([^)]*)\)', query)
        assert chosen
        alarming = "refused" in found["_msg"]
        crowd = alarming if " _msg:~" in query else not alarming if "!(_msg:~" in query else True
        return f'"{found["service.name"]}"' in chosen[1] and crowd

    def _counted(self, pipe: str, found: Sequence[Row]) -> list[Row]:
        assert pipe.startswith('stats by ("service.name") ')
        slices = re.findall(r"count\(\) if \(_time:\[(\S+), (\S+)\)\) as (slice_\d)", pipe)
        return [
            {"service.name": name}
            | {slot: str(sum(start <= line["_time"] < end for line in found if line["service.name"] == name))
               for start, end, slot in slices}
            for name in sorted({line["service.name"] for line in found})
        ]  # fmt: skip


def _first(pipe: str, found: Sequence[Row]) -> list[Row]:
    limit = re.fullmatch(r"sort by \(_time\) limit (\d+)", pipe)
    assert limit
    return list(found[: int(limit[1])])


async def test_lines_come_as_they_stream_with_time_level_and_trace() -> None:
    rows = [row(place / 2, f"order {place} placed", level="warn", trace_id="ab12") for place in range(2000)]
    lines, gaps = await read(SETTINGS, FakeVictoriaLogs(rows))
    assert [line.message for line in lines] == [f"order {place} placed" for place in range(2000)]
    assert gaps == []
    first = lines[1]
    assert (first.at, first.level, first.trace, first.service) == (START + 0.5, "warning", "ab12", "checkout")


async def test_a_loud_service_hides_no_quiet_one_and_no_alarm() -> None:
    loud = [row(place * 0.11, f"query {place}", "search") for place in range(30_000)]
    others = [row(5, "order 5 placed"), row(1000, "connection refused by index 3", "search")]
    heard = Heard(FakeVictoriaLogs([*loud, *others]))
    lines, gaps = await read(SETTINGS, heard)
    assert [line.message for line in lines if line.service == "checkout"] == ["order 5 placed"]
    assert [line.weight for line in lines if "refused" in line.message] == [1.0]
    assert weighed(lines) == pytest.approx(30_002)
    assert gaps == []
    assert len(heard.requests) < 20


async def test_what_lies_at_the_end_of_the_stretch_belongs_to_the_next() -> None:
    end = row(0, "late") | {"_time": "2026-03-04T12:00:00Z"}
    lines, _ = await read(SETTINGS, FakeVictoriaLogs([row(1, "early"), end]))
    assert [line.message for line in lines] == ["early"]


async def test_names_are_quoted_whatever_they_hold() -> None:
    odd = 'pay") | delete _msg #\\'
    heard = Heard(
        lambda request: (
            httpx.Response(200, json={"values": [{"value": odd, "hits": 3}]})
            if "field_values" in request.url.path
            else httpx.Response(200, text="")
        )
    )
    await read(SETTINGS.model_copy(update={"selector": {'a"b': "c d"}}), heard)
    query = form_of(heard.requests[1])["query"]
    assert query.startswith(r'"a\"b":="c d" "service.name":in("pay\") | delete _msg #\\") | stats by ("service.name") ')


async def test_a_tenant_is_sent_and_a_fixed_service_needs_no_field() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        assert (request.headers["accountid"], request.headers["projectid"]) == ("12", "3")
        query = form_of(request)["query"]
        assert query.startswith('"app":="pay" | ')
        counts = {f"slice_{place}": "1" if place == 0 else "0" for place in range(6)}
        return httpx.Response(200, stream=Streamed([counts] if "stats" in query else [row(1, "settled")]))

    settings = VictoriaLogsSource(
        kind="victorialogs", url="http://vl.test", tenant="12:3", service="payments", selector={"app": "pay"}
    )
    [line], _ = await read(settings, serve)
    assert (line.service, line.message) == ("payments", "settled")


@pytest.mark.parametrize(
    ("text", "said"),
    [("<html>", "not JSON"), ("[1]\n", "not a JSON object"), ('{"service.name":"checkout"}\n', "counted in a form")],
)
async def test_counts_in_an_unknown_form_leave_a_gap(text: str, said: str) -> None:
    server = FakeVictoriaLogs([row(1, "order 1 placed")])

    def serve(request: httpx.Request) -> httpx.Response:
        counting = "stats" in form_of(request)["query"]
        return httpx.Response(200, text=text) if counting else server(request)

    lines, [gap] = await read(SETTINGS, serve)
    assert (len(lines), said in gap) == (1, True)


async def test_rows_without_a_time_are_passed_over() -> None:
    server = FakeVictoriaLogs([row(1, "order 1 placed")])

    def serve(request: httpx.Request) -> httpx.Response:
        plain = "sort by" in form_of(request)["query"]
        return httpx.Response(200, stream=Streamed([{"_msg": "x"}, {"_time": "soon"}])) if plain else server(request)

    assert await read(SETTINGS, serve) == ([], [])


async def test_an_error_carries_what_the_server_said() -> None:
    with pytest.raises(SourceUnavailable, match="cannot parse query"):
        await read(SETTINGS, lambda _: httpx.Response(400, text="cannot parse query"))
    with pytest.raises(SourceUnavailable, match="named its services in a form"):
        await read(SETTINGS, lambda _: httpx.Response(200, json=[]))


def test_the_rows_of_the_tests_bear_the_times_that_they_say() -> None:
    assert as_seconds(row(61.5, "x")["_time"]) == START + 61.5

"""Answers of Jaeger's query API, put in at the transport: traces by service, odd payloads."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bot.errors import SourceUnavailable
from bot.settings.sources import JaegerSource
from tests.unit.telemetry.servers import START, Heard, read_spans

SETTINGS = JaegerSource(kind="jaeger", url="http://jaeger.test/select/jaeger")


def tags(**found: Any) -> list[dict[str, Any]]:
    return [{"key": name.replace("__", "."), "type": "string", "value": value} for name, value in found.items()]


def trace(number: int, service: str, *, failed: bool = False) -> dict[str, Any]:
    """A front door that calls the service, one trace a minute."""
    identity, start = f"{service}{number:x}", round((START + 60 * number) * 1e6)
    spans = [
        {"traceID": identity, "spanID": "a", "operationName": "GET /", "references": [], "startTime": start,
         "duration": 500_000, "processID": "p1", "tags": tags(span__kind="client", peer__service=service)},
        {"traceID": identity, "spanID": "b", "operationName": "settle", "startTime": start + 1000, "duration": 400_000,
         "references": [{"refType": "FOLLOWS_FROM", "traceID": "other", "spanID": "z"},
                        {"refType": "CHILD_OF", "traceID": identity, "spanID": "a"}],
         "processID": "p2", "tags": tags(span__kind="server", error=failed)},
    ]  # fmt: skip
    processes = {"p1": {"serviceName": "web", "tags": []}, "p2": {"serviceName": service, "tags": tags(hostname="h-1")}}
    return {"traceID": identity, "spans": spans, "processes": processes, "warnings": None}


class FakeJaeger:
    """Knows one trace a minute of each service; every tenth has failed."""

    def __init__(self, *services: str) -> None:
        self.services = services

    def __call__(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path == "/select/jaeger/api/services":
            return answer([*self.services, "web"])
        assert request.url.path == "/select/jaeger/api/traces"
        through = self.services if asked["service"] == "web" else (asked["service"],)
        failing = asked.get("tags") == '{"error":"true"}'
        found = [
            trace(number, service, failed=number % 10 == 0)
            for service in through
            for number in range(60)
            if int(asked["start"]) <= (START + 60 * number) * 1e6 < int(asked["end"])
            and (number % 10 == 0 or not failing)
        ]
        return answer(found[: int(asked["limit"])])


def answer(data: Any, errors: Any = None) -> httpx.Response:
    return httpx.Response(200, json={"data": data, "total": 0, "limit": 0, "offset": 0, "errors": errors})


async def test_whole_traces_come_once_from_all_over_the_window_and_failed_ones_for_sure() -> None:
    heard = Heard(FakeJaeger("payments", "ledger"))
    spans, gaps = await read_spans(SETTINGS, heard)
    assert len({(span.trace, span.id) for span in spans}) == len(spans)
    assert {int(span.start_s - START) // 600 for span in spans} == set(range(6))
    assert sum(span.failed for span in spans) >= 12
    assert gaps == []


async def test_a_span_has_its_parent_peer_instance_kind_and_outcome() -> None:
    spans, _ = await read_spans(SETTINGS.model_copy(update={"traces": 6}), FakeJaeger("payments"), {"Payments"})
    first = [span for span in spans if span.trace == "payments0"]
    client, server = first
    assert (client.service, client.kind, client.peer, client.parent) == ("web", "client", "payments", None)
    assert (server.service, server.kind, server.parent, server.instance) == ("payments", "server", "a", "h-1")
    assert (client.failed, server.failed) == (False, True)
    assert (server.operation, server.start_s, server.duration_s) == ("settle", START + 0.001, 0.4)


async def test_only_the_services_that_are_asked_for_are_searched() -> None:
    heard = Heard(FakeJaeger("payments", "ledger"))
    await read_spans(SETTINGS, heard, {"PAYMENTS"})
    assert {request.url.params.get("service", "payments") for request in heard.requests} == {"payments"}
    assert await read_spans(SETTINGS, FakeJaeger("payments"), {"checkout"}) == ([], [])


async def test_a_search_that_fails_is_a_gap_beside_the_spans_of_others() -> None:
    jaeger = FakeJaeger("payments", "ledger")

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("service") == "ledger":
            return answer(None, [{"code": 400, "msg": "storage is read only"}])
        return jaeger(request)

    spans, gaps = await read_spans(SETTINGS, serve, {"payments", "ledger"})
    assert spans
    assert all(gap.startswith("of ledger: jaeger at jaeger.test said: ") for gap in gaps)
    assert "storage is read only" in gaps[0]


@pytest.mark.parametrize(
    "data",
    [
        [7, {"spans": None, "processes": {}}, {"spans": [{"processID": "p1"}], "processes": None}],
        [{"spans": [{"processID": "p1", "startTime": "soon"}, 7], "processes": {"p1": {"serviceName": "x"}}}],
        [{"spans": [{"processID": "p2", "tags": [7, {"value": 1}]}], "processes": {"p2": 7}}],
        None,
    ],
)
async def test_spans_in_an_unknown_form_are_passed_over(data: Any) -> None:
    jaeger = FakeJaeger("payments")
    assert await read_spans(
        SETTINGS, lambda request: jaeger(request) if "services" in str(request.url) else answer(data)
    ) == ([], [])


@pytest.mark.parametrize("body", [[], {"hello": 1, "data": {}}, {"data": "x"}])
async def test_what_is_not_jaeger_is_told_by_its_answer(body: Any) -> None:
    with pytest.raises(SourceUnavailable, match="is the address right"):
        await read_spans(SETTINGS, lambda _: httpx.Response(200, json=body))

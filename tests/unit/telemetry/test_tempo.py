"""Tempo's documented answers, put in at the transport: searches by TraceQL, traces as OTLP JSON."""

from __future__ import annotations

import base64
import re
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SourceUnavailable
from bot.settings.sources import TempoSource
from bot.telemetry.otlp import spans_of
from tests.unit.telemetry.servers import START, Heard, read_spans

SETTINGS = TempoSource(kind="tempo", url="http://tempo.test:3200")
TRACE, ROOT, CHILD = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "53995c3f42cd8ad8"


def attribute(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}


def span(at_s: float, **more: Any) -> dict[str, Any]:
    start = round((START + at_s) * 1e6) * 1000
    return {"traceId": TRACE, "spanId": ROOT, "name": "GET /pay", "kind": "SPAN_KIND_SERVER",
            "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 250_000_000)} | more  # fmt: skip


def of_service(name: str, *spans: dict[str, Any], **more: str) -> dict[str, Any]:
    attributes = [attribute("service.name", name), *(attribute(key, value) for key, value in more.items())]
    return {"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {"name": "x"}, "spans": list(spans)}]}


class FakeTempo:
    """Knows one trace a minute of each service; every tenth has failed."""

    def __init__(self, *services: str) -> None:
        self.services = services
        self.traces = {
            f"{place:030x}{number:02x}": (60.0 * number, service, number % 10 == 0)
            for place, service in enumerate(services, 1)
            for number in range(60)
        }

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path, asked = request.url.path, request.url.params
        if path == "/api/v2/search/tag/resource.service.name/values":
            return httpx.Response(
                200, json={"tagValues": [{"type": "string", "value": name} for name in self.services]}
            )
        if path == "/api/search":
            return httpx.Response(200, json={"traces": self._found(asked), "metrics": {"inspectedBytes": "1"}})
        trace = path.removeprefix("/api/traces/")
        at_s, service, failed = self.traces[trace]
        status = {"status": {"code": "STATUS_CODE_ERROR"}} if failed else {}
        return httpx.Response(200, json={"batches": [of_service(service, span(at_s, traceId=trace, **status))]})

    def _found(self, asked: httpx.QueryParams) -> list[dict[str, Any]]:
        named = re.findall(r'resource\.service\.name = "([^"]*)"', asked["q"])
        return [
            {"traceID": trace, "rootServiceName": service, "startTimeUnixNano": "0", "durationMs": 250}
            for trace, (at_s, service, failed) in self.traces.items()
            if int(asked["start"]) <= START + at_s < int(asked["end"])
            and (not named or service in named)
            and ("status = error" not in asked["q"] or failed)
        ][: int(asked["limit"])]


async def test_traces_come_from_all_over_the_window_and_failed_ones_for_sure() -> None:
    heard = Heard(FakeTempo("checkout", "payments"))
    spans, gaps = await read_spans(SETTINGS.model_copy(update={"traces": 24}), heard)
    assert len({span.trace for span in spans}) == 24
    assert {int(span.start_s - START) // 600 for span in spans} == set(range(6))
    assert sum(span.failed for span in spans) >= 6
    assert gaps == []
    assert sum(path.startswith("/api/traces/") for path in heard.paths) == 24


async def test_only_traces_through_the_services_that_are_asked_for_are_searched() -> None:
    heard = Heard(FakeTempo("Checkout", "payments"))
    spans, _ = await read_spans(SETTINGS, heard, {"checkout"})
    assert {span.service for span in spans} == {"Checkout"}
    queries = {request.url.params["q"] for request in heard.requests if request.url.path == "/api/search"}
    named = 'resource.service.name = "Checkout"'
    assert queries == {f"{{ ({named}) }}", f"{{ ({named}) && status = error }}"}
    assert await read_spans(SETTINGS, FakeTempo("payments"), {"checkout"}) == ([], [])


async def test_without_a_service_the_search_is_for_any_span() -> None:
    heard = Heard(FakeTempo("payments"))
    await read_spans(SETTINGS, heard)
    queries = {request.url.params["q"] for request in heard.requests if request.url.path == "/api/search"}
    assert queries == {"{}", "{ status = error }"}


async def test_names_are_quoted_whatever_they_hold() -> None:
    odd = 'pay" } || { name = "x\\'
    heard = Heard(FakeTempo(odd))
    await read_spans(SETTINGS, heard, {odd})
    queries = {request.url.params["q"] for request in heard.requests if request.url.path == "/api/search"}
    assert r'{ (resource.service.name = "pay\" } || { name = \"x\\") }' in queries


async def test_a_tenant_is_sent() -> None:
    heard = Heard(FakeTempo("payments"))
    await read_spans(SETTINGS.model_copy(update={"tenant": "team-a", "traces": 1}), heard)
    assert {request.headers["x-scope-orgid"] for request in heard.requests} == {"team-a"}


async def test_a_trace_that_is_gone_and_a_search_that_fails_are_gaps() -> None:
    tempo = FakeTempo("payments")

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/api/traces/"):
            return httpx.Response(404, text="trace not found")
        failing = "status = error" in request.url.params.get("q", "")
        return httpx.Response(400, text="too many blocks") if failing else tempo(request)

    spans, gaps = await read_spans(SETTINGS.model_copy(update={"traces": 2}), answer)
    assert spans == []
    assert gaps[0] == "a search failed: tempo at tempo.test:3200 answered 400: too many blocks (its own log says more)"
    assert sum("could not be fetched" in gap for gap in gaps) == 2


@pytest.mark.parametrize("traces", [7, [7], [{"traceID": "../secrets"}], [{"traceID": None}]])
async def test_ids_that_are_none_are_not_fetched(traces: Any) -> None:
    tempo = FakeTempo("payments")
    heard = Heard(
        lambda request: (
            httpx.Response(200, json={"traces": traces}) if request.url.path == "/api/search" else tempo(request)
        )
    )
    spans, _ = await read_spans(SETTINGS, heard)
    assert spans == []
    assert not any(path.startswith("/api/traces") for path in heard.paths)


async def test_a_server_that_names_no_services_in_a_known_form_is_unavailable() -> None:
    with pytest.raises(SourceUnavailable, match="form that is not known"):
        await read_spans(SETTINGS, lambda _: httpx.Response(200, json=[]))


def test_a_span_has_its_parent_peer_instance_kind_and_outcome() -> None:
    client = span(
        1, spanId=CHILD, parentSpanId=ROOT, kind=3, attributes=[attribute("peer.service", "bank")], status={"code": 2}
    )
    [found] = spans_of({"resourceSpans": [of_service("payments", client, **{"k8s.pod.name": "pay-1"})]})
    assert (found.trace, found.id, found.parent) == (TRACE, CHILD, ROOT)
    assert (found.service, found.operation, found.instance) == ("payments", "GET /pay", "pay-1")
    assert (found.kind, found.peer, found.failed) == ("client", "bank", True)
    assert (found.start_s, found.duration_s) == (START + 1, 0.25)


def test_ids_in_base64_are_the_same_ids() -> None:
    def encoded(digits: str) -> str:
        return base64.b64encode(bytes.fromhex(digits)).decode()

    root = span(1, traceId=encoded(TRACE), spanId=encoded(ROOT), parentSpanId="")
    child = span(1, traceId=encoded(TRACE), spanId=encoded(CHILD), parentSpanId=encoded(ROOT))
    found = list(spans_of({"batches": [of_service("payments", root, child)]}))
    assert [(each.trace, each.id, each.parent) for each in found] == [(TRACE, ROOT, None), (TRACE, CHILD, ROOT)]


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["resourceSpans", "scopeSpans", "spans", "resource", "attributes", "key", "value", "status",
                         "traceId", "spanId", "startTimeUnixNano", "endTimeUnixNano"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.dictionaries(st.just("resourceSpans"), ODD))
def test_any_document_is_read(document: dict[str, Any]) -> None:
    assert all(found.service for found in spans_of(document))

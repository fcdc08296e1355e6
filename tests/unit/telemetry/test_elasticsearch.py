"""Documented answers of Elasticsearch and OpenSearch, put in at the transport: points in time, pages, odd payloads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from bot.errors import SourceUnavailable
from bot.settings.sources import ElasticsearchFields, ElasticsearchSource
from tests.unit.telemetry.servers import START, Answer, Heard, body_of, read, weighed

SETTINGS = ElasticsearchSource(kind="elasticsearch", url="http://es.test:9200", index="logs-*,old")
OPEN = ElasticsearchSource(kind="opensearch", url="http://es.test:9200", index="logs-*,old")

Document = dict[str, Any]


def document(place: int, service: str = "checkout", **more: Any) -> Document:
    message = {"message": f"order {place} placed"}
    return {"@timestamp": round(START * 1000) + place, "service": {"name": service}, **message, **more}


class FakeElasticsearch:
    """Answers as the server does; a search goes on behind `search_after` in the order of time and document."""

    def __init__(self, documents: Sequence[Document], *, pit: bool = True, kind: str = "elasticsearch") -> None:
        self.kind = kind
        self.documents = sorted(documents, key=lambda found: found["@timestamp"])
        self.pit = pit
        self.opened = 0
        self.closed: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in {"/logs-*,old/_pit", "/logs-*,old/_search/point_in_time"}:
            return self._open(path)
        if request.method == "DELETE":
            body = body_of(request)
            self.closed += [body["id"]] if "id" in body else body["pit_id"]
            return httpx.Response(200, json={"succeeded": True, "num_freed": 1})
        body = body_of(request)
        assert path == ("/_search" if "pit" in body else "/logs-*,old/_search")
        found = [hit for hit in enumerate(self.documents) if self._matches(body["query"]["bool"], hit[1])]
        return self._counted(body, found) if "aggs" in body else self._hits(body, found)

    def _open(self, path: str) -> httpx.Response:
        if not self.pit:
            return httpx.Response(400, json={"error": {"type": "illegal_argument_exception"}, "status": 400})
        self.opened += 1
        return httpx.Response(200, json={"pit_id" if "point_in_time" in path else "id": f"pit-{self.opened}"})

    def _matches(self, query: dict[str, Any], found: Document) -> bool:
        (between,) = [part["range"]["@timestamp"] for part in query["filter"] if "range" in part]
        terms = [part["terms"]["service.name"] for part in query["filter"] if "terms" in part]
        alarming = "refused" in found["message"]
        wanted = any("bool" in part for part in query["filter"])
        inside = between["gte"] <= found["@timestamp"] < between["lt"]
        crowd = (not wanted or alarming) and ("must_not" not in query or not alarming)
        return inside and crowd and all(found["service"]["name"] in names for names in terms)

    def _counted(self, body: dict[str, Any], found: Sequence[tuple[int, Document]]) -> httpx.Response:
        assert body["size"] == 0
        aggregation = body["aggs"]["services"]
        assert aggregation["terms"]["field"] == "service.name"
        ranges = aggregation.get("aggs", {}).get("slices", {}).get("date_range", {}).get("ranges", [])
        buckets = []
        for name in sorted({hit["service"]["name"] for _, hit in found}):
            times = [hit["@timestamp"] for _, hit in found if hit["service"]["name"] == name]
            slices = [{"key": part["key"], "doc_count": sum(part["from"] <= at < part["to"] for at in times)}
                      for part in ranges]  # fmt: skip
            buckets.append({"key": name, "doc_count": len(times), "slices": {"buckets": slices}})
        return answer([], aggregations={"services": {"buckets": buckets, "sum_other_doc_count": 0}})

    def _hits(self, body: dict[str, Any], found: Sequence[tuple[int, Document]]) -> httpx.Response:
        """Elasticsearch breaks ties within a point in time by itself; else the request must say how."""
        ties = ("pit" in body and self.kind == "elasticsearch") or {"_doc": {"order": "asc"}} in body["sort"]
        sorts = [([hit["@timestamp"], place] if ties else [hit["@timestamp"]], hit) for place, hit in found]
        page = [(sort, hit) for sort, hit in sorts if sort > body.get("search_after", [])][: body["size"]]
        hits = [{"_index": "logs-1", "_source": hit, "sort": sort} for sort, hit in page]
        return answer(hits, **({"pit_id": body["pit"]["id"]} if "pit" in body else {}))


def answer(hits: Sequence[Document], **more: Any) -> httpx.Response:
    shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    return httpx.Response(200, json={"took": 1, "timed_out": False, "_shards": shards, "hits": {"hits": hits}, **more})


@pytest.mark.parametrize(("settings", "pit"), [(SETTINGS, True), (OPEN, True), (SETTINGS, False)])
async def test_all_lines_come_once_over_many_pages_with_a_point_in_time_or_without(
    settings: ElasticsearchSource, pit: bool
) -> None:
    server = FakeElasticsearch([document(place // 3) for place in range(3500)], pit=pit, kind=settings.kind)
    lines, gaps = await read(settings, server)
    assert (len(lines), gaps) == (3500, [])
    assert [line.message for line in lines[::3]] == [f"order {place} placed" for place in range(1167)]
    assert (server.opened, server.closed) == ((1, ["pit-1"]) if pit else (0, []))


async def test_a_few_lines_need_no_point_in_time() -> None:
    server = FakeElasticsearch([document(place) for place in range(7)])
    [first, *_], _ = await read(SETTINGS, server)
    assert (first.at, first.service, first.level, server.opened) == (START, "checkout", "unknown", 0)


async def test_a_point_in_time_that_cannot_be_closed_spoils_nothing() -> None:
    server = FakeElasticsearch([document(place) for place in range(1500)])

    def refusing(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, text="no") if request.method == "DELETE" else server(request)

    lines, gaps = await read(SETTINGS, refusing)
    assert (len(lines), gaps) == (1500, [])


async def test_a_loud_service_hides_no_quiet_one_and_no_alarm() -> None:
    loud = [document(place * 100, "search") for place in range(30_000)]
    alarm = document(1_000_000, "search") | {"message": "connection refused by index 3"}
    heard = Heard(FakeElasticsearch([*loud, alarm, document(5)]))
    lines, gaps = await read(SETTINGS, heard)
    assert [line.message for line in lines if line.service == "checkout"] == ["order 5 placed"]
    assert [line.weight for line in lines if "refused" in line.message] == [1.0]
    assert weighed(lines) == pytest.approx(30_002)
    assert len(lines) < 10_010
    assert gaps == []
    assert len(heard.requests) < 25


async def test_fields_are_read_where_ecs_has_them_nested_or_dotted() -> None:
    nested = document(1, log={"level": "error"}, trace={"id": "ab12"}, error={"stack_trace": "E: no\n at pay.py"})
    dotted = document(2) | {"log.level": "warn", "trace.id": "cd34"}
    lines, _ = await read(SETTINGS, FakeElasticsearch([nested, dotted]))
    assert [(line.level, line.trace) for line in lines] == [("error", "ab12"), ("warning", "cd34")]
    assert lines[0].message == "order 1 placed\nE: no\n at pay.py"


async def test_other_field_names_are_a_matter_of_the_settings() -> None:
    fields = ElasticsearchFields(time="ts", service="app.keyword", message="text", level="sev", trace="tid")
    settings = SETTINGS.model_copy(update={"fields": fields, "selector": {"env": "prod"}})
    source = {"ts": "2026-03-04T11:00:01Z", "app": "pay", "text": "no", "sev": "ERROR", "tid": "ab12"}

    def serve(request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        assert {"term": {"env": "prod"}} in body["query"]["bool"]["filter"]
        if "aggs" not in body:
            assert "ts" in body["sort"][0]
            return answer([{"_source": source, "sort": [1]}])
        terms = body["aggs"]["services"]["terms"]
        assert terms["field"] == "app.keyword"
        slices = {"buckets": [{"key": "0", "doc_count": 1}]}
        return answer([], aggregations={"services": {"buckets": [{"key": "pay", "doc_count": 1, "slices": slices}]}})

    [line], _ = await read(settings, serve)
    assert (line.at, line.message, line.level, line.trace) == (START + 1, "no", "error", "ab12")


async def test_a_fixed_service_and_an_api_key_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ES_KEY", "id:key")

    def serve(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == "ApiKey id:key"
        if "aggs" in body_of(request):
            return answer([], aggregations={"slices": {"buckets": [{"key": "0", "doc_count": 1}]}})
        return answer([{"_source": document(1), "sort": [1]}])

    settings = SETTINGS.model_copy(update={"service": "shop", "api_key_env": "ES_KEY"})
    [line], _ = await read(settings, serve, {"shop"})
    assert line.service == "shop"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"timed_out": True}, "the search timed out before it had seen all lines."),
        ({"_shards": {"failed": 2}}, "2 shards failed: lines are missing."),
    ],
)
async def test_a_search_that_saw_not_all_says_so(more: dict[str, Any], said: str) -> None:
    server = FakeElasticsearch([document(1)])

    def serve(request: httpx.Request) -> httpx.Response:
        found = server(request)
        return found if "aggs" in body_of(request) else httpx.Response(200, json=found.json() | more)

    lines, gaps = await read(SETTINGS, serve)
    assert (len(lines), gaps) == (1, [said])


@pytest.mark.parametrize(
    "hits", [[{"_source": None}], [{"_source": {"@timestamp": "soon"}}], [{"_source": {"message": 7}}], [{}]]
)
async def test_a_hit_without_time_or_text_is_passed_over(hits: Sequence[Document]) -> None:
    server = FakeElasticsearch([document(1)])
    serve: Answer = lambda request: server(request) if "aggs" in body_of(request) else answer(hits)  # noqa: E731
    assert await read(SETTINGS, serve) == ([], [])


@pytest.mark.parametrize("hits", [None, {}, {"hits": None}, {"hits": ["x"]}])
async def test_hits_in_an_unknown_form_are_a_gap(hits: Any) -> None:
    server = FakeElasticsearch([document(1)])

    def serve(request: httpx.Request) -> httpx.Response:
        return server(request) if "aggs" in body_of(request) else httpx.Response(200, json={"hits": hits})

    lines, [gap] = await read(SETTINGS, serve)
    assert (lines, "form that is not known" in gap) == ([], True)


async def test_an_error_carries_what_the_server_said() -> None:
    error = {"error": {"type": "security_exception", "reason": "action is unauthorized"}, "status": 403}
    with pytest.raises(SourceUnavailable, match="action is unauthorized"):
        await read(SETTINGS, lambda _: httpx.Response(403, json=error))


async def test_an_index_without_lines_is_told_like_a_wrong_field() -> None:
    with pytest.raises(SourceUnavailable, match="is the label or field right"):
        await read(SETTINGS, lambda _: answer([]))

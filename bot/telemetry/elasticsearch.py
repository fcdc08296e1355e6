"""Elasticsearch and OpenSearch: lines by time, counted by aggregations.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-search
https://docs.opensearch.org/latest/search-plugins/searching-data/point-in-time/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import structlog

from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Window
from bot.plural import many
from bot.settings.sources import ElasticsearchSource
from bot.telemetry.loglines import LEVELS, LogLine, as_seconds, read_fields
from bot.telemetry.logs import Batch
from bot.telemetry.portions import Counts, Crowd, Portion

PAGE = 1000
MOST_NAMES = 500
KEPT_OPEN = "30s"
"""How long the server keeps a search for its next page; each page asks anew."""
ALARMING_LEVELS = sorted(
    spelt
    for word, level in LEVELS.items()
    if level == "error" and len(word) > 2
    for spelt in (word, word.upper(), word.capitalize())
)
ALARMING_WORDS = "error *error *exception fatal panic critical traceback severe fail* timeout refused"

log = structlog.get_logger(__name__)


class Elasticsearch:
    """One index, alias or pattern of them."""

    def __init__(self, http: HttpSource, settings: ElasticsearchSource) -> None:
        self._http = http
        self._settings = settings
        self._fields = settings.fields
        self._index = quote(settings.index, safe="*,")
        self.name = http.name

    async def services(self, window: Window) -> Sequence[str]:
        """The values of the service's field, those with the most lines first."""
        if self._settings.service:
            return (self._settings.service,)
        terms = {"terms": {"field": self._fields.service, "size": MOST_NAMES}}
        answer = await self._search({"size": 0, "query": self._query(window), "aggs": {"services": terms}})
        return [str(bucket["key"]) for bucket in _buckets(answer, "services", self.name)]

    async def counts(self, services: Sequence[str], slices: Sequence[Window], crowd: Crowd) -> Counts:
        """By one aggregation: ranges of time within services."""
        ranges = [{"key": str(place), "from": _milliseconds(part.start.timestamp()),
                   "to": _milliseconds(part.end.timestamp())} for place, part in enumerate(slices)]  # fmt: skip
        by_time = {"date_range": {"field": self._fields.time, "format": "epoch_millis", "ranges": ranges}}
        aggregation: dict[str, Any] = {"slices": by_time}
        if not self._settings.service:
            terms = {"field": self._fields.service, "size": len(services)}
            aggregation = {"services": {"terms": terms, "aggs": {"slices": by_time}}}
        window = Window(start=slices[0].start, end=slices[-1].end)
        query = self._query(window, services, crowd)
        answer = await self._search({"size": 0, "query": query, "aggs": aggregation})
        if self._settings.service:
            return {self._settings.service: self._slices(answer.get("aggregations", {}), len(slices))}
        return {str(bucket["key"]): self._slices(bucket, len(slices))
                for bucket in _buckets(answer, "services", self.name)}  # fmt: skip

    async def pages(self, portion: Portion) -> AsyncGenerator[Batch, None]:
        """Page by page behind the last line's sort values, in a search that is kept open where there are several."""
        query = self._query(portion.stretch, [portion.service], portion.crowd)
        async with self._kept_open(several=portion.most > PAGE) as search:
            body = {"query": query, "sort": self._order(search), "track_total_hits": False}
            left = portion.most
            while left > 0:
                size = min(left, PAGE)
                answer = await self._search({**body, **search.more, "size": size}, search)
                hits = _hits(answer, self.name)
                lines = await asyncio.to_thread(self._lines, hits, portion.service)
                yield Batch(tuple(lines), _shortfall(answer))
                left -= len(hits)
                if len(hits) < size:
                    return
                search.go_on(answer, hits[-1])

    def _order(self, search: _Search) -> list[Mapping[str, Any]]:
        """By time; lines of one moment by their place, which Elasticsearch adds by itself in a point in time."""
        by_itself = search.pit is not None and self._settings.kind == "elasticsearch"
        return [{self._fields.time: {"order": "asc"}}, *([] if by_itself else [{"_doc": {"order": "asc"}}])]

    @asynccontextmanager
    async def _kept_open(self, *, several: bool) -> AsyncIterator[_Search]:
        """A point in time, where the server has them; else lines of one moment may be missed between two pages."""
        if not several:
            yield _Search(None)
            return
        open_search = self._settings.kind == "opensearch"
        path = f"{self._index}/_search/point_in_time" if open_search else f"{self._index}/_pit"
        try:
            opened = await self._http.post(path, params={"keep_alive": KEPT_OPEN})
            search = _Search(str(opened["pit_id" if open_search else "id"]))
        except (SourceUnavailable, KeyError, TypeError):
            yield _Search(None)  # an older server, or a role that may not
            return
        try:
            yield search
        finally:
            await self._let_go(search, open_search)

    async def _let_go(self, search: _Search, open_search: bool) -> None:
        try:
            if open_search:
                await self._http.release("_search/point_in_time", {"pit_id": [search.pit]})
            else:
                await self._http.release("_pit", {"id": search.pit})
        except SourceUnavailable as error:
            log.info("elasticsearch.left_open", why=str(error), until=KEPT_OPEN)  # it ends by itself

    async def _search(self, body: Mapping[str, Any], search: _Search | None = None) -> dict[str, Any]:
        kept = search is not None and search.pit is not None
        params = None if kept else {"ignore_unavailable": "true", "allow_no_indices": "true"}
        answer = await self._http.post("_search" if kept else f"{self._index}/_search", params=params, body=body)
        if not isinstance(answer, dict) or "hits" not in answer:
            raise SourceUnavailable(f"{self.name} answered in a form that is not known: is the address right?")
        return answer

    def _query(self, window: Window, services: Sequence[str] = (), crowd: Crowd = "all") -> dict[str, Any]:
        """Values stand in the JSON as values: none is read as a query."""
        between = {"gte": _milliseconds(window.start.timestamp()), "lt": _milliseconds(window.end.timestamp())}
        must: list[dict[str, Any]] = [{"range": {self._fields.time: {**between, "format": "epoch_millis"}}}]
        must += [{"term": {field: value}} for field, value in self._settings.selector.items()]
        if services and not self._settings.service:
            must.append({"terms": {self._fields.service: list(services)}})
        if crowd == "alarming":
            return {"bool": {"filter": [*must, self._alarming()]}}
        return {"bool": {"filter": must} | ({"must_not": [self._alarming()]} if crowd == "calm" else {})}

    def _alarming(self) -> dict[str, Any]:
        words = {"query": ALARMING_WORDS, "fields": [self._fields.message], "default_operator": "or",
                 "analyze_wildcard": True, "lenient": True}  # fmt: skip
        by_level = {"terms": {self._fields.level: ALARMING_LEVELS}}
        return {"bool": {"should": [by_level, {"query_string": words}], "minimum_should_match": 1}}

    def _slices(self, bucket: Mapping[str, Any], slices: int) -> list[int]:
        found = {
            part["key"]: int(part["doc_count"]) for part in _buckets({"aggregations": bucket}, "slices", self.name)
        }
        return [found.get(str(place), 0) for place in range(slices)]

    def _lines(self, hits: Sequence[Mapping[str, Any]], service: str) -> list[LogLine]:
        return [line for hit in hits if (line := self._line(hit, service)) is not None]

    def _line(self, hit: Mapping[str, Any], service: str) -> LogLine | None:
        source = hit.get("_source")
        if not isinstance(source, dict):
            return None
        fields = flat(source)
        at = as_seconds(fields.get(self._fields.time))
        if at is None:
            return None
        text = fields.pop(self._fields.message, None)
        named = {"level": fields.get(self._fields.level), "trace_id": fields.get(self._fields.trace)}
        fields |= {name: value for name, value in named.items() if value is not None}
        return read_fields(text if isinstance(text, str) else str(source), fields, at=at, service=service)


class _Search:
    """Where a search stands: its point in time, and the sort values of the last hit."""

    def __init__(self, pit: str | None) -> None:
        self.pit = pit
        self.after: Sequence[Any] | None = None

    @property
    def more(self) -> dict[str, Any]:
        """What the next page's request says in addition."""
        pit = {"pit": {"id": self.pit, "keep_alive": KEPT_OPEN}} if self.pit else {}
        return pit | ({"search_after": self.after} if self.after else {})

    def go_on(self, answer: Mapping[str, Any], last: Mapping[str, Any]) -> None:
        """The next page begins behind this hit; the point in time may have a new name."""
        self.after = last.get("sort")
        if self.pit:
            self.pit = str(answer.get("pit_id", self.pit))


def flat(source: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested objects as one level of dotted names."""
    found: dict[str, Any] = {}
    for name, value in source.items():
        if isinstance(value, dict):
            found |= flat(value, f"{before}{name}.")
        else:
            found[f"{before}{name}"] = value
    return found


def _milliseconds(at: float) -> int:
    return round(at * 1000)


def _hits(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    hits = answer["hits"].get("hits") if isinstance(answer["hits"], dict) else None
    if not isinstance(hits, list) or not all(isinstance(hit, dict) for hit in hits):
        raise SourceUnavailable(f"{name} sent lines in a form that is not known.")
    return hits


def _buckets(answer: Mapping[str, Any], aggregation: str, name: str) -> list[Mapping[str, Any]]:
    try:
        found = answer["aggregations"][aggregation]["buckets"]
    except (KeyError, TypeError):
        return []  # no index of this name has lines in this stretch
    if not isinstance(found, list) or not all(isinstance(bucket, dict) and "key" in bucket for bucket in found):
        raise SourceUnavailable(f"{name} counted in a form that is not known.")
    return found


def _shortfall(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """What a search that succeeded did not look at."""
    failed = (answer.get("_shards") or {}).get("failed") or 0
    late = ("the search timed out before it had seen all lines.",) if answer.get("timed_out") else ()
    return (*late, *((f"{many(failed, 'shard')} failed: lines are missing.",) if failed else ()))

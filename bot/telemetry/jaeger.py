"""Jaeger's query API, which VictoriaTraces and others speak too: traces by service.

https://www.jaegertracing.io/docs/latest/architecture/apis/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Window
from bot.settings.sources import JaegerSource
from bot.telemetry.portions import sliced, together
from bot.telemetry.spans import Span, SpanBatch, SpanKind
from bot.telemetry.tracing import FAILED_SHARE, INSTANCE, LONGEST, PEER, SLICES, chosen, first_of, started_in

MOST_SERVICES = 60
KINDS: Mapping[str, SpanKind] = {
    "server": "server", "client": "client", "internal": "internal", "producer": "producer", "consumer": "consumer",
}  # fmt: skip


class Jaeger:
    """One Jaeger."""

    def __init__(self, http: HttpSource, settings: JaegerSource) -> None:
        self._http = http
        self._most = settings.traces
        self.name = http.name

    async def services(self, _: Window) -> Sequence[str]:
        """All services that Jaeger knows; it does not tell when they sent spans.

        Raises:
            SourceUnavailable: no answer.
        """
        found = await self._ask("services", {})
        return sorted(name for name in found if isinstance(name, str) and name)

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        """Whole traces from all over the window: some of each service, and some of those with a failed span.

        Raises:
            SourceUnavailable: the server does not name its services.
        """
        asked = chosen(await self.services(window), services)
        if len(asked) > MOST_SERVICES:
            yield SpanBatch((), (f"of {len(asked)} services only {MOST_SERVICES} were asked for.",))
        asked = asked[:MOST_SERVICES]
        each = max(1, self._most // max(1, len(asked) * SLICES))
        failed = max(1, int(each * FAILED_SHARE))
        questions = [
            self._traces(service, part, limit, tags)
            for tags, limit in (({"tags": '{"error":"true"}'}, failed), ({}, each))
            for part in sliced(window, SLICES)
            for service in asked
        ]
        seen: set[str] = set()
        async with aclosing(together(questions)) as batches:
            async for batch in batches:
                fresh = [span for span in batch.spans if span.trace not in seen]
                seen |= {span.trace for span in fresh}
                yield SpanBatch(started_in(window, fresh), batch.gaps)

    async def _traces(self, service: str, part: Window, limit: int, tags: Mapping[str, str]) -> SpanBatch:
        """The traces of one slice that pass through a service."""
        asked = {
            "service": service,
            "start": _microseconds(part.start.timestamp()),
            "end": _microseconds(part.end.timestamp()),
            "limit": limit,
            **tags,
        }
        try:
            found = await self._ask("traces", asked)
        except SourceUnavailable as error:
            return SpanBatch((), (f"of {service}: {error}",))
        return SpanBatch(await asyncio.to_thread(_spans, found))

    async def _ask(self, what: str, asked: Mapping[str, Any]) -> list[Any]:
        answer = await self._http.get(f"api/{what}", asked)
        if not isinstance(answer, dict) or not isinstance(answer.get("data"), list | None):
            raise SourceUnavailable(f"{self.name} answered in a form that is not known: is the address right?")
        if errors := answer.get("errors"):
            raise SourceUnavailable(f"{self.name} said: {str(errors)[:300]}")
        return answer.get("data") or []


def _spans(traces: Sequence[Any]) -> tuple[Span, ...]:
    return tuple(span for trace in traces if isinstance(trace, dict) for span in _of_trace(trace))


def _of_trace(trace: Mapping[str, Any]) -> Iterator[Span]:
    processes = trace.get("processes")
    for span in trace.get("spans") or ():
        if isinstance(span, dict) and isinstance(processes, dict):
            process = processes.get(span.get("processID"))
            found = _span(span, process) if isinstance(process, dict) else None
            if found is not None:
                yield found


def _span(span: Mapping[str, Any], process: Mapping[str, Any]) -> Span | None:
    tags, resource = _tags(span.get("tags")), _tags(process.get("tags"))
    try:
        start, duration = int(span["startTime"]), int(span["duration"])
        trace, identity, service = str(span["traceID"]), str(span["spanID"]), str(process["serviceName"])
    except (KeyError, TypeError, ValueError):
        return None
    return Span(
        trace=trace,
        id=identity,
        parent=_parent(span, trace),
        service=service[:LONGEST],
        operation=str(span.get("operationName", ""))[:LONGEST],
        start_s=start / 1e6,
        duration_s=max(0, duration) / 1e6,
        instance=first_of(resource, INSTANCE) or "",
        kind=KINDS.get(tags.get("span.kind", ""), "unknown"),
        failed=tags.get("error") == "true" or tags.get("otel.status_code") == "ERROR",
        peer=first_of(tags, PEER),
    )


def _parent(span: Mapping[str, Any], trace: str) -> str | None:
    """The span within the same trace that this one is a child of, else the one that it follows from."""
    references = [each for each in span.get("references") or () if isinstance(each, dict)]
    within = [each for each in references if each.get("traceID") == trace and each.get("spanID")]
    within.sort(key=lambda reference: reference.get("refType") != "CHILD_OF")
    return str(within[0]["spanID"]) if within else None


def _tags(found: object) -> dict[str, str]:
    if not isinstance(found, list):
        return {}
    return {
        str(tag["key"]): "true" if tag.get("value") is True else str(tag.get("value"))
        for tag in found
        if isinstance(tag, dict) and "key" in tag
    }


def _microseconds(at: float) -> int:
    return round(at * 1e6)

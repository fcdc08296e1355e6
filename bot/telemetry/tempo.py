"""Grafana Tempo: traces found by TraceQL, fetched one by one.

https://grafana.com/docs/tempo/latest/api_docs/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping, Sequence
from contextlib import aclosing
from typing import Any

from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Window
from bot.settings.sources import TempoSource
from bot.telemetry.otlp import spans_of
from bot.telemetry.portions import sliced, together
from bot.telemetry.promql import quoted
from bot.telemetry.spans import Span, SpanBatch
from bot.telemetry.tracing import FAILED_SHARE, SLICES, chosen, started_in, turns

SERVICE = "resource.service.name"


class Tempo:
    """One Tempo, one tenant of it."""

    def __init__(self, http: HttpSource, settings: TempoSource) -> None:
        self._http = http
        self._most = settings.traces
        self.name = http.name

    async def services(self, window: Window) -> Sequence[str]:
        """The services that sent spans in the window.

        Raises:
            SourceUnavailable: no answer.
        """
        answer = await self._http.get(f"api/v2/search/tag/{SERVICE}/values", _between(window))
        found = answer.get("tagValues") if isinstance(answer, dict) else None
        if not isinstance(found, list):
            raise SourceUnavailable(f"{self.name} named its services in a form that is not known.")
        return sorted(str(each["value"]) for each in found if isinstance(each, dict) and each.get("value"))

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        """Whole traces from all over the window: some of all, and some of those with a failed span.

        Raises:
            SourceUnavailable: the server does not name its services.
        """
        known = await self.services(window)
        asked = chosen(known, services)
        if not asked:
            return
        traces, gaps = await self._found(window, None if services is None else asked)
        if gaps:
            yield SpanBatch((), gaps)
        async with aclosing(together([self._trace(trace, window) for trace in traces])) as batches:
            async for batch in batches:
                yield batch

    async def _found(self, window: Window, services: Sequence[str] | None) -> tuple[list[str], tuple[str, ...]]:
        """Ids of traces; slices take turns, so that all of the window is seen."""
        failed = max(1, int(self._most * FAILED_SHARE))
        questions = [
            (part, services, status, max(1, most // SLICES + 1))
            for status, most in (("status = error", failed), ("", self._most))
            for part in sliced(window, SLICES)
        ]
        found: list[list[str]] = []
        gaps: list[str] = []
        async with aclosing(together([self._search(*question) for question in questions])) as answers:
            async for answer in answers:
                if isinstance(answer, str):
                    gaps.append(answer)
                else:
                    found.append(answer)
        return turns(found, self._most), tuple(dict.fromkeys(gaps))

    async def _search(self, part: Window, services: Sequence[str] | None, status: str, limit: int) -> list[str] | str:
        """Ids of traces of one slice, or why there are none."""
        named = " || ".join(f"{SERVICE} = {quoted(service)}" for service in services or ())
        query = " && ".join(part for part in (f"({named})" if named else "", status) if part)
        try:
            answer = await self._http.get(
                "api/search", {"q": f"{{ {query} }}" if query else "{}", "limit": limit, "spss": 1, **_between(part)}
            )
        except SourceUnavailable as error:
            return f"a search failed: {error}"
        found = answer.get("traces", []) if isinstance(answer, dict) else None
        if not isinstance(found, list):
            return f"{self.name} listed traces in a form that is not known."
        return [str(each["traceID"]) for each in found if isinstance(each, dict) and _is_id(each.get("traceID"))]

    async def _trace(self, trace: str, window: Window) -> SpanBatch:
        try:
            answer = await self._http.get(f"api/traces/{trace}")
        except SourceUnavailable as error:
            return SpanBatch((), (f"a trace could not be fetched: {error}",))
        return SpanBatch(await asyncio.to_thread(_spans, answer, window))


def _spans(answer: Any, window: Window) -> tuple[Span, ...]:
    document: Mapping[str, Any] = answer if isinstance(answer, dict) else {}
    inner = document.get("trace")
    return started_in(window, spans_of(inner if isinstance(inner, dict) else document))


def _is_id(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 32 and set(value.lower()) <= set("0123456789abcdef")


def _between(window: Window) -> dict[str, int]:
    """Whole seconds, the end included."""
    return {"start": int(window.start.timestamp()), "end": int(window.end.timestamp()) + 1}

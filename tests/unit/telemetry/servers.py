"""What log and trace servers are asked in tests, put in at the transport."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from bot.models import Window
from bot.settings.sources import LogsKind, TracesKind
from bot.telemetry.loglines import LogLine
from bot.telemetry.sources import log_sources, span_sources
from bot.telemetry.spans import Span

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
HOUR = Window(start=NOON - timedelta(hours=1), end=NOON)
START, END = HOUR.start.timestamp(), HOUR.end.timestamp()

Answer = Callable[[httpx.Request], httpx.Response]


@dataclass
class Heard:
    """Answers, and notes what was asked."""

    answer: Answer
    requests: list[httpx.Request] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer(request)

    @property
    def paths(self) -> list[str]:
        return [request.url.path for request in self.requests]


def transport(answer: Answer) -> httpx.MockTransport:
    return httpx.MockTransport(answer)


def body_of(request: httpx.Request) -> Any:
    return json.loads(request.content)


async def read(
    settings: LogsKind, answer: Answer, services: Collection[str] | None = None, window: Window = HOUR
) -> tuple[list[LogLine], list[str]]:
    """All lines by time, and all gaps."""
    lines: list[LogLine] = []
    gaps: list[str] = []
    async with (
        log_sources([settings], transport=transport(answer)) as (source,),
        aclosing(source.read(window, services)) as batches,
    ):
        async for batch in batches:
            lines += batch.lines
            gaps += batch.gaps
    return sorted(lines, key=lambda line: line.at or 0.0), gaps


def weighed(lines: Sequence[LogLine]) -> float:
    """How many lines of the source these stand for."""
    return sum(line.weight for line in lines)


async def read_spans(
    settings: TracesKind, answer: Answer, services: Collection[str] | None = None, window: Window = HOUR
) -> tuple[list[Span], list[str]]:
    """All spans by start, and all gaps."""
    spans: list[Span] = []
    gaps: list[str] = []
    async with (
        span_sources([settings], transport=transport(answer)) as (source,),
        aclosing(source.read(window, services)) as batches,
    ):
        async for batch in batches:
            spans += batch.spans
            gaps += batch.gaps
    return sorted(spans, key=lambda span: span.start_s), gaps

"""Grafana Loki: lines by time, counted by the server.

https://grafana.com/docs/loki/latest/reference/loki-http-api/
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, NamedTuple

from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Window
from bot.settings.sources import LokiSource
from bot.telemetry.loglines import LogLine, read_fields
from bot.telemetry.logs import Batch
from bot.telemetry.portions import ALARMS, Counts, Crowd, Portion
from bot.telemetry.promql import any_of, matchers, quoted

PAGE = 2000
"""Lines of one answer; fewer where the server allows fewer."""

_ALLOWED = re.compile(r"max_entries_limit\w* \(\d+ > (\d+)\)")
_FILTERS: Mapping[Crowd, str] = {"all": "", "alarming": f" |~ {quoted(ALARMS)}", "calm": f" !~ {quoted(ALARMS)}"}


class _Entry(NamedTuple):
    at: int
    """Nanoseconds."""
    text: str
    labels: tuple[tuple[str, str], ...]
    """Those of the stream, and what the line itself came with."""


class Loki:
    """One Loki, one tenant of it."""

    def __init__(self, http: HttpSource, settings: LokiSource) -> None:
        self._http = http
        self._settings = settings
        self._page = PAGE
        self.name = http.name

    async def services(self, window: Window) -> Sequence[str]:
        """The values of the label."""
        if self._settings.service:
            return (self._settings.service,)
        asked = {**_between(window)} | ({"query": self._selector()} if self._settings.selector else {})
        found = await self._ask(f"label/{self._settings.label}/values", asked)
        return [str(value) for value in found or () if value]

    async def counts(self, services: Sequence[str], slices: Sequence[Window], crowd: Crowd) -> Counts:
        """By one range query whose steps are the slices."""
        step_ms = round(slices[0].seconds * 1000)
        label = self._settings.label
        counted = f"count_over_time({self._selector(services)}{_FILTERS[crowd]}[{step_ms}ms])"
        ends = [_nanoseconds(part.start.timestamp()) + step_ms * 1_000_000 for part in slices]
        asked = {
            "query": f"sum({counted})" if self._settings.service else f"sum by ({label}) ({counted})",
            "start": ends[0],
            "end": ends[-1],
            "step": f"{step_ms / 1000:g}",
        }
        found = await self._ask("query_range", asked)
        try:
            return {
                self._settings.service or series["metric"][label]: _by_slice(series["values"], ends)
                for series in found["result"]
            }
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise SourceUnavailable(f"{self.name} counted in a form that is not known: {error!r}") from None

    async def pages(self, portion: Portion) -> AsyncGenerator[Batch, None]:
        """Page by page, each from the moment of the last line on; what was seen of that moment is told by its text."""
        query = self._selector([portion.service]) + _FILTERS[portion.crowd]
        start, end = (_nanoseconds(at.timestamp()) for at in (portion.stretch.start, portion.stretch.end))
        left, seen = portion.most, set[_Entry]()
        while left > 0 and start < end:
            limit = left + len(seen)
            entries = await self._entries(query, start, end, min(limit, self._page))
            fresh = [entry for entry in entries if entry not in seen][:left]
            left -= len(fresh)
            yield Batch(tuple(await asyncio.to_thread(_lines, fresh, portion.service)))
            if len(entries) < min(limit, self._page):
                return
            last = entries[-1].at
            if last == start:
                yield Batch((), (f"too many lines of {portion.service} bear one moment: some were left out.",))
                start, seen = last + 1, set()
            else:
                start, seen = last, {entry for entry in entries if entry.at == last}

    async def _entries(self, query: str, start: int, end: int, limit: int) -> list[_Entry]:
        """Oldest first; a server that allows fewer lines is asked again for as many as it allows."""
        asked = {"query": query, "start": start, "end": end, "limit": limit, "direction": "forward"}
        try:
            found = await self._ask("query_range", asked)
        except SourceUnavailable as error:
            allowed = _ALLOWED.search(str(error))
            if allowed is None or not 0 < int(allowed[1]) < limit:
                raise
            self._page = int(allowed[1])
            found = await self._ask("query_range", {**asked, "limit": self._page})
        try:
            entries = [_entry(stream["stream"], value) for stream in found["result"] for value in stream["values"]]
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise SourceUnavailable(f"{self.name} sent lines in a form that is not known: {error!r}") from None
        return sorted(entries, key=lambda entry: entry.at)

    async def _ask(self, what: str, asked: Mapping[str, Any]) -> Any:
        answer = await self._http.get(f"loki/api/v1/{what}", asked)
        if not isinstance(answer, dict) or answer.get("status") != "success":
            raise SourceUnavailable(f"{self.name} answered in a form that is not known: is the address right?")
        return answer.get("data")

    def _selector(self, services: Sequence[str] = ()) -> str:
        """Of these services and the configured labels; every value is quoted."""
        parts = [matchers(self._settings.selector)] if self._settings.selector else []
        if services and not self._settings.service:
            parts.append(f"{self._settings.label}=~{any_of(services)}")
        return "{" + ",".join(parts) + "}"


def _between(window: Window) -> dict[str, int]:
    return {"start": _nanoseconds(window.start.timestamp()), "end": _nanoseconds(window.end.timestamp())}


def _nanoseconds(at: float) -> int:
    return round(at * 1000) * 1_000_000


def _by_slice(values: Sequence[Sequence[Any]], ends: Sequence[int]) -> list[int]:
    counted = {round(float(at) * 1000): int(float(value)) for at, value in values}
    return [counted.get(end // 1_000_000, 0) for end in ends]


def _entry(stream: Mapping[str, str], value: Sequence[Any]) -> _Entry:
    """A value is a time and a line, and since Loki 3 an object: metadata by name, or in groups of it."""
    labels = dict(stream)
    for name, given in (value[2] if len(value) > 2 else {}).items():
        labels.update(given if isinstance(given, dict) else {name: given})
    return _Entry(int(value[0]), str(value[1]), tuple(sorted((name, str(given)) for name, given in labels.items())))


def _lines(entries: Sequence[_Entry], service: str) -> list[LogLine]:
    return [read_fields(entry.text, dict(entry.labels), at=entry.at / 1e9, service=service) for entry in entries]

"""VictoriaLogs: lines of JSON as they come, counted by LogsQL.

https://docs.victoriametrics.com/victorialogs/querying/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from bot.characters import loads
from bot.errors import SourceUnavailable
from bot.http import HttpSource
from bot.models import Window
from bot.settings.sources import VictoriaLogsSource
from bot.telemetry.loglines import LogLine, as_seconds, read_fields
from bot.telemetry.logs import Batch
from bot.telemetry.portions import ALARMS, Counts, Crowd, Portion
from bot.telemetry.promql import quoted

MOST_NAMES = 500
MOST_BYTES = 64_000_000

_FILTERS: Mapping[Crowd, str] = {
    "all": "",
    "alarming": f" _msg:~{quoted(ALARMS)}",
    "calm": f" !(_msg:~{quoted(ALARMS)})",
}


class VictoriaLogs:
    """One VictoriaLogs, one tenant of it."""

    def __init__(self, http: HttpSource, settings: VictoriaLogsSource) -> None:
        self._http = http
        self._settings = settings
        self.name = http.name

    async def services(self, window: Window) -> Sequence[str]:
        """The values of the field."""
        if self._settings.service:
            return (self._settings.service,)
        asked = {"query": self._filter(), "field": self._settings.field, "limit": MOST_NAMES, **_between(window)}
        answer = await self._http.post("select/logsql/field_values", form=asked)
        try:
            return [str(found["value"]) for found in answer["values"] if found["value"]]
        except (KeyError, TypeError) as error:
            raise SourceUnavailable(f"{self.name} named its services in a form that is not known: {error!r}") from None

    async def counts(self, services: Sequence[str], slices: Sequence[Window], crowd: Crowd) -> Counts:
        """By one query with a count for each slice."""
        counted = ", ".join(
            f"count() if (_time:[{_instant(part.start)}, {_instant(part.end)})) as slice_{place}"
            for place, part in enumerate(slices)
        )
        by = "" if self._settings.service else f"by ({quoted(self._settings.field)}) "
        query = f"{self._filter(services)}{_FILTERS[crowd]} | stats {by}{counted}"
        window = Window(start=slices[0].start, end=slices[-1].end)
        rows = [row async for part in self._rows(query, window) for row in part]
        try:
            return {
                self._settings.service or str(row[self._settings.field]): [
                    int(row[f"slice_{place}"]) for place in range(len(slices))
                ]
                for row in rows
            }
        except (KeyError, ValueError) as error:
            raise SourceUnavailable(f"{self.name} counted in a form that is not known: {error!r}") from None

    async def pages(self, portion: Portion) -> AsyncGenerator[Batch, None]:
        """As the server streams them."""
        query = f"{self._filter([portion.service])}{_FILTERS[portion.crowd]} | sort by (_time) limit {portion.most}"
        async with aclosing(self._rows(query, portion.stretch)) as parts:
            async for part in parts:
                yield Batch(tuple(await asyncio.to_thread(_lines, part, portion)))

    async def _rows(self, query: str, window: Window) -> AsyncGenerator[list[dict[str, Any]], None]:
        answer = self._http.lines(
            "POST", "select/logsql/query", form={"query": query, **_between(window)}, max_bytes=MOST_BYTES
        )
        async with aclosing(answer) as parts:
            async for part in parts:
                yield await asyncio.to_thread(self._read, part)

    def _read(self, lines: Sequence[bytes]) -> list[dict[str, Any]]:
        try:
            rows = [loads(line) for line in lines if line.strip()]
        except ValueError:
            raise SourceUnavailable(f"{self.name} sent a line that is not JSON.") from None
        if not all(isinstance(row, dict) for row in rows):
            raise SourceUnavailable(f"{self.name} sent a line that is not a JSON object: is the address right?")
        return rows

    def _filter(self, services: Sequence[str] = ()) -> str:
        """Of these services and the configured fields; names and values are quoted."""
        parts = [f"{quoted(name)}:={quoted(value)}" for name, value in self._settings.selector.items()]
        if services and not self._settings.service:
            parts.append(f"{quoted(self._settings.field)}:in({', '.join(map(quoted, services))})")
        return " ".join(parts) or "*"


def _between(window: Window) -> dict[str, str]:
    return {"start": _instant(window.start), "end": _instant(window.end)}


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S.%fZ}"


def _lines(rows: Sequence[Mapping[str, Any]], portion: Portion) -> list[LogLine]:
    """Lines within the stretch; servers differ in whether they count its end in."""
    start, end = portion.stretch.start.timestamp(), portion.stretch.end.timestamp()
    return [
        read_fields(str(row.get("_msg", "")), row, at=at, service=portion.service)
        for row in rows
        if (at := as_seconds(row.get("_time"))) is not None and start <= at < end
    ]

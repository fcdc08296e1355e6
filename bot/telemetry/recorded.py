"""A recorded case: a folder with the telemetry of one incident, played through the interfaces of live sources.

`case.json` says when to look: `id`, `alert`, `window`, and `baselines` (a list) or `baseline` (one). All else may be
absent: `metrics.csv.gz`, `logs.jsonl.gz`, `spans.csv.gz`, `topology.json`, and for rehearsals `changes.json` and
`database.json` (`recorded_databases`). `truth.json` is never opened.
"""

from __future__ import annotations

import asyncio
import csv
import gzip
import json
import math
import zlib
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

import numpy as np
from pydantic import Field, ValidationError, model_validator

from bot.errors import BadInput, SourceUnavailable
from bot.models import Window
from bot.models.base import Noun
from bot.telemetry.loglines import LogLine, as_seconds, parse_line, read_record
from bot.telemetry.logs import Batch
from bot.telemetry.series import Series
from bot.telemetry.spans import Span, SpanBatch

METRICS, LOGS, SPANS, TOPOLOGY = "metrics.csv.gz", "logs.jsonl.gz", "spans.csv.gz", "topology.json"
MOST_ROWS = 5_000_000
"""Rows of one file: more is no case but an archive."""
_METRIC_COLUMNS = (("time", "service", "metric", "value"), ("instance", "peer"))
_SPAN_COLUMNS = (("start", "duration_us", "trace", "span", "parent", "service", "operation"), ("instance", "error"))
"""Those that a file must have, and those that it may have."""


class Call(Noun):
    """One edge of the topology."""

    caller: str = Field(alias="from", min_length=1)
    callee: str = Field(alias="to", min_length=1)


class Case(Noun):
    """What `case.json` says, and where it lies."""

    folder: Path
    id: str = Field(min_length=1)
    alert: Mapping[str, Any] = Field(description="an Alertmanager webhook body")
    window: Window
    baselines: tuple[Window, ...] = Field(min_length=1, description="the stretch just before comes first")
    calls: tuple[Call, ...] = ()

    @model_validator(mode="after")
    def _has_length(self) -> Case:
        for stretch in (self.window, *self.baselines):
            if stretch.seconds <= 0:
                raise ValueError(f"a stretch ends before it begins: {stretch.start} to {stretch.end}")
        return self

    @property
    def stretches(self) -> tuple[Window, ...]:
        """The window and everything that it is compared with."""
        return (self.window, *self.baselines)

    def holds(self, name: str) -> bool:
        """Whether the case has that file."""
        return (self.folder / name).is_file()


def open_case(folder: Path) -> Case:
    """Read what the case says of itself and its topology.

    Raises:
        BadInput: naming the file, the place in it and what is wrong.
    """
    said = _json(folder / "case.json")
    if not isinstance(said, dict):
        raise BadInput(f"{folder / 'case.json'} must hold an object with id, alert, window and baselines.")
    calls = _json(folder / TOPOLOGY) if (folder / TOPOLOGY).is_file() else []
    baselines = said.get("baselines") or ([said["baseline"]] if said.get("baseline") else [])
    if isinstance(baselines, dict):
        baselines = [baselines]
    given = {name: said[name] for name in ("id", "alert", "window") if name in said}
    try:
        case = Case.model_validate({"folder": folder, **given, "baselines": baselines, "calls": calls})
    except ValidationError as error:
        raise BadInput(f"{folder} is not a recorded case: {misfits(error, whole='case')}.") from None
    apart = tuple(part for baseline in case.baselines for part in _outside(baseline, case.window))
    if not apart:
        raise BadInput(f"{folder} has no baseline outside its window: there is nothing to compare with.")
    return case.model_copy(update={"baselines": apart})


def misfits(error: ValidationError, *, whole: str) -> str:
    """What does not fit, the first few places by name; `whole` where it is everything."""
    found = error.errors(include_url=False, include_input=False)[:5]
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or whole}: {one['msg']}" for one in found)


def _outside(baseline: Window, window: Window) -> Iterator[Window]:
    """The parts of a baseline that are not of the window."""
    if baseline.start < min(baseline.end, window.start):
        yield Window(start=baseline.start, end=min(baseline.end, window.start))
    if max(baseline.start, window.end) < baseline.end:
        yield Window(start=max(baseline.start, window.end), end=baseline.end)


class RecordedMetrics:
    """The series of a case."""

    name = METRICS

    def __init__(self, case: Case) -> None:
        self._case = case

    async def read(self) -> tuple[Series, ...]:
        """Every series of the window and the baselines; labels: service, instance, peer, metric.

        Raises:
            BadInput: the file cannot be read.
            SourceUnavailable: the case has none.
        """
        if not self._case.holds(METRICS):
            raise SourceUnavailable(f"The case has no {METRICS}.")
        return await asyncio.to_thread(self._series)

    def _series(self) -> tuple[Series, ...]:
        path = self._case.folder / METRICS
        samples: dict[tuple[str, str, str, str], tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
        moments: dict[str, float] = {}
        for number, (time, service, metric, value, instance, peer) in _rows(path, *_METRIC_COLUMNS):
            at = moments.get(time)
            if at is None:
                at = moments[time] = _moment(path, number, time)
            times, values = samples[service.strip(), instance, peer, metric.strip()]
            times.append(at)
            values.append(_number(path, number, value))
        return tuple(_as_series(*key, times, values) for key, (times, values) in samples.items() if key[0] and key[3])


class RecordedSpans:
    """Implements `SpanSource` on a case."""

    name = SPANS

    def __init__(self, case: Case) -> None:
        self._case = case
        self._known: tuple[Span, ...] | None = None

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[SpanBatch, None]:
        """The spans that start in the window; whole traces as far as the case holds them.

        Raises:
            BadInput: the file cannot be read.
            SourceUnavailable: the case has none.
        """
        if not self._case.holds(SPANS):
            raise SourceUnavailable(f"The case has no {SPANS}.")
        if self._known is None:
            self._known = await asyncio.to_thread(lambda: tuple(_spans(self._case.folder / SPANS)))
        start, end = window.start.timestamp(), window.end.timestamp()
        inside = tuple(span for span in self._known if start <= span.start_s < end)
        if services is not None:
            wanted = {service.casefold() for service in services}
            traces = {span.trace for span in inside if span.service.casefold() in wanted}
            inside = tuple(span for span in inside if span.trace in traces)
        yield SpanBatch(inside)


class RecordedLogs:
    """Implements `LogSource` on a case."""

    name = LOGS

    def __init__(self, case: Case) -> None:
        self._case = case
        self._known: tuple[LogLine, ...] | None = None

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        """The lines of the window.

        Raises:
            BadInput: the file cannot be read.
            SourceUnavailable: the case has none.
        """
        if not self._case.holds(LOGS):
            raise SourceUnavailable(f"The case has no {LOGS}.")
        if self._known is None:
            self._known = await asyncio.to_thread(lambda: tuple(_lines(self._case.folder / LOGS)))
        start, end = window.start.timestamp(), window.end.timestamp()
        wanted = {service.casefold() for service in services} if services is not None else None
        yield Batch(
            tuple(
                line
                for line in self._known
                if line.at is not None
                and start <= line.at < end
                and (wanted is None or line.service is None or line.service.casefold() in wanted)
            )
        )


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise BadInput(f"{path} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}.") from None


@contextmanager
def _text(path: Path) -> Iterator[TextIO]:
    """The unzipped file; what is wrong with it while it is read becomes bad input."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            yield file
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as gzipped UTF-8 text: {error}.") from None


def _rows(path: Path, needed: Sequence[str], further: Sequence[str]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Each row's cells in the order asked for, with the number of its line; what a row lacks is empty."""
    with _text(path) as file:
        reader = csv.reader(file)
        header = [name.strip().lstrip("\ufeff") for name in next(reader, [])]
        missing = [column for column in needed if column not in header]
        if missing:
            raise BadInput(f"{path} lacks the column(s) {', '.join(missing)}: its first line must name them.")
        places = [header.index(column) if column in header else len(header) for column in (*needed, *further)]
        for row in reader:
            if reader.line_num > MOST_ROWS:
                raise BadInput(f"{path} has more than {MOST_ROWS:,} rows: a case covers one incident.")
            if row:
                cells = row + [""] * (len(header) + 1 - len(row))
                yield reader.line_num, tuple([cells[place] for place in places])


def _moment(path: Path, number: int, text: str) -> float:
    at = as_seconds(text)
    if at is None:
        raise BadInput(
            f"{path}, line {number}: '{text[:40]}' is no time; write ISO-8601, such as 2026-05-01T03:00:00Z."
        )
    return at


def _number(path: Path, number: int, text: str) -> float:
    try:
        return float(text) if text.strip() else float("nan")
    except ValueError:
        raise BadInput(f"{path}, line {number}: '{text[:40]}' is no number.") from None


def _duration_s(path: Path, number: int, text: str) -> float:
    duration_us = _number(path, number, text)
    if not 0 <= duration_us < math.inf:
        raise BadInput(f"{path}, line {number}: '{text[:40]}' is no duration in microseconds.")
    return duration_us / 1e6


def _as_series(service: str, instance: str, peer: str, metric: str, times: list[float], values: list[float]) -> Series:
    at = np.array(times)
    order = np.argsort(at, kind="stable")
    labels = {"service": service, "metric": metric}
    labels |= {name: value for name, value in (("instance", instance), ("peer", peer)) if value}
    return Series(labels, at[order], np.array(values)[order])


def _spans(path: Path) -> Iterator[Span]:
    for number, (start, duration, trace, span, parent, service, operation, instance, error) in _rows(
        path, *_SPAN_COLUMNS
    ):
        yield Span(
            trace=trace,
            id=span,
            parent=parent or None,
            service=service,
            operation=operation,
            start_s=_moment(path, number, start),
            duration_s=_duration_s(path, number, duration),
            instance=instance,
            failed=error.lower() in {"true", "1"},
        )


def _lines(path: Path) -> Iterator[LogLine]:
    with _text(path) as file:
        for number, text in enumerate(file, 1):
            if number > MOST_ROWS:
                raise BadInput(f"{path} has more than {MOST_ROWS:,} lines: a case covers one incident.")
            if text.strip():
                yield _line(path, number, text)


def _line(path: Path, number: int, text: str) -> LogLine:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{path}, line {number} is not JSON: {error}.") from None
    if not isinstance(record, dict):
        raise BadInput(f"{path}, line {number} must be an object with time, service and message.")
    line = read_record(record)
    return line if line.level != "unknown" else replace(line, level=parse_line(line.message).level)

"""Writes small recorded cases for tests."""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

ALERT_AT = datetime(2026, 5, 1, 3, 30, tzinfo=UTC)
WINDOW = (ALERT_AT - timedelta(minutes=4), ALERT_AT)
BEFORE = (ALERT_AT - timedelta(minutes=24), ALERT_AT - timedelta(minutes=4))
QUIET = (ALERT_AT - timedelta(minutes=90), ALERT_AT - timedelta(minutes=60))
STRETCHES = (WINDOW, BEFORE, QUIET)
CALLS = (("web", "cart"), ("web", "pay"), ("pay", "bank"))
SERVICES = ("web", "cart", "pay", "bank")
ALERT: Mapping[str, Any] = {
    "version": "4", "receiver": "nightdesk", "status": "firing", "groupKey": "{}", "externalURL": "http://am:9093",
    "alerts": [{"status": "firing", "labels": {"alertname": "Slow", "service": "web"}, "annotations": {},
                "startsAt": ALERT_AT.isoformat(), "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
                "fingerprint": "a1"}],
}  # fmt: skip


def stretch(pair: tuple[datetime, datetime]) -> dict[str, str]:
    """Start and end as a case writes them."""
    return {"start": pair[0].isoformat(), "end": pair[1].isoformat()}


def minutes(pair: tuple[datetime, datetime], step_s: int = 60) -> list[datetime]:
    """Moments of a stretch, one a minute."""
    count = int((pair[1] - pair[0]).total_seconds() // step_s)
    return [pair[0] + timedelta(seconds=step_s * place) for place in range(count)]


def write_case(folder: Path, **changes: Any) -> Path:
    """`case.json` with the window and two baselines."""
    folder.mkdir(parents=True, exist_ok=True)
    case = {"id": "web-slow", "alert": ALERT, "window": stretch(WINDOW), "baselines": [stretch(BEFORE), stretch(QUIET)]}
    told = {name: value for name, value in {**case, **changes}.items() if value is not None}
    (folder / "case.json").write_text(json.dumps(told))
    return folder


def write_topology(folder: Path, *calls: tuple[str, str]) -> None:
    """Caller and callee of each call."""
    (folder / "topology.json").write_text(json.dumps([{"from": caller, "to": callee} for caller, callee in calls]))


def write_table(file: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A gzipped CSV file with a header."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(rows)
    file.write_bytes(gzip.compress(text.getvalue().encode()))


def write_lines(file: Path, lines: Iterable[Mapping[str, object]]) -> None:
    """A gzipped JSON-lines file."""
    file.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in lines).encode()))


def wobble(place: int) -> float:
    """Noise that is the same every time, between 0.95 and 1.05."""
    return 1 + 0.05 * math.sin(7 * place)


def metric_rows(faulty: str | None, *, step_s: int = 60) -> Iterator[tuple[object, ...]]:
    """CPU and latency of each service; a faulty one is busy in the window, and slow together with its callers."""
    slow = {"bank": {"bank", "pay", "web"}, "cart": {"cart", "web"}}.get(faulty or "", set())
    for pair in STRETCHES:
        for place, moment in enumerate(minutes(pair, step_s)):
            for service in SERVICES:
                bad = pair == WINDOW
                yield moment.isoformat(), service, "cpu_usage", wobble(place) * (9 if bad and service == faulty else 1)
                delay = 2.0 if bad and service in slow else 0.0
                yield moment.isoformat(), service, "latency_p90_seconds", wobble(place) * 0.1 + delay


def with_metrics(folder: Path, faulty: str | None, *, step_s: int = 60) -> Path:
    """A case of metrics and topology."""
    write_case(folder)
    write_topology(folder, *CALLS)
    write_table(folder / "metrics.csv.gz", ("time", "service", "metric", "value"), metric_rows(faulty, step_s=step_s))
    return folder


def with_traces(folder: Path, *, broken: bool, **changes: Any) -> Path:
    """Requests from web over pay to bank, with lines; in the window pay gives up before it asks bank, if broken."""
    write_case(folder, **changes)
    write_topology(folder, *CALLS)
    spans: list[tuple[object, ...]] = []
    lines: list[dict[str, object]] = []
    numbers = count()
    for pair in STRETCHES:
        for moment in minutes(pair, 5)[:40]:
            trace, early = f"t{next(numbers)}", broken and pair == WINDOW
            spans += trace_rows(trace, moment, early=early)
            said = ["12:00:01 INFO Charge begins", *([] if early else ["12:00:02 INFO Bank has agreed"])]
            for place, text in enumerate(said):
                at = (moment + timedelta(milliseconds=30 + 5 * place)).isoformat()
                lines.append({"time": at, "service": "pay", "trace": trace, "message": text})
    columns = ("start", "duration_us", "trace", "span", "parent", "service", "instance", "operation")
    write_table(folder / "spans.csv.gz", columns, spans)
    write_lines(folder / "logs.jsonl.gz", lines)
    return folder


def trace_rows(trace: str, moment: datetime, *, early: bool) -> Iterator[tuple[object, ...]]:
    """The spans of one request."""
    chain = [("web", "GET /pay", 100), ("web", "call pay", 80), ("pay", "Charge", 60), ("pay", "call bank", 40),
             ("bank", "Book", 20)]  # fmt: skip
    for place, (service, operation, lasts_ms) in enumerate(chain[: 3 if early else 5]):
        start = moment + timedelta(milliseconds=10 * place)
        parent = f"s{place - 1}" if place else ""
        yield start.isoformat(), lasts_ms * 1000, trace, f"s{place}", parent, service, f"{service}-1", operation

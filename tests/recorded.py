"""Writes small recorded cases for tests."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ALERT_AT = datetime(2026, 5, 1, 3, 30, tzinfo=UTC)
WINDOW = (ALERT_AT - timedelta(minutes=4), ALERT_AT)
BEFORE = (ALERT_AT - timedelta(minutes=24), ALERT_AT - timedelta(minutes=4))
QUIET = (ALERT_AT - timedelta(minutes=90), ALERT_AT - timedelta(minutes=60))
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

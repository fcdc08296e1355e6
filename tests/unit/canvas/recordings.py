"""The log lines, measures and spans of recorded cases: a quiet hour, then the quarter in which it happens.

python -m tests.unit.canvas.recordings      writes them into tests/cases/
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

CASES = Path(__file__).parents[2] / "cases"
BEGAN = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
"""Where the window of each case begins."""
EVERY_S = 10


@dataclass(frozen=True)
class Recording:
    """What a service writes: always, and since it happens. `{at}` is a number that changes from line to line."""

    service: str
    always: tuple[str, ...]
    since: tuple[str, ...]
    happens_s: int = 0
    """Seconds after the window begins."""

    def lines(self) -> Iterator[Mapping[str, str]]:
        """The lines of an hour and a quarter, in order of time."""
        for at in range(-3600, 900, EVERY_S):
            for text in self.always:
                yield self._line(at, "INFO", text)
            for text in self.since if at >= self.happens_s else ():
                yield self._line(at, "ERROR", text)

    def _line(self, at: int, level: str, text: str) -> Mapping[str, str]:
        time = (BEGAN + timedelta(seconds=at)).isoformat()
        message = text.format(at=3600 + at)
        return {
            "time": time,
            "service": self.service,
            "instance": f"{self.service}-1",
            "level": level,
            "message": message,
        }

    def packed(self) -> bytes:
        """The lines as a case holds them; the same bytes each time."""
        return gzip.compress("".join(f"{json.dumps(line)}\n" for line in self.lines()).encode(), mtime=0)


RECORDINGS: Mapping[str, Recording] = {
    "error-rate-after-deploy": Recording(
        "checkout",
        ("order {at} placed in 41 ms", "cart {at} loaded"),
        ("KeyError: 'voucher' in order {at}", "order {at} failed with status 500"),
    ),
    "pod-crash-loop": Recording(
        "invoices",
        ("invoice {at} sent",),
        ("environment variable LEDGER_URL is not set, pid {at} exits with 1",),
    ),
    "payments-failing": Recording(
        "payments",
        ("payment {at} captured in 120 ms",),
        ("payment {at} failed: canceling statement due to lock timeout",),
    ),
    "payments-failing-mysql": Recording(
        "payments",
        ("payment {at} captured in 120 ms",),
        ("payment {at} failed: (1040, 'Too many connections')",),
    ),
    "disk-filling": Recording(
        "gateway",
        ("request {at} answered",),
        ("upstream 10.0.0.7 refused request {at}, retrying at once",),
    ),
    "general-triage": Recording(
        "search", ("query {at} answered in 12 ms",), ("saving {at} given up: no answer within 5 s",), happens_s=710
    ),
    "certificate-expiry": Recording("gateway", ("request {at} answered",), ()),
    "queue-backlog": Recording("notifier", ("letter {at} sent",), ()),
}


@dataclass(frozen=True)
class Measured:
    """A series of a service: its level always and, where it is another one, since it happens."""

    service: str
    metric: str
    usual: float
    since: float | None = None
    instance: str = ""
    peer: str = ""
    until: float | None = None
    """The level at the end, towards which it moves evenly from the beginning."""

    def rows(self) -> Iterator[str]:
        """A sample every half minute, with a little noise where it does not move evenly."""
        for at in range(-3600, 900, 30):
            time = (BEGAN + timedelta(seconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield f"{time},{self.service},{self.instance},{self.metric},{self._at(at):.6g},{self.peer}"

    def _at(self, at: int) -> float:
        if self.until is not None:
            return self.usual + (self.until - self.usual) * (at + 3600) / 4500
        level = self.usual if self.since is None or at < 0 else self.since
        return level if self.metric == "up" else level * (1 + 0.02 * math.sin(at * 7.0))


def packed(measured: Iterable[Measured]) -> bytes:
    """The samples as a case holds them; the same bytes each time."""
    rows = ["time,service,instance,metric,value,peer", *(row for one in measured for row in one.rows())]
    return gzip.compress("".join(f"{row}\n" for row in rows).encode(), mtime=0)


SPAN_COLUMNS = ("start", "duration_us", "trace", "span", "parent", "service", "instance", "operation", "error")


@dataclass(frozen=True)
class Requests:
    """What a service is asked, always; each asks its database once. Since it hangs there, it is given up."""

    service: str
    operation: str
    statement: str
    usual_ms: float
    hangs_from: int | None = None
    """Seconds after the window begins."""
    given_up_ms: float = 5000.0

    def rows(self) -> Iterator[str]:
        """Two spans every ten seconds, with a little noise."""
        for at in range(-3600, 900, EVERY_S):
            hangs = self.hangs_from is not None and at >= self.hangs_from
            inner = self.given_up_ms if hangs else self.usual_ms * (1 + 0.1 * math.sin(at * 7.0))
            trace = f"{self.operation.split()[0].lower()}{3600 + at}"
            yield self._row(at, inner + 3, trace, "a", "", self.operation, hangs)
            yield self._row(at + 0.001, inner, trace, "b", "a", self.statement, hangs)

    def _row(self, at: float, ms: float, trace: str, span: str, parent: str, operation: str, failed: bool) -> str:
        time = (BEGAN + timedelta(seconds=at)).isoformat().replace("+00:00", "Z")
        where = f"{self.service},{self.service}-1"
        return f"{time},{ms * 1000:.0f},{trace},{span},{parent},{where},{operation},{str(failed).lower()}"


SPANS: Mapping[str, tuple[Requests, ...]] = {
    "general-triage": (
        Requests("search", "GET /search", "SELECT documents", 9.0),
        Requests("search", "POST /saved", "UPDATE accounts", 6.0, hangs_from=710),
    )
}
"""The saving hangs since the lock is held (`answers`); queries are answered as before. The log lines say the same."""


def spans_of(asked: Iterable[Requests]) -> bytes:
    """The spans as a case holds them; the same bytes each time."""
    rows = [",".join(SPAN_COLUMNS), *sorted(row for one in asked for row in one.rows())]
    return gzip.compress("".join(f"{row}\n" for row in rows).encode(), mtime=0)


ENDS_S = (BEGAN + timedelta(minutes=15)).timestamp()
"""Where the window of each case ends."""
MEASURED: Mapping[str, tuple[Measured, ...]] = {
    "certificate-expiry": (
        Measured("gateway", "probe_ssl_earliest_cert_expiry", ENDS_S + 9 * 3600, instance="gateway.example.com:443",
                 until=ENDS_S + 9 * 3600),
    ),
    "cpu-memory-saturation": (
        *(Measured("catalog", "cpu_used_ratio", 0.45, 0.97, instance=f"catalog-{number}") for number in (1, 2, 3)),
        Measured("catalog", "memory_used_ratio", 0.5, instance="catalog-1"),
        Measured("catalog", "requests_per_second", 300.0, 900.0),
    ),
    "disk-filling": (
        Measured("gateway", "disk_used_ratio", 0.8375, instance="gateway-1", until=0.9),
        Measured("gateway", "disk_used_ratio", 0.41, instance="gateway-2"),
    ),
    "error-rate-after-deploy": (
        Measured("checkout", "error_ratio", 0.001, 0.09),
        Measured("checkout", "requests_per_second", 40.0),
    ),
    "general-triage": (
        Measured("search", "cpu_used_ratio", 0.3, instance="search-1"),
        Measured("search", "memory_used_ratio", 0.5, instance="search-1"),
    ),
    "latency-from-dependency": (
        Measured("checkout", "latency_p95_seconds", 0.2, 2.4),
        Measured("checkout", "cpu_used_ratio", 0.3),
        *(Measured("checkout", "client_latency_p95_seconds", 0.05, peer=peer) for peer in ("cart", "mail", "stock")),
    ),
    "payments-failing": (
        Measured("payments", "error_ratio", 0.002, 0.4),
        Measured("payments", "requests_per_second", 20.0),
    ),
    "payments-failing-mysql": (
        Measured("payments", "error_ratio", 0.002, 0.6),
        Measured("payments", "requests_per_second", 20.0),
    ),
    "pod-crash-loop": (
        Measured("invoices", "up", 1.0, 0.0, instance="invoices-1"),
        Measured("ledger", "up", 1.0, instance="ledger-1"),
        Measured("invoices", "memory_used_ratio", 0.4),
    ),
    "postgres-connections": (Measured("ledger", "requests_per_second", 40.0, 41.0),),
    "postgres-replication-lag": (Measured("ledger", "disk_used_ratio", 0.6, instance="ledger-copy"),),
    "queue-backlog": (
        Measured("notifier", "up", 1.0, 0.0, instance="notifier-1"),
        Measured("notifier", "error_ratio", 0.0),
        Measured("notifier", "requests_per_second", 50.0, 0.0),
    ),
    "redis-memory": (Measured("sessions", "requests_per_second", 98.0, 100.0),),
    "slow-query-after-deploy": (
        Measured("orders", "error_ratio", 0.01),
        Measured("orders", "latency_p95_seconds", 0.2, 3.2),
    ),
}  # fmt: skip


if __name__ == "__main__":
    for case, recording in RECORDINGS.items():
        (CASES / case / "logs.jsonl.gz").write_bytes(recording.packed())
    for case, measured in MEASURED.items():
        (CASES / case / "metrics.csv.gz").write_bytes(packed(measured))
    for case, asked in SPANS.items():
        (CASES / case / "spans.csv.gz").write_bytes(spans_of(asked))

"""The log lines of recorded cases: a quiet hour, then the quarter in which it happens.

python -m tests.unit.canvas.recordings      writes `logs.jsonl.gz` into tests/cases/
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
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

    def lines(self) -> Iterator[Mapping[str, str]]:
        """The lines of an hour and a quarter, in order of time."""
        for at in range(-3600, 900, EVERY_S):
            for text in self.always:
                yield self._line(at, "INFO", text)
            for text in self.since if at >= 0 else ():
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
    "disk-filling": Recording(
        "gateway",
        ("request {at} answered",),
        ("upstream 10.0.0.7 refused request {at}, retrying at once",),
    ),
}


if __name__ == "__main__":
    for case, recording in RECORDINGS.items():
        (CASES / case / "logs.jsonl.gz").write_bytes(recording.packed())

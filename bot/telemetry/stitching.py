"""Puts raw lines together to events: a line that begins one, and the lines that continue it, such as a stack trace."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime

from bot.models import Window
from bot.telemetry.loglines import MAX_MESSAGE, LogLine, parse_line, trace_of
from bot.telemetry.logs import Thinnings

DISORDER_S = 5.0
"""Several threads or processes that write one file put their lines this far out of order."""
MAX_CONTINUED = 100
"""Lines of one stack trace that are kept."""

_CONTINUES = re.compile(rb"[ \t]|Traceback \(|Caused by:|Suppressed:|\.\.\. \d+ more|goroutine \d|stack backtrace:")


class Stitching:
    """The events of one stream of lines in a window, thinned where there are too many.

    Args:
        thinnings: may be shared with other streams of the same source.
        service: for lines that name none.
        now: gives syslog times their year.
    """

    def __init__(
        self,
        window: Window,
        thinnings: Thinnings,
        *,
        service: str | None = None,
        now: datetime | None = None,
    ) -> None:
        self._start, self._end = window.start.timestamp(), window.end.timestamp()
        self._thinnings = thinnings
        self._service = service
        self._now = now
        self._open: LogLine | None = None
        self._more: list[str] = []
        self._done: list[LogLine] = []
        self.parsed = 0
        self.timed = False
        self.past = False
        """Whether a line surely lies behind the window: no further one belongs to it."""

    def take(self, raw: bytes, at: float | None = None) -> None:
        """The next raw line, with its time where the stream tells it."""
        if not raw or self._continues(raw):
            return
        thinning = self._thinnings.of(raw)
        weight = thinning.stride
        trace = trace_of(raw) if weight > 1 else None
        if thinning.take(trace):
            self._begin(raw, at, weight, trace)
        else:
            self.finish()

    def finish(self) -> None:
        """Close the event that is being put together."""
        if self._open is not None:
            message = "\n".join((self._open.message, *self._more))[:MAX_MESSAGE] if self._more else None
            self._done.append(replace(self._open, message=message) if message else self._open)
        self._open, self._more = None, []

    def drain(self) -> tuple[LogLine, ...]:
        """The finished events, handed over."""
        finished, self._done = tuple(self._done), []
        return finished

    def _continues(self, raw: bytes) -> bool:
        """Take the raw line if it continues an event; whether it does."""
        if _CONTINUES.match(raw) is None:
            return False
        self._append(raw)
        return True

    def _begin(self, raw: bytes, at: float | None, weight: int, trace: str | None) -> None:
        """Read the first line of the next event, or a line without a time, which continues the last one."""
        line = parse_line(raw.decode("utf-8", "replace"), service=self._service, now=self._now)
        self.parsed += 1
        at = line.at if at is None else at
        if at is None:
            self._append(raw)
            return
        self.finish()
        self.timed = True
        self.past = at >= self._end + DISORDER_S
        if self._start <= at < self._end:
            trace = trace if weight > 1 else line.trace
            self._open = replace(line, at=at, weight=float(weight), trace=trace)

    def _append(self, raw: bytes) -> None:
        if self._open is not None and len(self._more) < MAX_CONTINUED:
            self._more.append(raw[:MAX_MESSAGE].decode("utf-8", "replace"))

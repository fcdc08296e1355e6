"""Counts log templates by service and by slice of time, and keeps the order of the lines of each request."""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from bot.agents.sequences import Sequences
from bot.models import Window
from bot.telemetry.loglines import LogLine
from bot.telemetry.stacks import headline
from bot.telemetry.templates import Templates

SLICES = 3
"""Slices of the window; the baseline is cut into slices of the same length."""
MAX_TALLIES = 50_000
EXAMPLE = 1000

_ALARMING = re.compile(
    r"(?i:\b(?:error|errors|fatal|panic|failed|failure|failing|refused|denied|timed? ?out|deadlock|unavailable"
    r"|exhausted|unreachable|out of memory|abort(?:ed|ing)?|cannot|could not|unable to)\b)|(?:Error|Exception)\b"
)

Service = str | None


def alarming(line: LogLine) -> bool:
    """Whether it says that it is an error, or reads like one where it does not say."""
    return line.level == "error" or (line.level == "unknown" and _ALARMING.search(line.message, 0, 500) is not None)


@dataclass
class Tally:
    """One template of one service."""

    slots: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    """Weighted lines by slice: the window's count from 0 up, the baseline's from -1 down."""
    errors: float = 0.0
    warnings: float = 0.0
    traced: float = 0.0
    """Lines that name the trace of a request."""
    first: float | None = None
    """When it was first seen in the window, unix seconds."""
    last: float | None = None
    """When it was last seen in the window."""
    example: str = ""
    """The first line seen of it in the window, else in the baseline."""

    @property
    def window(self) -> float:
        """Lines in the window."""
        return sum(count for slot, count in self.slots.items() if slot >= 0)

    def baseline(self, slots: range) -> list[float]:
        """Lines in each of these slices."""
        return [self.slots.get(slot, 0.0) for slot in slots]


class Census:
    """Counts lines as they come, in bounded memory."""

    def __init__(self, window: Window, baseline: Window) -> None:
        self.window, self.baseline = window, baseline
        self.window_complete = True
        """Whether all of the window was read; if not, what seems to be missing may only be unread."""
        self.templates = Templates()
        self.sequences = Sequences(window.start.timestamp())
        self.lines = 0
        self.slice_s = window.seconds / SLICES
        self.baseline_slots = range(-int(baseline.seconds // self.slice_s), 0)
        self._stretches = [(part.start.timestamp(), part.end.timestamp()) for part in (window, baseline)]
        self._tallies: dict[Service, dict[int, Tally]] = defaultdict(dict)
        self._size = 0
        self._closed = False
        self._counting = threading.Lock()

    def add(self, lines: Iterable[LogLine]) -> None:
        """Count lines of the window and of the baseline; others are passed over."""
        with self._counting:
            for line in lines:
                if self._closed:
                    return
                slot = self._slot(line.at) if line.at is not None else None
                if slot is not None:
                    self.lines += 1
                    self._count(line, slot)

    def close(self) -> None:
        """Count no more: a thread that a deadline left behind must not change what is being judged."""
        self._closed = True
        with self._counting:
            pass

    def cut_short(self) -> None:
        """The baseline was read in part: only the slices between the first and the last line of it count."""
        seen = [slot for tally in self.all() for slot in tally.slots if slot < 0]
        self.baseline_slots = range(min(seen), max(seen) + 1) if seen else range(0)

    def services(self) -> Iterator[tuple[Service, dict[int, Tally]]]:
        """Each service with its tallies by template number."""
        yield from self._tallies.items()

    def all(self) -> Iterator[Tally]:
        """Every tally."""
        for tallies in self._tallies.values():
            yield from tallies.values()

    def _slot(self, at: float) -> int | None:
        (window_start, window_end), (start, end) = self._stretches
        if window_start <= at < window_end:
            return min(SLICES - 1, int((at - window_start) / self.slice_s))
        if start <= at < end:
            slot = -1 - int((end - at) / self.slice_s)
            return slot if slot >= self.baseline_slots.start else None
        return None

    def _count(self, line: LogLine, slot: int) -> None:
        number = self.templates.add(headline(line.message))
        if line.trace is not None and line.at is not None:
            self.sequences.add(line.service, line.trace, number, line.at, weight=line.weight)
        tally = self._tally(line.service, number)
        if tally is None:
            return
        tally.slots[slot] += line.weight
        if line.trace is not None:
            tally.traced += line.weight
        if alarming(line):
            tally.errors += line.weight
        elif line.level == "warning":
            tally.warnings += line.weight
        if slot >= 0:
            if tally.first is None or (line.at or 0.0) < tally.first:
                tally.first, tally.example = line.at, line.message[:EXAMPLE]
            tally.last = max(tally.last or 0.0, line.at or 0.0)
        elif not tally.example:
            tally.example = line.message[:EXAMPLE]

    def _tally(self, service: Service, number: int) -> Tally | None:
        tallies = self._tallies[service]
        tally = tallies.get(number)
        if tally is None and self._size < MAX_TALLIES:
            self._size += 1
            tally = tallies[number] = Tally()
        return tally

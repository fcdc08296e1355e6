"""What a census of log lines means: which templates are new, surge or stay away, and how many lines are errors.

Rates are compared against each template's own variation between slices of the baseline. A change of traffic moves all
templates of a service together; it is taken out by the median of their ratios.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Literal

from bot.agents.census import SLICES, Census, Service, Tally
from bot.telemetry.series import instant
from bot.telemetry.templates import OTHER

WINDOW_SLOTS = range(SLICES)
NOTICEABLE = 3.0
"""Deviations, in units of the variation, up to which a count is normal."""
TO_SIGMA = 1.4826
COMPARABLE = 10.0
"""Lines a template needs in the baseline to say something about traffic."""
REGULAR = 0.6
"""A template that comes in this part of the baseline's slices is missed when it stays away."""
MISSED = 10.0
"""Lines that should have come before silence means anything."""
CALM = 0.3
"""The most that a new line scores that complains of nothing."""
WARNING = 0.7
"""What a warning counts beside an error."""

VerdictKind = Literal["new_error", "new_log", "surging_error", "vanished_log", "silent"]


@dataclass(frozen=True)
class Verdict:
    """One template that behaves otherwise than in the baseline; `silent` is a whole service that stopped logging."""

    kind: VerdictKind
    service: Service
    template: str
    example: str
    score: float
    count: float
    """Lines in the window."""
    expected: float
    """Lines that the baseline's rate makes of the window, or of the silence."""
    started_at: datetime
    of_requests: bool
    """Whether most of its lines name the trace of a request."""


@dataclass(frozen=True)
class Share:
    """The part of a service's lines that are errors."""

    service: Service
    share: float
    baseline: float | None
    score: float
    lines: float
    """Lines in the window."""
    of_requests: bool
    """Whether most of the service's lines name the trace of a request."""


def verdicts(census: Census) -> list[Verdict]:
    """Everything that behaves otherwise, strongest first."""
    found = [verdict for service, tallies in census.services() for verdict in _Judge(census, service, tallies).all()]
    return sorted(found, key=lambda verdict: (-verdict.score, -verdict.count, verdict.template))


def shares(census: Census) -> list[Share]:
    """The error share of each service, the worst first."""
    found = [_share(census, service, list(tallies.values())) for service, tallies in census.services()]
    return sorted(found, key=lambda share: (-share.score, -share.share))


class _Judge:
    """Compares one service's window with its baseline."""

    def __init__(self, census: Census, service: Service, tallies: Mapping[int, Tally]) -> None:
        self._census = census
        self._service = service
        self._tallies = {number: tally for number, tally in tallies.items() if number != OTHER}
        self._slots = census.baseline_slots
        self._before = sum(sum(tally.baseline(self._slots)) for tally in tallies.values())
        self._ratios = dict(self._calm_ratios())

    def all(self) -> Iterator[Verdict]:
        """The verdicts of this service."""
        silent = self._silent()
        if silent is not None:
            yield silent
        for number, tally in self._tallies.items():
            counts = tally.baseline(self._slots)
            if not any(counts):
                yield from self._new(number, tally)
            else:
                yield from self._surging(number, tally, counts)
                if silent is None:
                    yield from self._vanished(number, tally, counts)

    def _new(self, number: int, tally: Tally) -> Iterator[Verdict]:
        count = tally.window
        if not count:
            return
        chance_of_absence = math.exp(-count * len(self._slots) / SLICES) if self._before else 1.0
        alarm = _alarm(tally)
        score = (1 - 0.5 / math.sqrt(count)) * (1 - chance_of_absence) * (alarm or CALM)
        if not self._before:
            score = alarm * CALM  # nothing is known of what is usual
        if score > 0:
            kind: VerdictKind = "new_error" if alarm else "new_log"
            yield self._verdict(kind, number, tally, score, 0.0, tally.first)

    def _surging(self, number: int, tally: Tally, counts: Sequence[float]) -> Iterator[Verdict]:
        """Only what complains: traffic moves the rest."""
        alarm = _alarm(tally)
        if not alarm:
            return
        mean, normal = sum(counts) / len(counts), median(counts)
        scale = max(TO_SIGMA * median(abs(count - normal) for count in counts), math.sqrt(max(mean, 1.0)))
        excesses = [
            tally.slots.get(slot, 0.0) - normal * max(1.0, self._traffic(number, slot)) for slot in WINDOW_SLOTS
        ]
        excess = max(excesses)
        ordinary = max(NOTICEABLE * scale, min(max(counts) - normal, excess / 2))
        if excess > ordinary:
            first = next(slot for slot in WINDOW_SLOTS if excesses[slot] > ordinary)
            score = (1 - ordinary / excess) * alarm
            yield self._verdict("surging_error", number, tally, score, mean * SLICES, self._start_of(first, tally))

    def _vanished(self, number: int, tally: Tally, counts: Sequence[float]) -> Iterator[Verdict]:
        regular = sum(1 for count in counts if count) >= REGULAR * len(counts)
        since = tally.last if tally.last is not None else self._census.window.start.timestamp()
        expected = self._missed(sum(counts), since) * min(1.0, self._traffic(number, SLICES - 1))
        if regular and expected >= MISSED:
            yield self._verdict("vanished_log", number, tally, _absence(expected), expected, since)

    def _silent(self) -> Verdict | None:
        """The whole service has stopped writing."""
        lasts = [tally.last for tally in self._tallies.values() if tally.last is not None]
        since = max(lasts, default=self._census.window.start.timestamp())
        expected = self._missed(self._before, since)
        if expected < MISSED:
            return None
        count = sum(tally.window for tally in self._tallies.values())
        score = _absence(expected)
        traced = _of_requests(self._tallies.values())
        return Verdict("silent", self._service, "all lines", "", score, count, expected, instant(since), traced)

    def _missed(self, before: float, since: float) -> float:
        """Lines that should have come since a moment; none while the silence is shorter than a slice."""
        silence_s = self._census.window.end.timestamp() - since
        if silence_s < self._census.slice_s or not len(self._slots) or not self._census.window_complete:
            return 0.0
        return before / (len(self._slots) * self._census.slice_s) * silence_s

    def _traffic(self, number: int, slot: int) -> float:
        """How much more the service's other calm templates write in this slice than before."""
        others = [ratios[slot] for other, ratios in self._ratios.items() if other != number]
        return median(others) if others else 1.0

    def _calm_ratios(self) -> Iterator[tuple[int, list[float]]]:
        for number, tally in self._tallies.items():
            before = sum(tally.baseline(self._slots))
            if before >= COMPARABLE and not _alarm(tally) and tally.window:
                usual = before / len(self._slots)
                yield number, [tally.slots.get(slot, 0.0) / usual for slot in WINDOW_SLOTS]

    def _start_of(self, slot: int, tally: Tally) -> float:
        """The start of a slice, which is as exact as counts can tell; not before the first line."""
        start = self._census.window.start.timestamp() + slot * self._census.slice_s
        return max(start, tally.first or start)

    def _verdict(
        self, kind: VerdictKind, number: int, tally: Tally, score: float, expected: float, since: float | None
    ) -> Verdict:
        at = since if since is not None else self._census.window.start.timestamp()
        template = self._census.templates.text(number)
        traced = _of_requests([tally])
        return Verdict(kind, self._service, template, tally.example, score, tally.window, expected, instant(at), traced)


def _alarm(tally: Tally) -> float:
    """1 for a template that mostly is an error, less for a warning, 0 for one that complains of nothing."""
    total = sum(tally.slots.values())
    if tally.errors >= total / 2:
        return 1.0
    return WARNING if tally.errors + tally.warnings >= total / 2 else 0.0


def _of_requests(tallies: Iterable[Tally]) -> bool:
    """Whether most of these lines name a trace."""
    counted = [(tally.traced, sum(tally.slots.values())) for tally in tallies]
    return sum(traced for traced, _ in counted) > sum(lines for _, lines in counted) / 2


def _absence(expected: float) -> float:
    """How unlikely it is that so many lines stay away by chance, 0 to 1: three standard deviations are nothing."""
    return max(0.0, 1 - NOTICEABLE / math.sqrt(expected))


def _share(census: Census, service: Service, tallies: Sequence[Tally]) -> Share:
    before = _parts(tallies, census.baseline_slots)
    inside = _parts(tallies, WINDOW_SLOTS)
    lines = sum(total for _, total in inside)
    now = sum(errors for errors, _ in inside) / lines if lines else 0.0
    usual = [errors / total for errors, total in before if total]
    if not usual or not lines:
        return Share(service, now, None, 0.0, lines, _of_requests(tallies))
    normal = median(usual)
    noise = math.sqrt(max(normal * (1 - normal), 1 / lines) / lines)
    scale = max(TO_SIGMA * median(abs(share - normal) for share in usual), noise, 0.01)
    excess = max(errors / total for errors, total in inside if total) - normal
    score = max(0.0, 1 - NOTICEABLE * scale / excess) if excess > 0 else 0.0
    return Share(service, now, normal, score, lines, _of_requests(tallies))


def _parts(tallies: Sequence[Tally], slots: range) -> list[tuple[float, float]]:
    """Error lines and all lines of each slice."""
    return [
        (
            sum(tally.slots.get(slot, 0.0) for tally in tallies if _alarm(tally) == 1.0),
            sum(tally.slots.get(slot, 0.0) for tally in tallies),
        )
        for slot in slots
    ]

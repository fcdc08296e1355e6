"""Which lines the requests of a service write that they did not write before, and which they no longer write.

Each line is given to the visit in which it was written (`visits`): by its trace, its service and its time. Visits of
one operation in one context are then compared: how many of them write a template, in the window and before. A line
that stays away is often the best clue: an early return, an exception on the way.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bot.agents.census import alarming
from bot.agents.presence import Presence, Shift
from bot.agents.visits import Operation, Visits
from bot.telemetry.loglines import LogLine
from bot.telemetry.stacks import headline
from bot.telemetry.templates import OTHER, Templates

CLOCKS_S = 0.003
"""A line may seem to lie this far outside the span in which it was written."""
HEAD_WORDS = 6
"""Words of a line that choose its template: what follows is mostly values, and lists of them have no fixed length."""
_PREFIX = re.compile(
    r"^(?:\[?\d\d:\d\d:\d\d(?:[.,]\d+)?\]?\s+)?(?:\[?(?:TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL)\]?:?\s+)?"
)
"""A time of day and a level word stand before the words that tell lines apart, and make all of them look alike."""
ALONE = ""
"""The operation of visits that no span tells of: all that a trace writes in a service is one visit then."""


@dataclass(frozen=True)
class RequestSign:
    """One template that visits write more or less often."""

    service: str
    operation: str
    template: str
    deviations: float
    """Negative: the line stays away."""
    share: float
    usual: float
    requests: int
    alarming: bool
    """Whether it complains."""
    first_at: float | None = None
    """When the window's first such line was written, seconds since 1970; of one that was never written before."""


class RequestLog:
    """Gathers the stretches of one incident. For one thread at a time.

    Each service has templates of its own: lines of different programs that look alike mean different things.
    """

    def __init__(self) -> None:
        self._templates: dict[str, Templates] = defaultdict(Templates)
        self._alarming: dict[tuple[str, int], bool] = {}
        self._first: dict[tuple[Operation, int], float] = {}
        self._presence: Presence[Operation, int] = Presence()
        self._known: dict[bool, set[str]] = {True: set(), False: set()}
        self._spanned = False

    def add(self, lines: Iterable[LogLine], visits: Visits, *, window: bool) -> int:
        """Count a stretch; how many of its lines name a trace. Others are passed over."""
        written: dict[int | tuple[str, str], set[int]] = defaultdict(set)
        finder = _Finder(visits)
        self._spanned |= window and bool(visits.spans)
        counted = 0
        for line in lines:
            if line.trace and line.service:
                counted += 1
                self._known[window].add(line.service)
                number = self._number(line, line.service)
                visit = finder.visit(line.trace, line.service, line.at)
                written[visit if visit is not None else (line.trace, line.service)].add(number)
                if window and line.at is not None:
                    wrote = (visits.operation(visit) if visit is not None else (line.service, ALONE), number)
                    self._first[wrote] = min(line.at, self._first.get(wrote, line.at))
        for entry in visits.visits():
            self._known[window].add(visits.operation(entry)[0])
            self._presence.add(visits.operation(entry), visits.contexts[entry], written.get(entry, ()), window=window)
        for key, numbers in written.items():
            if isinstance(key, tuple) and key not in finder.known:
                self._presence.add((key[1], ALONE), ALONE, numbers, window=window)
        return counted

    @property
    def compared(self) -> set[str]:
        """The services that had requests before, by their lines or by spans, and in the window: unless spans tell that
        nobody asked them then, which is no silence."""
        return self._known[False] if self._spanned else self._known[False] & self._known[True]

    def signs(self) -> list[RequestSign]:
        """What changed, strongest first. A complaint that stays away is no sign: things are better than they were."""
        found = [sign for sign in map(self._sign, self._shifts()) if sign.deviations > 0 or not sign.alarming]
        return sorted(found, key=lambda sign: (-abs(sign.deviations), sign.service, sign.operation, sign.template))

    def _shifts(self) -> Iterator[Shift[Operation, int]]:
        return (shift for shift in self._presence.shifts() if shift.feature != OTHER)

    def _number(self, line: LogLine, service: str) -> int:
        number = self._templates[service].add(_bare(headline(line.message)))
        self._alarming.setdefault((service, number), alarming(line))
        return number

    def _sign(self, shift: Shift[Operation, int]) -> RequestSign:
        service, operation = shift.subject
        return RequestSign(
            service=service,
            operation=operation,
            template=self._templates[service].text(shift.feature),
            deviations=shift.deviations,
            share=shift.share,
            usual=shift.usual,
            requests=shift.occasions,
            alarming=self._alarming.get((service, shift.feature), False),
            first_at=None if shift.usual else self._first.get((shift.subject, shift.feature)),
        )


class _Finder:
    """Finds the visit in which a line was written: the innermost span of its trace and service around its time."""

    def __init__(self, visits: Visits) -> None:
        self._visits = visits
        self.known: dict[tuple[str, str], list[int]] = defaultdict(list)
        for place, span in enumerate(visits.spans):
            self.known[span.trace, span.service].append(place)
        self._starts = {key: [visits.spans[place].start_s for place in places] for key, places in self.known.items()}

    def visit(self, trace: str, service: str, at: float | None) -> int | None:
        """The span by which the visit began; None where no span is around."""
        places = self.known.get((trace, service))
        if not places or at is None:
            return None
        last = bisect_right(self._starts[trace, service], at + CLOCKS_S)
        for place in reversed(places[:last]):
            if self._visits.spans[place].end_s >= at - CLOCKS_S:
                return self._visits.entries[place]
        return None


def _bare(message: str) -> str:
    return " ".join(_PREFIX.sub("", message, count=1).split(maxsplit=HEAD_WORDS)[:HEAD_WORDS])

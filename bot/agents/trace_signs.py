"""What the spans of a window say against those of its baselines, service by service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bot.agents.change import NOTICEABLE
from bot.agents.contrast import level_deviation, nearest
from bot.agents.paths import new_calls, stopped_short
from bot.agents.presence import Presence
from bot.agents.visits import Operation, Visits
from bot.agents.waits import blamed, waits_of, whole_request_s

SignKind = Literal["self_time", "call_gap", "new_call", "path_end", "failed_spans"]
LEAST_SPANS = 30
"""A stretch with fewer says nothing."""
GRAIN = 0.02
"""Of a whole request: what is next to nothing for those who wait."""
LEAST_GRAIN_S = 0.001


@dataclass(frozen=True)
class TraceSign:
    """One thing that spans of a service do otherwise."""

    kind: SignKind
    service: str
    operation: str
    deviations: float
    now: float
    usual: float
    """Seconds, or a share of spans, by kind."""
    other: Operation | None = None
    """What is called, or who calls."""
    first_at: float | None = None
    """When the window's first span of that kind began, seconds since 1970; of what was never seen before."""


def signs_of(window: Visits, baselines: Sequence[Visits]) -> list[TraceSign]:
    """Every sign of trouble, strongest first."""
    known = [visits for visits in baselines if visits.spans]
    grain_s = max(LEAST_GRAIN_S, GRAIN * whole_request_s(known or (window,)))
    found = [*_gaps(window, known, grain_s), *_self_time(window, known, grain_s)]
    if known:
        found += [*_calls(window, known), *_ends(window, known), *_failures(window, known)]
    return sorted(found, key=lambda sign: (-sign.deviations, sign.service, sign.operation, sign.kind))


def strongest(signs: Iterable[TraceSign]) -> Mapping[tuple[str, SignKind], list[TraceSign]]:
    """Service and kind → its signs, in the order given."""
    grouped: dict[tuple[str, SignKind], list[TraceSign]] = {}
    for sign in signs:
        grouped.setdefault((sign.service, sign.kind), []).append(sign)
    return grouped


def _gaps(window: Visits, baselines: Sequence[Visits], grain_s: float) -> Iterator[TraceSign]:
    """Time that calls of the service lose on the way, as far as that is its own doing."""
    waits = waits_of(window, baselines)
    for service, lost_s in blamed({call: wait.excess for call, wait in waits.items()}).items():
        if lost_s > 0:
            call = max((call for call in waits if service in call), key=lambda call: waits[call].excess)
            other = call[0] if call[1] == service else call[1]
            deviations = NOTICEABLE * lost_s / grain_s
            yield TraceSign("call_gap", service, "", deviations, waits[call].now, waits[call].usual, (other, ""))


def _self_time(window: Visits, baselines: Sequence[Visits], grain_s: float) -> Iterator[TraceSign]:
    """Time that spans spend outside their children; those that call others are left out: there the gap tells."""
    now, *before = (_own_s(visits) for visits in (window, *baselines))
    for operation, seconds in now.items():
        usual = [part.get(operation, []) for part in before]
        compared = [found for part in usual if (found := level_deviation(seconds, part, grain_s)) is not None]
        if (deviations := nearest(compared)) > 0:
            known = [second for part in usual for second in part]
            yield TraceSign("self_time", *operation, deviations, float(np.median(seconds)), float(np.median(known)))


def _calls(window: Visits, baselines: Sequence[Visits]) -> Iterator[TraceSign]:
    for shift in new_calls(window, baselines):
        yield TraceSign("new_call", *shift.subject, shift.deviations, shift.share, shift.usual, shift.feature)


def _ends(window: Visits, baselines: Sequence[Visits]) -> Iterator[TraceSign]:
    for shift in stopped_short(window, baselines):
        yield TraceSign("path_end", *shift.subject, shift.deviations, shift.share, shift.usual, shift.feature)


def _failures(window: Visits, baselines: Sequence[Visits]) -> Iterator[TraceSign]:
    presence: Presence[Operation, bool] = Presence()
    for visits, inside in ((window, True), *((visits, False) for visits in baselines)):
        for place, span in enumerate(visits.spans):
            failed = (True,) if span.failed else ()
            presence.add(visits.operation(place), visits.contexts[visits.entries[place]], failed, window=inside)
    first: dict[Operation, float] = {}
    for place, span in enumerate(window.spans):  # by start
        if span.failed:
            first.setdefault(window.operation(place), span.start_s)
    for shift in presence.shifts():
        if shift.deviations > 0:
            first_at = None if shift.usual else first[shift.subject]
            yield TraceSign(
                "failed_spans", *shift.subject, shift.deviations, shift.share, shift.usual, first_at=first_at
            )


def _own_s(visits: Visits) -> dict[Operation, list[float]]:
    own: dict[Operation, list[float]] = defaultdict(list)
    for place, span in enumerate(visits.spans):
        below = [visits.spans[child] for child in visits.children.get(place, ())]
        if all(child.service == span.service for child in below):
            covered, reach = 0.0, span.start_s
            for child in below:  # by start; what runs at the same time counts once
                start, end = max(child.start_s, reach), min(child.end_s, span.end_s)
                if end > start:
                    covered, reach = covered + end - start, end
            own[span.service, span.operation].append(max(0.0, span.duration_s - covered))
    return own

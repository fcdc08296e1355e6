"""Services that tell nothing any more: where most others still send samples, a gap is a finding of its own.

A service that is gone has no latency and no errors. What is left of it is that its samples stay away, and that those
who call it fail. But samples get lost by themselves too: what counts is how unlikely so many lost ones are, at the rate
at which this service loses them when all is well.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bot.agents.change import NOTICEABLE
from bot.agents.departure import LEAST_SAMPLES, RARE, Departure
from bot.agents.measured import Measure
from bot.catalog import Catalog
from bot.models import Window
from bot.telemetry.series import Floats, Series

TELLING = "availability of samples (%)"
"""The share of moments, among those at which anybody told anything, at which the service did."""
UP = "instances that answer"
"""The share of a service's instances that answer whoever collects their samples."""
SILENCES = frozenset({TELLING, UP})
"""What falls where a service is gone."""
LEAST_SERVICES = 4
"""So many must tell before one of them can be told to be silent."""
NEAR = 0.75
"""Of the distance of samples: how far off one may be and still belong to a moment."""


def telling(series: Sequence[Series]) -> Iterator[Series]:
    """For each service a series of 100 where it has a sample of anything, 0 where others have and it has not."""
    known: dict[str, list[Floats]] = defaultdict(list)
    for one in series:
        if not one.labels.get("peer") and (times := one.finite().times).size:
            known[one.labels["service"]].append(times)
    if len(known) < LEAST_SERVICES:
        return
    told = {service: np.unique(np.concatenate(times)) for service, times in known.items()}
    moments, step_s = _moments(np.unique(np.concatenate(list(told.values()))), told)
    for service, times in told.items():
        yield Series({"service": service, "metric": TELLING}, moments, 100.0 * _near(moments, times, NEAR * step_s))


def silenced(told: Series, window: Window, baselines: Sequence[Window], services: int) -> Departure | None:
    """How surprising it is that one of so many services sends so little, on the scale of deviations, and what it sends
    since the first gap; None where too little is known."""
    inside = told.between(window.start, window.end)
    usual = [told.between(stretch.start, stretch.end).values for stretch in baselines]
    known = np.concatenate(usual)
    if not inside.values.size or known.size < LEAST_SAMPLES:
        return None
    lost = (known.size - np.count_nonzero(known) + 0.5) / (known.size + 1)
    size = inside.values.size
    chances = _chances(size, lost)
    gaps = size - int(np.count_nonzero(inside.values))
    surprise = max(0.0, -math.log(services * chances[gaps]))
    reached = max(0.0, -math.log(services * chances[_usually_lost(usual, size)]))
    deviations = -NOTICEABLE * surprise / max(NOTICEABLE, reached)
    first = int(np.argmin(inside.values))
    onset_s = float(inside.times[first]) if gaps else None
    return Departure(deviations, float(inside.values[first:].mean()), float(known.mean()), onset_s)


def _chances(size: int, lost: float) -> Sequence[float]:
    """By how many of so many samples are lost: the chance of that many or more."""
    chances = [math.comb(size, gaps) * lost**gaps * (1 - lost) ** (size - gaps) for gaps in range(size + 1)]
    return [math.fsum(chances[gaps:]) for gaps in range(size + 1)]


def _usually_lost(usual: Sequence[Floats], size: int) -> int:
    """Samples that quiet stretches of this size lack, but for the rarest: losses may come together."""
    stretches = [np.lib.stride_tricks.sliding_window_view(part, size) for part in usual if part.size > size]
    if not stretches:
        return 0
    lacking = np.sort(np.concatenate([np.count_nonzero(part == 0, axis=1) for part in stretches]))
    return int(lacking[int(RARE * (lacking.size - 1))])


def asked_in_vain(measures: Sequence[Measure], catalog: Catalog) -> Mapping[str, float]:
    """Service → the part of its callers' work that goes on, and so must still be asking for it; 1 where none calls."""
    left: dict[str, float] = defaultdict(lambda: 1.0)
    for one in measures:
        if one.quantity.direction == "down" and one.quantity.kind == "error_rate" and one.departure.normal > 0:
            share = min(1.0, max(0.0, one.departure.level / one.departure.normal)) if one.weight else 1.0
            left[one.service] = min(left[one.service], share)
    callers: dict[str, list[str]] = defaultdict(list)
    for caller, service in catalog.services.items():
        for callee in service.depends_on:
            callers[callee].append(caller)
    return {service: max((left[caller] for caller in callers[service]), default=1.0) for service in catalog.services}


def _moments(times: Floats, told: Mapping[str, Floats]) -> tuple[Floats, float]:
    """The moments at which samples come, those closer than half the usual distance taken for one."""
    distances = [float(np.median(np.diff(one))) for one in told.values() if one.size > 1]
    step_s = float(np.median(distances)) if distances else 0.0
    kept: list[float] = []
    for at in times:
        if not kept or at - kept[-1] > step_s / 2:
            kept.append(float(at))
    return np.array(kept), step_s


def _near(times: Floats, others: Floats, within: float) -> Floats:
    """1 for each time that has one of the others (increasing) near it, else 0."""
    places = np.searchsorted(others, times)
    before, after = others[np.maximum(places - 1, 0)], others[np.minimum(places, others.size - 1)]
    return (np.minimum(np.abs(times - before), np.abs(times - after)) <= within).astype(np.float64)

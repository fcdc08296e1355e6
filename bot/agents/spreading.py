"""What of a deviation is the service's own: latency and errors spread to callers, traffic and silence to callees.

A callee's excess explains as much of its caller's, in the metric's own unit, times the calls that it may get from one
request. A callee that tells nothing any more explains all that its callers suffer, if they still ask for it. A caller's
change of traffic explains as much of its callee's, in deviations.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache

from bot.agents.change import NOTICEABLE
from bot.agents.measured import SPREADING, TRAFFIC, Measure
from bot.agents.silence import SILENCES, TELLING, asked_in_vain
from bot.catalog import Catalog

LEAST_LEFT = 0.05
"""What is left of a deviation that others explain."""
MOST_CALLS = 3.0
"""Calls of one callee that a request is believed to make, at most."""

Amounts = Mapping[tuple[str, str], float]
"""Metric and service → an amount of it; 0 where there is none."""


def unexplained(measures: Sequence[Measure], catalog: Catalog) -> list[Measure]:
    """The measures with what others explain taken out of their weights."""
    return _Spreading(measures, catalog).left()


class _Spreading:
    def __init__(self, measures: Sequence[Measure], catalog: Catalog) -> None:
        alone = asked_in_vain(measures, catalog)
        self._measures = [
            replace(one, weight=one.weight * alone.get(one.service, 1.0)) if one.metric == TELLING else one
            for one in measures
        ]
        self._below, self._above = cache(catalog.dependencies), cache(catalog.dependants)
        self._silent = {one.service: 1.0 - one.departure.level / one.departure.normal
                        for one in self._measures if one.metric in SILENCES and _counts(one)}  # fmt: skip
        self._excess = _worst(measures, SPREADING, lambda one: one.excess)
        self._rising = _worst(measures, TRAFFIC, lambda one: max(0.0, one.weight))
        self._falling = _worst(measures, TRAFFIC, lambda one: max(0.0, -one.weight))
        self._requests = _requests(measures)

    def left(self) -> list[Measure]:
        return [self._own(one) for one in self._measures]

    def _own(self, one: Measure) -> Measure:
        explained = 0.0
        if one.metric == TELLING or not one.weight:
            return one
        if one.quantity.kind in SPREADING and one.excess > 0:
            explained = max((self._from_callee(one, callee) for callee in self._below(one.service)), default=0.0)
        elif one.quantity.kind in TRAFFIC:
            moved = self._rising if one.weight > 0 else self._falling
            callers = self._above(one.service)
            explained = max((moved[one.metric, caller] for caller in callers), default=0.0) / abs(one.weight)
        own = one.weight * max(LEAST_LEFT, 1.0 - explained)
        return replace(one, weight=own, felt=one.weight) if explained else one

    def _from_callee(self, one: Measure, callee: str) -> float:
        """The part of a service's excess that one of those it stands on explains."""
        if callee in self._silent:
            return self._silent[callee]
        return self._calls(one.service, callee) * self._excess[one.metric, callee] / one.excess

    def _calls(self, caller: str, callee: str) -> float:
        """Calls of the callee for one request of the caller, as far as their traffic tells; 1 at least."""
        asked, asking = self._requests.get(callee, 0.0), self._requests.get(caller, 0.0)
        return min(MOST_CALLS, max(1.0, asked / asking)) if asking > 0 else 1.0


def _counts(one: Measure) -> bool:
    return abs(one.weight) > NOTICEABLE


def _worst(measures: Sequence[Measure], kinds: Collection[str], amount: Callable[[Measure], float]) -> Amounts:
    """The largest amount among noticeable deviations of these kinds."""
    worst: dict[tuple[str, str], float] = defaultdict(float)
    for one in measures:
        if one.quantity.kind in kinds and one.metric != TELLING and _counts(one):
            worst[one.metric, one.service] = max(worst[one.metric, one.service], amount(one))
    return worst


def _requests(measures: Sequence[Measure]) -> Mapping[str, float]:
    """Service → its usual traffic."""
    usual: dict[str, float] = defaultdict(float)
    for one in measures:
        if one.quantity.kind in TRAFFIC and not one.peer:
            usual[one.service] = max(usual[one.service], one.departure.normal)
    return usual

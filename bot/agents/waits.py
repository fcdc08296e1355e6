"""Time that calls lose between caller and callee: the network, and waiting at either end.

What is common to most calls of a caller is its own doing; what remains is the callee's.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bot.agents.visits import Visits

Call = tuple[str, str]
"""Caller and callee."""
LEAST_CALLS = 3
ORDINARY = 0.8
"""The part of the other calls that lose less than what is ordinary for a call that no baseline knows."""
DOUBT = 1.0
"""Standard errors that may be chance."""
LONGEST_S = 10.0
"""A single call counts with no more than this."""
CLOCKS_S = 1.0
"""Clocks of two machines may differ: a callee may seem to take longer than the call, by this much."""
COMMON_CALLEES = 3
"""Callees from which what is common to them can be told."""
COMMON = 0.4
"""The quantile of a caller's calls that counts as common to all."""


@dataclass(frozen=True)
class Wait:
    """What calls of one edge lose."""

    excess: float
    """Above the usual, as far as that is beyond doubt."""
    now: float
    usual: float


def waits_of(window: Visits, baselines: Iterable[Visits]) -> dict[Call, Wait]:
    """Caller and callee → seconds lost a call, in the window and usually.

    A call that no baseline knows is compared with the other calls of the window, by its median: some
    calls always lose more, and the slowest of some much more.
    """
    now, before = _lost_s((window,)), _lost_s(baselines)
    found: dict[Call, Wait] = {}
    for call, seconds in now.items():
        usual = before.get(call, [])
        if len(usual) >= LEAST_CALLS:
            reference, level = float(np.mean(usual)), float(np.mean(seconds))
        else:
            others = [second for other, lost in now.items() if other[1] != call[1] for second in lost]
            reference, level = float(np.quantile(others, ORDINARY)) if others else 0.0, float(np.median(seconds))
        doubt = DOUBT * math.hypot(_error_s(seconds), _error_s(usual))
        found[call] = Wait(max(0.0, level - reference - doubt), level, reference)
    return found


def blamed(excess: Mapping[Call, float]) -> dict[str, float]:
    """Service → the excess of its calls that is its own doing, as caller or as callee."""
    by_caller: dict[str, list[float]] = defaultdict(list)
    for (caller, _), lost in excess.items():
        by_caller[caller].append(max(0.0, lost))
    common = {
        caller: float(np.quantile(lost, COMMON)) if len(lost) >= COMMON_CALLEES else 0.0
        for caller, lost in by_caller.items()
    }
    by_callee: dict[str, list[float]] = defaultdict(list)
    for (caller, callee), lost in excess.items():
        by_callee[callee].append(max(0.0, lost) - common[caller])
    blame = {callee: max(0.0, float(np.mean(lost))) for callee, lost in by_callee.items()}
    return {service: max(blame.get(service, 0.0), common.get(service, 0.0)) for service in {*blame, *common}}


def _error_s(seconds: Sequence[float]) -> float:
    """Standard error of the mean."""
    return float(np.std(seconds, ddof=1)) / math.sqrt(len(seconds)) if len(seconds) >= LEAST_CALLS else 0.0


def _lost_s(stretches: Iterable[Visits]) -> dict[Call, list[float]]:
    lost: dict[Call, list[float]] = defaultdict(list)
    for visits in stretches:
        for caller, entry in visits.calls():
            outer, inner = visits.spans[caller], visits.spans[entry]
            lost[outer.service, inner.service].append(
                min(LONGEST_S, max(-CLOCKS_S, outer.duration_s - inner.duration_s))
            )
    return lost


def whole_request_s(stretches: Sequence[Visits]) -> float:
    """What requests take that no other visit caused: the median, 0 where there are none."""
    durations = [
        visits.spans[entry].duration_s for visits in stretches for entry in visits.visits() if visits.parents[entry] < 0
    ]
    return float(np.median(durations)) if durations else 0.0

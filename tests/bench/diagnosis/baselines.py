"""What diagnosis is measured against: a ranking by robust z-scores, and chance."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from bot.telemetry.recorded import METRICS, Case, RecordedMetrics


async def by_z_score(case: Case) -> list[str]:
    """Services by the largest deviation of any of their series: from the median of the stretch just before, in its
    interquartile ranges, which is how BARO (Pham et al., FSE 2024) scores root causes."""
    if not case.holds(METRICS):
        return []
    scores: dict[str, float] = defaultdict(float)
    before = case.baselines[0]
    for series in await RecordedMetrics(case).read():
        usual = series.finite().between(before.start, before.end).values
        inside = series.finite().between(case.window.start, case.window.end).values
        if usual.size and inside.size:
            low, middle, high = np.quantile(usual, [0.25, 0.5, 0.75])
            score = float(np.abs(inside - middle).max() / (high - low if high > low else 1.0))
            scores[series.labels["service"]] = max(scores[series.labels["service"]], score)
    return sorted(scores, key=lambda service: (-scores[service], service))


async def services(case: Case) -> int:
    """How many services there are to choose from."""
    named = {call.caller for call in case.calls} | {call.callee for call in case.calls}
    if case.holds(METRICS):
        named |= {series.labels["service"] for series in await RecordedMetrics(case).read()}
    return len(named)


def by_chance(count: int, tries: int) -> float:
    """The chance that the right one of so many services is among as many tries."""
    return min(1.0, tries / count) if count else 0.0

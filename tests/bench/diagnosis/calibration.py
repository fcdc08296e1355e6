"""Whether a stated confidence is kept: Brier score and reliability, as stated and with parameters that saw nothing of
the case."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

Case = tuple[tuple[float, ...], int | None]
"""The evidence of each suspect, best first, and the place of the right one (None: not among them)."""
SHARPNESSES = np.linspace(0.3, 2.0, 18)
UNKNOWNS = np.linspace(-1.0, 4.0, 26)
BINS = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01))


def first(totals: Sequence[float], sharpness: float, unknown: float) -> float:
    """The confidence in the best suspect."""
    if not totals:
        return 0.0
    best = totals[0]
    others = sum(math.exp(sharpness * (total - best)) for total in totals[1:])
    return 1 / (1 + others + math.exp(sharpness * (unknown - best)))


def fit(cases: Sequence[Case]) -> tuple[float, float]:
    """Sharpness and unknown with the least logarithmic loss of the best suspect's confidence."""

    def loss(pair: tuple[float, float]) -> float:
        return sum(_surprise(first(totals, *pair), right == 0) for totals, right in cases)

    return min(((float(one), float(other)) for one in SHARPNESSES for other in UNKNOWNS), key=loss)


def _surprise(confidence: float, right: bool) -> float:
    confidence = min(0.999, max(0.001, confidence))
    return -math.log(confidence if right else 1 - confidence)


def report(cases: Sequence[Case], groups: Sequence[tuple[str, str]], stated: Sequence[tuple[float, bool]]) -> str:
    """Tables for the confidence as stated, and for one whose two parameters were fitted without the cases of the same
    service and without those of the same fault."""
    held_out = []
    for (totals, right), (service, fault) in zip(cases, groups, strict=True):
        rest = [case for case, group in zip(cases, groups, strict=True) if group[0] != service and group[1] != fault]
        held_out.append((first(totals, *fit(rest)), right == 0))
    sharpness, unknown = fit(cases)
    return "\n".join((
        f"\nfitted on all cases: sharpness {sharpness:.2f}, unknown {unknown:.2f}",
        _table("confidence as stated", stated),
        _table("with parameters fitted on other services and faults", held_out),
    ))  # fmt: skip


def _table(name: str, told: Sequence[tuple[float, bool]]) -> str:
    brier = sum((confidence - right) ** 2 for confidence, right in told) / len(told)
    rows = [f"\n{name}: Brier {brier:.3f}", "| confidence | n | said | right |", "|---|---|---|---|"]
    for low, high in BINS:
        inside = [(confidence, right) for confidence, right in told if low <= confidence < high]
        if inside:
            said, right = (sum(values) / len(inside) for values in zip(*inside, strict=True))
            rows.append(f"| {low:.1f} to {min(high, 1.0):.1f} | {len(inside)} | {said:.2f} | {right:.2f} |")
    return "\n".join(rows)

"""One value for each group of series."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping

from bot.demo.metrics.series import NAME, Labels, drop, keep
from bot.demo.metrics.syntax import Aggregation
from bot.demo.metrics.values import Sample, Vector, quantile_of

Values = list[float]


def _extreme(choose: Callable[[Values], float]) -> Callable[[Values], float]:
    """NaN counts only where there is nothing else."""
    return lambda values: choose([value for value in values if not math.isnan(value)] or [math.nan])


REDUCTIONS: Mapping[str, Callable[[Values], float]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "min": _extreme(min),
    "max": _extreme(max),
    "count": lambda values: float(len(values)),
    "group": lambda values: 1.0,  # noqa: ARG005 - it asks only whether there is a group
    "stddev": statistics.pstdev,
    "stdvar": statistics.pvariance,
}


def aggregate(node: Aggregation, vector: Vector, parameter: float) -> Vector:
    """The vector's groups, each as one sample; topk and bottomk give the samples themselves."""
    groups: dict[Labels, Vector] = {}
    for sample in vector:
        groups.setdefault(_group(sample.labels, node), []).append(sample)
    if node.operator in {"topk", "bottomk"}:
        return [sample for members in groups.values() for sample in _extremes(node.operator, members, parameter)]
    return [Sample(labels, _reduce(node.operator, members, parameter)) for labels, members in groups.items()]


def _group(labels: Labels, node: Aggregation) -> Labels:
    return drop(labels, [NAME, *node.names]) if node.without else keep(labels, node.names)


def _reduce(operator: str, members: Vector, parameter: float) -> float:
    values = [sample.value for sample in members]
    return quantile_of(values, parameter) if operator == "quantile" else float(REDUCTIONS[operator](values))


def _extremes(operator: str, members: Vector, count: float) -> Vector:
    sign = -1 if operator == "topk" else 1
    ordered = sorted(members, key=lambda sample: (math.isnan(sample.value), sign * sample.value))
    return ordered[: max(0, int(count))] if math.isfinite(count) else ordered

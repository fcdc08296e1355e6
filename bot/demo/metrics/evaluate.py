"""A query's value at a moment."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from bot.demo.metrics.aggregates import aggregate
from bot.demo.metrics.functions import SIMPLE, clamp, histogram_quantile, ordered, rounded
from bot.demo.metrics.operators import combine
from bot.demo.metrics.ranges import RANGE_FUNCTIONS, Stretch, quantile_over_time
from bot.demo.metrics.series import NAME, Labels, Series, Store, labels_of
from bot.demo.metrics.syntax import Aggregation, Binary, Call, Node, Number, Selector
from bot.demo.metrics.values import Sample, Value, Vector, distinct
from bot.errors import BadInput


class Evaluator:
    """Evaluates queries on one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._selected: dict[Selector, list[Series]] = {}  # the steps of a range query ask for the same series

    def value(self, node: Node, at_ms: int) -> Value:
        """The value of a query at that moment.

        Raises:
            BadInput: it asks for something that cannot be answered.
        """
        match node:
            case Number():
                return node.value
            case Selector():
                return self._instant(node, at_ms)
            case Call():
                return self._call(node, at_ms)
            case Aggregation():
                parameter = self._scalar(node.parameter, at_ms) if node.parameter else math.nan
                return aggregate(node, self._vector(node.operand, at_ms), parameter)
            case Binary():
                left, right = self.value(node.left, at_ms), self.value(node.right, at_ms)
                return combine(node.operator, left, right, node.matching, returns_bool=node.returns_bool)

    def stretches(self, node: Selector, at_ms: int) -> list[tuple[Labels, Stretch]]:
        """The samples of a range selector, by series; series without any are left out."""
        assert node.range_ms is not None
        end_ms = at_ms - node.offset_ms
        start_ms = end_ms - node.range_ms
        found = ((one.labels, *one.between(start_ms, end_ms)) for one in self._series(node))
        return [(labels, Stretch(times, values, start_ms, end_ms)) for labels, times, values in found if times]

    def _series(self, node: Selector) -> list[Series]:
        if node not in self._selected:
            self._selected[node] = self._store.select(node.matchers)
        return self._selected[node]

    def _instant(self, node: Selector, at_ms: int) -> Vector:
        if node.range_ms is not None:
            raise BadInput("a range vector stands where an instant vector is expected")
        found = ((series.labels, series.at(at_ms - node.offset_ms)) for series in self._series(node))
        return [Sample(labels, newest[1]) for labels, newest in found if newest is not None]

    def _call(self, node: Call, at_ms: int) -> Value:
        if node.name in RANGE_FUNCTIONS or node.name == "quantile_over_time":
            return self._over_time(node, at_ms)
        if node.name not in FUNCTIONS:
            raise BadInput(f"unknown function with name {node.name!r}, or one that this small server does not know")
        few, many, function = FUNCTIONS[node.name]
        if not few <= len(node.arguments) <= many:
            raise BadInput(f"expected {few} to {many} argument(s) in call to {node.name!r}, got {len(node.arguments)}")
        return function(self, node, at_ms)

    def _over_time(self, node: Call, at_ms: int) -> Vector:
        *first, selector = node.arguments or (Number(0),)
        needed = 1 if node.name == "quantile_over_time" else 0
        if not isinstance(selector, Selector) or selector.range_ms is None or len(first) != needed:
            raise BadInput(f"expected type range vector in call to function {node.name!r}")
        found: Vector = []
        for labels, stretch in self.stretches(selector, at_ms):
            value = (
                quantile_over_time(self._scalar(first[0], at_ms), stretch)
                if first
                else RANGE_FUNCTIONS[node.name](stretch)
            )
            if value is not None:
                sample = Sample(labels, value)
                found.append(sample if node.name == "last_over_time" else sample.valued(value))
        return distinct(found)

    def _scalar(self, node: Node, at_ms: int) -> float:
        value = self.value(node, at_ms)
        if not isinstance(value, float):
            raise BadInput("an instant vector stands where a scalar is expected")
        return value

    def _vector(self, node: Node, at_ms: int) -> Vector:
        value = self.value(node, at_ms)
        if isinstance(value, float):
            raise BadInput("a scalar stands where an instant vector is expected")
        return value

    # the functions of the moment

    def _mapped(self, node: Call, at_ms: int, change: Callable[[float], float]) -> Vector:
        return distinct([one.valued(change(one.value)) for one in self._vector(node.arguments[0], at_ms)])

    def _simple(self, node: Call, at_ms: int) -> Value:
        return self._mapped(node, at_ms, SIMPLE[node.name])

    def _clamp(self, node: Call, at_ms: int) -> Value:
        bounds = [self._scalar(bound, at_ms) for bound in node.arguments[1:]]
        low = bounds[0] if node.name in {"clamp", "clamp_min"} else -math.inf
        high = bounds[-1] if node.name in {"clamp", "clamp_max"} else math.inf
        return self._mapped(node, at_ms, lambda value: clamp(value, low, high))

    def _round(self, node: Call, at_ms: int) -> Value:
        nearest = self._scalar(node.arguments[1], at_ms) if len(node.arguments) > 1 else 1.0
        return self._mapped(node, at_ms, lambda value: rounded(value, nearest))

    def _sort(self, node: Call, at_ms: int) -> Value:
        return ordered(self._vector(node.arguments[0], at_ms), descending=node.name == "sort_desc")

    def _histogram_quantile(self, node: Call, at_ms: int) -> Value:
        wanted, buckets = node.arguments
        return histogram_quantile(self._scalar(wanted, at_ms), self._vector(buckets, at_ms))

    def _to_vector(self, node: Call, at_ms: int) -> Value:
        return [Sample((), self._scalar(node.arguments[0], at_ms))]

    def _to_scalar(self, node: Call, at_ms: int) -> Value:
        vector = self._vector(node.arguments[0], at_ms)
        return vector[0].value if len(vector) == 1 else math.nan

    def _time(self, node: Call, at_ms: int) -> Value:  # noqa: ARG002 - it is the same for every call
        return at_ms / 1000

    def _timestamp(self, node: Call, at_ms: int) -> Value:
        selector = node.arguments[0]
        if not isinstance(selector, Selector) or selector.range_ms is not None:
            return self._mapped(node, at_ms, lambda value: at_ms / 1000)  # noqa: ARG005 - the moment of the query
        found = ((series.labels, series.at(at_ms - selector.offset_ms)) for series in self._series(selector))
        return [Sample(labels, 0.0).valued(newest[0] / 1000) for labels, newest in found if newest is not None]

    def _absent(self, node: Call, at_ms: int) -> Value:
        if self._vector(node.arguments[0], at_ms):
            return []
        asked = node.arguments[0]
        exact = [one for one in asked.matchers if one.operator == "="] if isinstance(asked, Selector) else []
        return [Sample(labels_of({one.label: one.value for one in exact if one.label != NAME}), 1.0)]


FUNCTIONS: Mapping[str, tuple[int, int, Callable[[Evaluator, Call, int], Value]]] = {
    # The fewest and the most arguments, and what it does.
    **dict.fromkeys(SIMPLE, (1, 1, Evaluator._simple)),  # noqa: SLF001 - the table of its own methods
    "absent": (1, 1, Evaluator._absent),  # noqa: SLF001
    "clamp": (3, 3, Evaluator._clamp),  # noqa: SLF001
    "clamp_max": (2, 2, Evaluator._clamp),  # noqa: SLF001
    "clamp_min": (2, 2, Evaluator._clamp),  # noqa: SLF001
    "histogram_quantile": (2, 2, Evaluator._histogram_quantile),  # noqa: SLF001
    "round": (1, 2, Evaluator._round),  # noqa: SLF001
    "scalar": (1, 1, Evaluator._to_scalar),  # noqa: SLF001
    "sort": (1, 1, Evaluator._sort),  # noqa: SLF001
    "sort_desc": (1, 1, Evaluator._sort),  # noqa: SLF001
    "time": (0, 0, Evaluator._time),  # noqa: SLF001
    "timestamp": (1, 1, Evaluator._timestamp),  # noqa: SLF001
    "vector": (1, 1, Evaluator._to_vector),  # noqa: SLF001
}

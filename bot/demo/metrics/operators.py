"""Operators between two operands, with the label matching of Prometheus."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from bot.demo.metrics.series import NAME, Labels, drop, keep
from bot.demo.metrics.syntax import Matching
from bot.demo.metrics.values import Sample, Value, Vector, distinct, divided
from bot.errors import BadInput


def _modulo(left: float, right: float) -> float:
    return math.fmod(left, right) if right != 0 and math.isfinite(left) else math.nan


def _power(left: float, right: float) -> float:
    try:
        return math.pow(left, right)
    except OverflowError:
        return math.inf
    except ValueError:  # a root of a negative number; or a negative power of zero
        return math.inf if left == 0 else math.nan


ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divided,
    "%": _modulo,
    "^": _power,
}
COMPARISON: Mapping[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def combine(sign: str, left: Value, right: Value, matching: Matching | None, *, returns_bool: bool) -> Value:
    """`left sign right`.

    Raises:
        BadInput: the operands do not go with the operator, or their series do not pair up.
    """
    if sign in {"and", "or", "unless"}:
        if isinstance(left, float) or isinstance(right, float):
            raise BadInput(f"set operator {sign!r} not allowed in binary scalar expression")
        return _sets(sign, left, right, matching or Matching())
    if isinstance(left, float) and isinstance(right, float):
        return _scalars(sign, left, right, returns_bool=returns_bool)
    if isinstance(left, list) and isinstance(right, list):
        return distinct(_vectors(sign, left, right, matching or Matching(), returns_bool=returns_bool))
    return distinct(_vector_and_scalar(sign, left, right, returns_bool=returns_bool))


def _scalars(sign: str, left: float, right: float, *, returns_bool: bool) -> float:
    if sign in ARITHMETIC:
        return ARITHMETIC[sign](left, right)
    if not returns_bool:
        raise BadInput("comparisons between scalars must use BOOL modifier")
    return float(COMPARISON[sign](left, right))


def _vector_and_scalar(sign: str, left: Value, right: Value, *, returns_bool: bool) -> Vector:
    found: Vector = []
    for sample in left if isinstance(left, list) else right if isinstance(right, list) else []:
        first = left if isinstance(left, float) else sample.value
        second = right if isinstance(right, float) else sample.value
        found += _apply(sign, first, second, sample, returns_bool=returns_bool)
    return found


def _apply(sign: str, first: float, second: float, kept: Sample, *, returns_bool: bool) -> Vector:
    """One result, or none where a comparison filters it out; `kept` is what a filter lets through."""
    if sign in ARITHMETIC:
        return [kept.valued(ARITHMETIC[sign](first, second))]
    holds = COMPARISON[sign](first, second)
    if returns_bool:
        return [kept.valued(float(holds))]
    return [kept] if holds else []


def _signature(labels: Labels, matching: Matching) -> Labels:
    return keep(labels, matching.names) if matching.on else drop(labels, [NAME, *matching.names])


def _sets(sign: str, left: Vector, right: Vector, matching: Matching) -> Vector:
    on_left = {_signature(sample.labels, matching) for sample in left}
    on_right = {_signature(sample.labels, matching) for sample in right}
    if sign == "or":
        return left + [sample for sample in right if _signature(sample.labels, matching) not in on_left]
    return [sample for sample in left if (_signature(sample.labels, matching) in on_right) == (sign == "and")]


def _vectors(sign: str, left: Vector, right: Vector, matching: Matching, *, returns_bool: bool) -> Vector:
    swapped = matching.many == "right"
    many, one = (right, left) if swapped else (left, right)
    partners = _partners(one, matching, side="left" if swapped else "right")
    if matching.many is None:
        _partners(many, matching, side="left", partnered=set(partners))
    found: Vector = []
    for sample in many:
        partner = partners.get(_signature(sample.labels, matching))
        if partner is not None:
            first, second = (partner.value, sample.value) if swapped else (sample.value, partner.value)
            kept = Sample(_result_labels(sample, partner, matching), first)
            found += _apply(sign, first, second, kept, returns_bool=returns_bool)
    return found


def _partners(
    vector: Vector, matching: Matching, *, side: str, partnered: set[Labels] | None = None
) -> dict[Labels, Sample]:
    """Series by what they are matched on; those without a partner may share it."""
    found: dict[Labels, Sample] = {}
    for sample in vector:
        signature = _signature(sample.labels, matching)
        if signature in found and (partnered is None or signature in partnered):
            raise BadInput(
                f"found duplicate series for the match group {dict(signature)} on the {side} hand-side of the "
                "operation; many-to-many matching not allowed: matching labels must be unique on one side"
            )
        found[signature] = sample
    return found


def _result_labels(sample: Sample, partner: Sample, matching: Matching) -> Labels:
    if matching.many is None:
        return keep(sample.labels, matching.names) if matching.on else drop(sample.labels, matching.names)
    included = keep(partner.labels, matching.include)
    return tuple(sorted((*drop(sample.labels, matching.include), *included)))

"""A PromQL query as a tree."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from bot.demo.metrics.series import NAME, Matcher
from bot.errors import BadInput

UNIT_MS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}
ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


@dataclass(frozen=True)
class Number:
    """A literal."""

    value: float


@dataclass(frozen=True)
class Selector:
    """Series by conditions: the newest sample of each, or those of a stretch of time."""

    matchers: tuple[Matcher, ...]
    range_ms: int | None = None
    offset_ms: int = 0


@dataclass(frozen=True)
class Call:
    """A function."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True)
class Aggregation:
    """One value for each group of series."""

    operator: str
    operand: Node
    parameter: Node | None = None
    without: bool = False
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Matching:
    """Which series of both sides belong together."""

    on: bool = False
    names: tuple[str, ...] = ()
    many: str | None = None
    """`left` or `right`: the side on which several series may share a partner."""
    include: tuple[str, ...] = ()


@dataclass(frozen=True)
class Binary:
    """An operator between two operands."""

    operator: str
    left: Node
    right: Node
    matching: Matching | None = None
    returns_bool: bool = False


Node = Number | Selector | Call | Aggregation | Binary


@lru_cache(maxsize=1000)
def parse(query: str) -> Node:
    """The tree of a query.

    Raises:
        BadInput: it is not PromQL, or not of the part that is understood here.
    """
    try:
        tree: Node = _Build().transform(_grammar().parse(query))
    except UnexpectedInput as error:
        place = f"{error.line}:{error.column}"
        raise BadInput(f"{place}: parse error, or PromQL that this small server does not know: {query!r}") from None
    except VisitError as error:
        raise BadInput(str(error.orig_exc)) from None
    return tree


def duration_ms(text: str) -> int:
    """Milliseconds of a PromQL duration such as 1h30m.

    Raises:
        BadInput: it is not one.
    """
    if not re.fullmatch(r"(\d+(ms|[smhdwy]))+", text):
        raise BadInput(f"not a valid duration string: {text!r}")
    return sum(int(count) * UNIT_MS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", text))


@cache
def _grammar() -> Lark:
    text = Path(__file__).with_name("promql.lark").read_text(encoding="utf-8")
    return Lark(text, parser="lalr", maybe_placeholders=True)


def _text(token: str) -> str:
    inner = token[1:-1]
    return inner if token[0] == "`" else re.sub(r"\\(.)", lambda found: ESCAPES.get(found[1], found[1]), inner)


class _Build(Transformer[Token, Any]):
    """Bottom up: each method gets what its children became, None for an optional part that is not there."""

    def start(self, parts: list[Any]) -> Node:
        node: Node = parts[0]
        return node

    def number(self, parts: list[Any]) -> Number:
        return Number(float(parts[0]))

    def signed(self, parts: list[Any]) -> Node:
        sign, operand = parts
        if isinstance(operand, Number):
            return Number(-operand.value if sign == "-" else operand.value)
        return Binary("*", operand, Number(-1.0)) if sign == "-" else operand

    def binary(self, parts: list[Any]) -> Binary:
        left, operator, *modifiers, right = parts
        matching = next((part for part in modifiers if isinstance(part, Matching)), None)
        return Binary(str(operator).lower(), left, right, matching, "bool" in modifiers)

    def returns_bool(self, parts: list[Any]) -> str:  # noqa: ARG002 - Lark's signature
        return "bool"

    def matching(self, parts: list[Any]) -> Matching:
        word, names, side = parts
        many, include = side or (None, ())
        return Matching(word.lower() == "on", names, many, include)

    def side(self, parts: list[Any]) -> tuple[str, tuple[str, ...]]:
        word, names = parts
        return word.lower().removeprefix("group_"), names or ()

    def names(self, parts: list[Any]) -> tuple[str, ...]:
        return tuple(str(part) for part in parts if part is not None)

    def aggregation(self, parts: list[Any]) -> Aggregation:
        operator, before, arguments, after = parts
        without, names = before or after or (False, ())
        *parameter, operand = arguments
        needed = 1 if operator.lower() in {"topk", "bottomk", "quantile"} else 0
        if len(parameter) != needed or (before and after):
            raise BadInput(f"wrong number of arguments for aggregate expression {operator.lower()!r}")
        return Aggregation(operator.lower(), operand, parameter[0] if parameter else None, without, names)

    def grouping(self, parts: list[Any]) -> tuple[bool, tuple[str, ...]]:
        return parts[0].lower() == "without", parts[1]

    def call(self, parts: list[Any]) -> Call:
        return Call(str(parts[0]), tuple(parts[1] or ()))

    def arguments(self, parts: list[Any]) -> list[Node]:
        return [part for part in parts if part is not None]

    def selector(self, parts: list[Any]) -> Selector:
        matchers, range_ms, offset_ms = parts
        if not any(matcher.narrows for matcher in matchers):
            raise BadInput("vector selector must contain at least one non-empty matcher")
        return Selector(matchers, range_ms, offset_ms or 0)

    def vector(self, parts: list[Any]) -> tuple[Matcher, ...]:
        name, conditions = parts if len(parts) == 2 else (None, parts[0])
        named = (Matcher(NAME, "=", str(name)),) if name else ()
        return (*named, *(conditions or ()))

    def conditions(self, parts: list[Any]) -> tuple[Matcher, ...]:
        return tuple(part for part in parts if part is not None)

    def condition(self, parts: list[Any]) -> Matcher:
        label, operator, value = parts
        if "~" in operator:
            _checked(_text(value))
        return Matcher(str(label), str(operator), _text(value))

    def reach(self, parts: list[Any]) -> int:
        return duration_ms(parts[0])

    def offset(self, parts: list[Any]) -> int:
        _, sign, length = parts
        return duration_ms(length) * (-1 if sign == "-" else 1)


def _checked(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise BadInput(f"error parsing regexp: {error}: {pattern!r}") from None

"""The conditions of branches, in CEL (Common Expression Language), over the facts of a run.

A condition is decided, never raised: a value that is not there makes it false, and the verdict says which one.
Whole numbers and decimals compare with each other, as JSON does not tell them apart.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from bot.errors import PlaybookError

if TYPE_CHECKING:
    from lark import Tree

MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})

Path = tuple[str, ...]
"""A reference: the saved name, then the members, as far as they are written with dots."""


@dataclass(frozen=True)
class Verdict:
    """What a condition came to, and what must be said about it."""

    holds: bool
    note: str | None = None


def decide(expression: str, facts: Mapping[str, Any]) -> Verdict:
    """Whether the condition holds for the facts.

    Raises:
        PlaybookError: the expression is not CEL, which lint finds before any run.
    """
    from celpy import adapter, celtypes  # noqa: PLC0415 - a quarter of a second that most commands never need
    from celpy.evaluation import CELEvalError  # noqa: PLC0415

    program = _program(expression)
    try:
        named = {path[0] for path in references(expression)}
        given = {name: adapter.json_to_cel(value) for name, value in facts.items() if name in named}
        answer = program.evaluate(given)
    except CELEvalError as error:
        return Verdict(holds=False, note=_why_not(expression, facts, error))
    if not isinstance(answer, celtypes.BoolType):
        return Verdict(holds=False, note=f"'{expression}' is not a yes or no; taken as false.")
    return Verdict(holds=bool(answer))


@lru_cache(maxsize=512)
def references(expression: str) -> frozenset[Path]:
    """The values that an expression names, such as `("locks", "blocked_count")`.

    Raises:
        PlaybookError: the expression is not CEL.
    """
    return frozenset(_references(_tree(expression), frozenset()))


def absent(path: Path, facts: Mapping[str, Any]) -> bool:
    """Whether the facts lack what the path names, or hold null there."""
    value: Any = facts
    for name in path:
        if not isinstance(value, Mapping) or value.get(name) is None:
            return True
        value = value[name]
    return False


def _why_not(expression: str, facts: Mapping[str, Any], error: Exception) -> str:
    missing = sorted(".".join(path) for path in references(expression) if absent(path, facts))
    if missing:
        lacking = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        return f"{lacking}, so '{expression}' is taken as false."
    reason = str(error.args[0]).splitlines()[0][:200] if error.args else "no reason given"
    return f"'{expression}' cannot be decided, so it is taken as false: {reason}."


@lru_cache(maxsize=512)
def _tree(expression: str) -> Tree[Any]:
    import celpy  # noqa: PLC0415
    from celpy.celparser import CELParseError  # noqa: PLC0415

    try:
        tree: Tree[Any] = celpy.Environment().compile(expression)
    except CELParseError as error:
        where = f" at column {error.column}" if error.column else ""
        raise PlaybookError(f"'{expression}' is not CEL{where}.") from None
    return tree


@lru_cache(maxsize=512)
def _program(expression: str) -> Any:
    import celpy  # noqa: PLC0415

    return celpy.Environment().program(_tree(expression), functions=_comparisons())


@lru_cache(maxsize=1)
def _comparisons() -> dict[str, Callable[..., Any]]:
    """CEL's comparisons, with a whole number widened where the other side is a decimal."""
    from celpy import celtypes, evaluation  # noqa: PLC0415

    def widened(plain: Callable[[Any, Any], Any], name: str) -> Callable[[Any, Any], Any]:
        def compare(left: Any, right: Any) -> Any:
            if isinstance(left, celtypes.IntType) and isinstance(right, celtypes.DoubleType):
                left = celtypes.DoubleType(left)
            elif isinstance(left, celtypes.DoubleType) and isinstance(right, celtypes.IntType):
                right = celtypes.DoubleType(right)
            return plain(left, right)

        compare.__name__ = name
        return compare

    return {
        "_<_": widened(evaluation.bool_lt, "lt"),
        "_<=_": widened(evaluation.bool_le, "le"),
        "_>_": widened(evaluation.bool_gt, "gt"),
        "_>=_": widened(evaluation.bool_ge, "ge"),
        "_==_": widened(evaluation.bool_eq, "eq"),
        "_!=_": widened(evaluation.bool_ne, "ne"),
        "_+_": widened(operator.add, "add"),
        "_-_": widened(operator.sub, "sub"),
        "_*_": widened(operator.mul, "mul"),
        "_/_": widened(operator.truediv, "div"),
    }


def _references(tree: Any, bound: frozenset[str]) -> Iterator[Path]:
    if not hasattr(tree, "children"):
        return
    path = _member_path(tree)
    if path is not None:
        if path[0] not in bound:
            yield path
        return
    if tree.data == "member_dot_arg" and str(tree.children[1]) in MACROS:
        yield from _macro_references(tree, bound)
        return
    for child in tree.children:
        yield from _references(child, bound)


def _macro_references(tree: Any, bound: frozenset[str]) -> Iterator[Path]:
    yield from _references(tree.children[0], bound)
    variable, *bodies = tree.children[2].children
    names = {path[0] for path in _references(variable, frozenset())}
    for body in bodies:
        yield from _references(body, bound | names)


def _member_path(tree: Any) -> Path | None:
    """The dotted name that a subtree is, if it is nothing else."""
    if tree.data == "ident":
        return (str(tree.children[0]),)
    if tree.data == "member_dot":
        owner = _member_path(tree.children[0])
        return (*owner, str(tree.children[1])) if owner else None
    if tree.data in {"member", "primary"} and len(tree.children) == 1 and hasattr(tree.children[0], "children"):
        return _member_path(tree.children[0])
    return None

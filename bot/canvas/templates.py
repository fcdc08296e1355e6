"""`{{ locks.root_pid }}`: references to facts in a playbook's YAML.

A reference that stands alone keeps its type; within a text it becomes text. What it resolves to is a value and nothing
more: it is never looked at for references again, and there is nothing to evaluate.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.errors import PlaybookError

PATH = r"[A-Za-z]\w*(?:\.[A-Za-z_]\w*|\[\d+\])*"
REFERENCE = re.compile(r"\{\{\s*(" + PATH + r")\s*\}\}")
BRACES = re.compile(r"\{\{|\}\}")

Path = tuple[str, ...]
_NOTHING = object()


class MissingValue(PlaybookError):
    """A step refers to a fact that nobody has found."""


def resolve(value: Any, facts: Mapping[str, Any]) -> Any:
    """The value with every reference in it, however deep, replaced by what the facts hold.

    Raises:
        MissingValue: naming the reference.
    """
    if isinstance(value, str):
        return _resolve_text(value, facts)
    if isinstance(value, Mapping):
        return {key: resolve(item, facts) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, facts) for item in value]
    return value


def worded(text: str, facts: Mapping[str, Any]) -> str:
    """A text for people: what is not known is said, and fails nothing."""

    def said(found: re.Match[str]) -> str:
        try:
            return _plain(_look_up(found[1], facts))
        except MissingValue:
            return f"({found[1]} is not known)"

    return REFERENCE.sub(said, text)


def references(value: Any) -> frozenset[Path]:
    """Every reference in the value, however deep, such as `("locks", "root_pid")`."""
    return frozenset(_parts(found[1]) for text in texts(value) for found in REFERENCE.finditer(text))


def malformed(value: Any) -> str | None:
    """The first text whose braces are no reference; None if all are."""
    return next((text for text in texts(value) if BRACES.search(REFERENCE.sub("", text))), None)


def texts(value: Any) -> Iterator[str]:
    """Every string in the value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def _plain(value: Any) -> str:
    """A figure as people write it: '300' and not '299.86800000000005'."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return str(value)


def _resolve_text(text: str, facts: Mapping[str, Any]) -> Any:
    alone = REFERENCE.fullmatch(text.strip())
    if alone:
        return _look_up(alone[1], facts)
    return REFERENCE.sub(lambda found: str(_look_up(found[1], facts)), text)


def _look_up(path: str, facts: Mapping[str, Any]) -> Any:
    value: Any = facts
    for part in _parts(path):
        if isinstance(value, Mapping):
            value = value.get(part, _NOTHING)
        elif isinstance(value, list | tuple) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            value = _NOTHING
        if value is _NOTHING or value is None:
            raise MissingValue(f"{{{{ {path} }}}} is not known: no step before this one has found it.")
    return value


def _parts(path: str) -> Path:
    return tuple(re.findall(r"\w+", path))

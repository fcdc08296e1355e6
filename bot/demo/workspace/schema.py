"""A small checker of JSON shapes that words its findings as Slack does: what is wrong, and a JSON pointer to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Problems = Iterator[str]
Rule = Callable[[Any, str], Problems]


def at(pointer: str) -> str:
    """How Slack names a place in the payload."""
    return f"[json-pointer:{pointer}]"


def string(most: int, *, least: int = 1) -> Rule:
    """A string whose length lies within bounds."""

    def check(value: Any, pointer: str) -> Problems:
        if not isinstance(value, str):
            yield f"must be a string {at(pointer)}"
        elif len(value) > most:
            yield f"must be less than {most + 1} characters {at(pointer)}"
        elif len(value) < least:
            yield f"must be more than {least - 1} characters {at(pointer)}"

    return check


def one_of(*allowed: str) -> Rule:
    """One of a few words."""

    def check(value: Any, pointer: str) -> Problems:
        if value not in allowed:
            yield f"must be one of: {', '.join(allowed)} {at(pointer)}"

    return check


def boolean(value: Any, pointer: str) -> Problems:
    """True or false."""
    if not isinstance(value, bool):
        yield f"must be a boolean {at(pointer)}"


def integer(value: Any, pointer: str) -> Problems:
    """A whole number."""
    if not isinstance(value, int) or isinstance(value, bool):
        yield f"must be an integer {at(pointer)}"


def anything(value: Any, pointer: str) -> Problems:  # noqa: ARG001  # a rule has this shape
    """No rule."""
    yield from ()


@dataclass(frozen=True)
class Shape:
    """An object: the fields it must have, those it may have, and what must hold between them."""

    required: Mapping[str, Rule]
    optional: Mapping[str, Rule]
    together: Rule = anything

    def __call__(self, value: Any, pointer: str) -> Problems:
        if not isinstance(value, dict):
            yield f"must be an object {at(pointer)}"
            return
        for name in self.required:
            if name not in value:
                yield f"missing required field: {name} {at(pointer)}"
        rules = {**self.required, **self.optional}
        for name, content in value.items():
            if name in rules:
                yield from rules[name](content, f"{pointer}/{name}")
            else:
                yield f"invalid additional property: {name} {at(pointer)}"
        yield from self.together(value, pointer)


def typed(shapes: Mapping[str, Rule]) -> Rule:
    """An object whose `type` decides its shape."""

    def check(value: Any, pointer: str) -> Problems:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in shapes:
            yield f"unsupported type: {kind} {at(pointer + '/type')}"
        else:
            yield from shapes[kind](value, pointer)

    return check


def listing(rule: Rule, *, most: int, least: int = 1) -> Rule:
    """A list of so many of the same."""

    def check(value: Any, pointer: str) -> Problems:
        if not isinstance(value, Sequence) or isinstance(value, str):
            yield f"must be an array {at(pointer)}"
            return
        if len(value) > most:
            yield f"no more than {most} items allowed {at(pointer)}"
        if len(value) < least:
            yield f"no less than {least} items allowed {at(pointer)}"
        for index, item in enumerate(value):
            yield from rule(item, f"{pointer}/{index}")

    return check


def unique(field: str) -> Rule:
    """A list in which no two items carry the same value in that field."""

    def check(value: Any, pointer: str) -> Problems:
        seen: set[Any] = set()
        for index, item in enumerate(value if isinstance(value, list) else ()):
            mark = item.get(field) if isinstance(item, dict) else None
            if isinstance(mark, str) and mark in seen:
                yield f"`{field}` {mark!r} already exists {at(f'{pointer}/{index}/{field}')}"
            seen.add(mark if isinstance(mark, str) else None)

    return check


def both(*rules: Rule) -> Rule:
    """All of several rules."""

    def check(value: Any, pointer: str) -> Problems:
        for rule in rules:
            yield from rule(value, pointer)

    return check


def either(*names: str) -> Rule:
    """An object that has at least one of these fields."""

    def check(value: Any, pointer: str) -> Problems:
        if not any(value.get(name) for name in names):
            yield f"one of {', '.join(names)} must be given {at(pointer)}"

    return check

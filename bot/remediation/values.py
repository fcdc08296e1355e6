"""Values from outside on their way into an action: each must match the operator's pattern whole."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated

from pydantic import BeforeValidator

from bot.errors import RemediationError

MAX_VALUE = 200
PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A placeholder in the operator's text."""


def _plain(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError("must be a text or a whole number")  # noqa: TRY004 - pydantic's contract
    return given


Value = Annotated[str | int, BeforeValidator(_plain)]
Values = Mapping[str, str | int]


def require_match(what: str, patterns: Mapping[str, str], values: Values) -> None:
    """Every named value is there, none else, and each matches its pattern whole.

    Characters that look like others but are not (NFKC changes them, or they do not print) match nothing.

    Raises:
        RemediationError: which value does not, and why.
    """
    if missing := sorted(patterns.keys() - values.keys()):
        raise RemediationError(f"{what} needs {', '.join(missing)}.")
    if unknown := sorted(values.keys() - patterns.keys()):
        raise RemediationError(f"{what} does not take {', '.join(name[:40] for name in unknown)}.")
    for name, pattern in patterns.items():
        text = str(values[name])
        if len(text) > MAX_VALUE or not text.isprintable() or unicodedata.normalize("NFKC", text) != text:
            raise RemediationError(f"'{name}' is too long, or holds characters that are not what they look like.")
        if not re.fullmatch(pattern, text, re.ASCII):
            raise RemediationError(f"'{name}' does not match {pattern}.")


def filled(text: str, values: Values, written: Callable[[str], str] = str) -> str:
    """Every placeholder replaced, in one pass: a value that looks like a placeholder stays as it is."""
    return PLACE.sub(lambda place: written(str(values.get(place[1], place[0]))), text)


def unreadable(patterns: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the operator's patterns."""
    for name, pattern in patterns.items():
        try:
            re.compile(pattern, re.ASCII)
        except re.error as error:
            yield f"has an unreadable pattern for '{name}': {error}"

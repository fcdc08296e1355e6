"""Values from outside on their way into an action: each must match the operator's pattern whole."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator

from bot.errors import RemediationError

MAX_VALUE = 200
LARGEST = 10**18
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\U000e0100-\U000e01ef]")
"""Counted as printable, and shown as nothing: joiners, fillers, blanks, variation selectors."""
PLACE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A placeholder in the operator's text."""


def _plain(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise ValueError("must be a text or a whole number")  # noqa: TRY004 - pydantic's contract
    if isinstance(given, int) and abs(given) >= LARGEST:
        raise ValueError("is far too large a number")
    return given


Value = Annotated[str | int, BeforeValidator(_plain)]
Values = Mapping[str, str | int]


def require_match(what: str, patterns: Mapping[str, str], values: Values) -> None:
    """Every named value is there, none else, and each matches its pattern whole.

    Characters that look like others but are not match nothing: those that NFKC changes, that do not print or are not
    seen, and those of other alphabets, unless the operator's own pattern is written in them.

    Raises:
        RemediationError: which value does not, and why.
    """
    if missing := sorted(patterns.keys() - values.keys()):
        raise RemediationError(f"{what} needs {', '.join(missing)}.")
    if unknown := sorted(values.keys() - patterns.keys()):
        raise RemediationError(f"{what} does not take {', '.join(name[:40] for name in unknown)}.")
    for name, pattern in patterns.items():
        text = str(values[name])
        if len(text) > MAX_VALUE:
            raise RemediationError(f"'{name}' is longer than {MAX_VALUE} characters.")
        if not _as_it_looks(text, plain=pattern.isascii()):
            raise RemediationError(f"'{name}' holds {_odd(text)}, which may look like another character or like none.")
        if not re.fullmatch(pattern, text, re.ASCII):
            raise RemediationError(f"'{name}' does not match {pattern}.")


def _as_it_looks(text: str, *, plain: bool) -> bool:
    """Whether people who read it read what it is."""
    if not text.isprintable() or unicodedata.normalize("NFKC", text) != text or UNSEEN.search(text):
        return False
    return not plain or all(letter.isascii() or _is_latin(letter) for letter in text)


def _is_latin(letter: str) -> bool:
    """A Latin letter with a mark that is seen, such as é; not one that only looks like another, such as ı or ɡ."""
    name = unicodedata.name(letter, "")
    return name.startswith("LATIN ") and (" WITH " in name or letter in "ßæÆœŒ")


def _odd(text: str) -> str:
    """The first character that is not what people take it for, by its number and name."""
    odd = next((one for one in text if not ((one.isascii() and one.isprintable()) or _is_latin(one))), "")
    if not odd:
        return "a letter and a mark that belong together"
    return f"U+{ord(odd):04X} ({unicodedata.name(odd, 'a character without a name').lower()})"


def filled(text: str, values: Values, written: Callable[[str], str] = str) -> str:
    """Every placeholder replaced, in one pass: a value that looks like a placeholder stays as it is."""
    return PLACE.sub(lambda place: written(str(values.get(place[1], place[0]))), text)


def marked(values: Values, marks: Sequence[str]) -> Iterator[str]:
    """The names of values that hold one of the marks, whatever their patterns let through."""
    for name, value in values.items():
        if any(mark in str(value) for mark in marks):
            yield name


def unreadable(patterns: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the operator's patterns."""
    for name, pattern in patterns.items():
        try:
            re.compile(pattern, re.ASCII)
        except re.error as error:
            yield f"has an unreadable pattern for '{name}': {error}"

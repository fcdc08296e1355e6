"""What the body of an error says to a person: its message, where it holds one, and not the page around it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

LONGEST = 300
MOST_READ = 100_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_HEADLINE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")
_MARKS = re.compile(r"[{}\[\]\"]+")
NAMES = ("error", "message", "msg", "detail", "reason", "errors", "error_description", "title")
"""Where servers put their words, the best first."""
MOST_LEAVES = 5


def words_of(body: bytes) -> str:
    """At most `LONGEST` characters on one line; "(nothing)" for an empty body."""
    text = body[:MOST_READ].decode("utf-8", "replace").strip()
    try:
        answer = json.loads(text)
        said = _message(answer) or "; ".join(islice(_leaves(answer), MOST_LEAVES))
    except (ValueError, RecursionError):
        said = _MARKS.sub(" ", text) if text.startswith(("{", "[")) else headline_of(text)
    return " ".join(said.split())[:LONGEST].rstrip() or "(nothing)"


def _message(answer: Any) -> str:
    """Servers write `{"error": {"message": …}}`, `{"error": …}`, `{"detail": …}`, `{"errors": …}`, or a list of it."""
    if isinstance(answer, list):
        return "; ".join(filter(None, map(_message, answer[:3])))
    if not isinstance(answer, Mapping):
        return ""
    for name in NAMES:
        said = answer.get(name)
        if isinstance(said, str) and said:
            place = answer.get("loc")
            return f"{'.'.join(map(str, place))}: {said}" if isinstance(place, list) else said
        if inner := _message(said):
            return inner
    return ""


def _leaves(answer: Any, name: str = "") -> Iterator[str]:
    """What an answer that names no words says anyway: 'name: has already been taken'."""
    if isinstance(answer, Mapping):
        for inner, value in answer.items():
            yield from _leaves(value, str(inner))
    elif isinstance(answer, list):
        for value in answer:
            yield from _leaves(value, name)
    elif answer is not None:
        yield f"{name}: {answer}" if name else str(answer)


def headline_of(text: str) -> str:
    """Of a page in HTML; any other text as it is."""
    if not text[:200].lstrip().startswith("<"):
        return text
    found = _TITLE.search(text) or _HEADLINE.search(text)
    return _TAG.sub(" ", found[1] if found else text)

"""What the body of an error says to a person: its message, where it holds one, and not the page around it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

LONGEST = 300
MOST_READ = 100_000
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_HEADLINE = re.compile(r"<h1[^>]*>(.*?)</h1>", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"<[^>]*>")


def words_of(body: bytes) -> str:
    """At most `LONGEST` characters on one line; "(nothing)" for an empty body."""
    text = body[:MOST_READ].decode("utf-8", "replace").strip()
    try:
        said = _message(json.loads(text)) or text
    except (ValueError, RecursionError):
        said = _headline(text)
    return " ".join(said.split())[:LONGEST].rstrip() or "(nothing)"


def _message(answer: Any) -> str:
    """Servers write `{"error": {"message": …}}`, `{"error": …}`, `{"message": …}`, `{"detail": …}`, or a list of it."""
    if isinstance(answer, list):
        return "; ".join(filter(None, map(_message, answer[:3])))
    if not isinstance(answer, Mapping):
        return ""
    for name in ("error", "message", "msg", "detail"):
        said = answer.get(name)
        if isinstance(said, str) and said:
            place = answer.get("loc")
            return f"{'.'.join(map(str, place))}: {said}" if isinstance(place, list) else said
        if inner := _message(said):
            return inner
    return ""


def _headline(text: str) -> str:
    """Of a page in HTML; any other text as it is."""
    if not text[:200].lstrip().startswith("<"):
        return text
    found = _TITLE.search(text) or _HEADLINE.search(text)
    return _TAG.sub(" ", found[1] if found else text)

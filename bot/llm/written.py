"""What a model has written where it should not: its thoughts before its answer, and calls of tools in its text.

Servers take both out of the text when they know the model's own marks for them; small ones often do not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

_THOUGHT = r"(?:think|thinking|thought|thoughts|reasoning)"
_BEGINS = re.compile(rf"\s*<{_THOUGHT}>", re.IGNORECASE)
_ENDS = re.compile(rf"</{_THOUGHT}>", re.IGNORECASE)
_DECODER = json.JSONDecoder()


def without_thoughts(text: str) -> str:
    """The text behind the thoughts that it begins with; nothing where they do not end.

    Some servers have put the opening mark into the question, so that only the closing one is there. What begins as JSON
    is an answer already: a mark in it was quoted.
    """
    while not text.lstrip().startswith(("{", "[", "```")):
        ended = _ENDS.search(text)
        if ended is None:
            return "" if _BEGINS.match(text) else text
        text = text[ended.end() :]
    return text


def calls_in(text: str, names: Collection[str]) -> list[tuple[str, str]]:
    """Calls of these tools that were written as text, `{"name": …, "arguments": …}`: name and arguments as JSON.

    Whatever stands around them, such as `<tool_call>`, does not matter; a tool that was not offered is no call.
    """
    found = []
    for value in _objects(text):
        inner = value.get("function")
        call = inner if isinstance(inner, Mapping) else value
        name, given = call.get("name"), call.get("arguments", call.get("parameters"))
        if isinstance(name, str) and name in names:
            found.append((name, given if isinstance(given, str) else json.dumps(given or {})))
    return found


def _objects(text: str) -> Iterator[Mapping[str, Any]]:
    """The outermost JSON objects in a text, one after the other."""
    start = text.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except ValueError:
            end = start + 1
        except RecursionError:
            return
        else:
            yield value
        start = text.find("{", end)

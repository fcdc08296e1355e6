"""From bytes to JSON values, with the place where they stop being JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable

from bot.errors import BadInput

MAX_DEPTH = 64
"""Lists and objects within one another; no sender comes near."""


class NotJson(BadInput):
    """The bytes are not a JSON document."""


def decode(body: bytes | str) -> object:
    """The JSON value that the body holds.

    Raises:
        NotJson: naming line and column, or what else is wrong.
    """
    if not body.strip():
        raise NotJson("The body is empty: send a JSON document.")
    try:
        value: object = json.loads(body)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise NotJson(f"The body is not JSON: {error.msg} at {place}.") from None
    except UnicodeDecodeError as error:
        raise NotJson(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    except (RecursionError, ValueError) as error:  # nested without end; a number of thousands of digits
        raise NotJson(f"The body cannot be read as JSON: {str(error).split(':')[0]}.") from None
    _refuse_depth(value)
    return value


def _refuse_depth(value: object) -> None:
    """Later steps walk values recursively, so the depth is bounded here once."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _inside(node) if isinstance(child, list | dict)]
        if not level:
            return
    raise NotJson(f"The body nests lists and objects more than {MAX_DEPTH} deep: no alert does.")


def _inside(node: object) -> Iterable[object]:
    if isinstance(node, dict):
        return node.values()
    return node if isinstance(node, list) else ()

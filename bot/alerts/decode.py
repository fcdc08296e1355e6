"""From bytes to JSON values, with the place where they stop being JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from urllib.parse import parse_qsl

from bot.characters import loads
from bot.errors import BadInput

MOST_FIELDS = 100
"""Of a form."""
MAX_DEPTH = 64
"""Lists and objects within one another; no sender comes near."""


class NotJson(BadInput):
    """The bytes are not a JSON document."""


def decode(body: bytes | str) -> object:
    """The JSON value that the body holds, all texts well formed.

    Raises:
        NotJson: naming line and column, or what else is wrong.
    """
    return _parsed(body, loads)


def verbatim(body: bytes | str) -> object:
    """As `decode`, each text as it was sent, as a signature over texts needs them.

    Raises:
        NotJson: as `decode`.
    """
    return _parsed(body, json.loads)


def _parsed(body: bytes | str, reads: Callable[[bytes | str], object]) -> object:
    if not body.strip():
        raise NotJson("The body is empty: send a JSON document.")
    try:
        value = reads(body)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        raise NotJson(f"The body is not JSON: {error.msg} at {place}.") from None
    except UnicodeDecodeError as error:
        raise NotJson(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    except (RecursionError, ValueError) as error:  # nested without end; a number of thousands of digits
        raise NotJson(f"The body cannot be read as JSON: {str(error).split(':')[0]}.") from None
    _refuse_depth(value)
    return value


def from_form(body: bytes) -> object:
    """The fields of a posted form; a body that is a JSON object all the same is read as that.

    Raises:
        NotJson: it is neither.
    """
    if body.lstrip()[:1] == b"{":
        return decode(body)
    try:
        fields = parse_qsl(
            body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_FIELDS
        )
    except UnicodeDecodeError as error:
        raise NotJson(f"The body is not UTF-8: byte {error.start} cannot be read.") from None
    except ValueError as error:
        raise NotJson(f"The body is not a form: {str(error)[:100]}.") from None
    return dict(fields)


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

"""Texts of the outside, fit to be stored.

JSON can write half a character ("\\ud83d": half an emoji that a sender has cut in two). Python reads it, and nothing
that writes UTF-8 takes it: not Redis, not an HTTP answer, not a pydantic model. So it is mended where it comes in.
"""

from __future__ import annotations

import json
import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """The text with halves of characters joined where they meet, and replaced by '�' where they do not."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if _has_halves(text) else text


def sound(value: Any) -> Any:
    """A JSON value all of whose texts are well formed."""
    written = json.dumps(value, ensure_ascii=False)
    mended = well_formed(written)
    return value if mended is written else json.loads(mended)


def loads(document: str | bytes) -> Any:
    """As `json.loads`, all texts well formed.

    Raises:
        ValueError: it is no JSON, or no text.
    """
    text = document if isinstance(document, str) else document.decode(json.detect_encoding(document), "surrogatepass")
    value = json.loads(text)
    return sound(value) if "\\ud" in text or "\\uD" in text or _has_halves(text) else value


def _has_halves(text: str) -> bool:
    return not text.isascii() and _HALF.search(text) is not None

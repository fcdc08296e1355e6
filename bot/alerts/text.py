"""Outside text made fit to keep: no broken characters, never longer than a stated bound."""

from __future__ import annotations

import hashlib
import json
import re

NAME_CHARS = 200
"""Bound of an alert's name and of a label's key."""
VALUE_CHARS = 1_000
"""Bound of a label's value and of the summary."""
NOTE_CHARS = 4_000
"""Bound of an annotation."""
URL_CHARS = 2_000
"""A longer address is left out: half an address leads nowhere."""
ID_CHARS = 200
"""A longer fingerprint or group key is replaced by its beginning and its hash, so that it stays unique."""
ENTRIES = 100
"""Labels, and annotations, that are kept of one alert, in the sender's order."""

_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)


def clean(text: str, limit: int) -> str:
    """At most `limit` characters of the text; control characters and lone surrogates become '�', a cut shows as '…'."""
    kept = text if len(text) <= limit else text[: limit - 1] + "…"
    return _UNFIT.sub("�", kept)


def one_line(text: str, limit: int = VALUE_CHARS) -> str:
    """The text with every run of white space as one blank, kept in bounds."""
    return clean(" ".join(text.split()), limit)


def scalar(value: object) -> str | None:
    """A JSON value as text: null stays None, true is 'true', an object or a list is compact JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def web_address(value: str | None) -> str | None:
    """The value if a person can follow it (http or https, no longer than `URL_CHARS`), else None."""
    address = (value or "").strip()
    fit = clean(address, URL_CHARS) == address
    return address if fit and _WEB.fullmatch(address) else None


def identifier(text: str) -> str:
    """The text, or, where it is too long or has unfit characters, its beginning and its hash."""
    kept = clean(text, ID_CHARS)
    if kept == text:
        return text
    return f"{clean(text, 80)}-{digest(text)}"


def digest(*parts: str) -> str:
    """32 hexadecimal digits that are the same for the same parts, and in practice for no others."""
    written = json.dumps(parts).encode("ascii")
    return hashlib.sha256(written).hexdigest()[:32]

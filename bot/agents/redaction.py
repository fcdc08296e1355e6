"""Log text as it may be shown: without secrets and personal data, in one bounded line."""

from __future__ import annotations

import re

from bot.redaction import redact_log

LONGEST = 300

_PERSONAL = (
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "[email]"),
    (re.compile(r"\b\d(?:[ -]?\d){12,18}\b"), "[number]"),
)


def redacted(text: str, longest: int = LONGEST) -> str:
    """One line without what looks like a credential, a mail address or a card number, cut to a length."""
    text = redact_log(text)
    for pattern, shown in _PERSONAL:
        text = pattern.sub(shown, text)
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"

"""Log text as it may be shown: without secrets and personal data, in one bounded line."""

from __future__ import annotations

import re

LONGEST = 300

_SECRETS = (
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL), "[key]"),
    (re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"), "[token]"),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\b(?:xox[abprs]|ghp|gho|ghs|glpat|sk|rk|pk)[-_][\w-]{10,}"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), r"\1 [secret]"),
    (
        re.compile(
            r"(?i)([\"']?\b[\w-]*(?:password|passwd|pwd|secret|token|api[_-]?key|authorization|cookie|session[_-]?id)"
            r"[\"']?\s*[=:]\s*)(?!\[|(?:bearer|basic)\b)(\"[^\"]*\"|'[^']*'|[^\s,;&}\"']+)"
        ),
        r"\1[secret]",
    ),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/\s:@]+:[^/\s@]+@"), r"\1[secret]@"),
    (re.compile(r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"), "[email]"),
    (re.compile(r"\b\d(?:[ -]?\d){12,18}\b"), "[number]"),
)


def redacted(text: str, longest: int = LONGEST) -> str:
    """One line without what looks like a credential, a mail address or a card number, cut to a length."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"

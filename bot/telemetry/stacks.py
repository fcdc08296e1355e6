"""Stack traces as one line: what was said, and what was raised."""

from __future__ import annotations

import re

_CAUSED = re.compile(r"^\s*Caused by:\s*(?P<raised>\S.*)$", re.MULTILINE)
_RAISED = re.compile(
    r"^(?P<raised>[A-Za-z_][\w.$]*(?:Error|Exception|Warning|Timeout|Failure|Fault|Interrupt|Available|Exit|[a-z]\.[A-Z]\w*)"
    r"(?::\s.*)?|panic: .*)$",
    re.MULTILINE,
)


def headline(message: str) -> str:
    """The first line of a message, joined with the exception that ends its stack trace (the root cause in Java)."""
    if "\n" not in message:
        return message
    head, _, trace = message.partition("\n")
    raised = _raised(trace)
    if raised is None or raised in head:
        return head
    if head.startswith("Traceback (most recent call last)"):
        return raised
    return f"{head} | {raised}"


def _raised(trace: str) -> str | None:
    found = _CAUSED.findall(trace) or _RAISED.findall(trace)
    return found[-1].strip() if found else None

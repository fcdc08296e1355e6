"""What a person is told of a server that did not answer as it should: what it did, and what can be done about it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Literal

from bot.refusals import headline_of

ELSEWHERE = "it points elsewhere: is the address right, with https and its path, or does a login stand before it?"
OVERASKED = "it is asked too often: raise the limit of this account"
ITS_LOG = "its own log says more"
BEHIND = "is it up behind its proxy?"
ADVICE: Mapping[int, str] = {
    **dict.fromkeys((301, 302, 303, 307, 308), ELSEWHERE),
    400: ITS_LOG,
    401: "check the token or the password of this source",
    403: "let this account read here",
    404: "is the address right, with its path?",
    422: ITS_LOG,
    429: OVERASKED,
    500: ITS_LOG,
    **dict.fromkeys((502, 503, 504), BEHIND),
}
"""Status → what to do, where a source has no better advice of its own."""
CONNECTION = "is it up, and are the address and the password of its connection string right?"
"""What to do about a database that cannot be connected to."""
LATE = "is it overloaded?"
Failure = Literal["unreachable", "untrusted", "late", "cut"]


def silence(name: str, failure: Failure, words: str, timeout_s: float) -> str:
    """Of a server that gave no answer, or not all of it."""
    if failure == "late":
        return f"{name} did not answer within {timeout_s:g} s ({LATE})"
    if failure == "cut":
        return f"{name} broke off its answer: {words} (does it restart, or does a proxy cut it off?)"
    mend = "is its certificate one of ca_file?" if failure == "untrusted" else "is it up, and is its address right?"
    return f"{name} did not answer: {words} ({mend})"


def refusal(name: str, status: int, words: str, *, advice: Mapping[int, str], wait_s: float | None) -> str:
    """Of an error status, in the server's own words where it has any; they may ask for a rest."""
    rest = "" if wait_s is None else f"it asks to be left alone {_for(wait_s)}"
    mend = "; ".join(filter(None, (rest, advice.get(status) or ("" if words else ITS_LOG))))
    return f"{name} answered {status}: {words or _phrase(status)}{f' ({mend})' if mend else ''}"


def rest_asked_s(retry_after: str) -> float | None:
    """`Retry-After` in seconds; its other form, a date, counts as too long to wait for."""
    asked = retry_after.strip()
    if not asked:
        return None
    return float(asked) if asked.isascii() and asked.isdigit() else math.inf


def unreadable(name: str, path: str, body: bytes) -> str:
    """Of an answer that should be JSON and is none."""
    text = body[:100_000].decode("utf-8", "replace").strip()
    if not text:
        return f"{name} sent an empty answer, not JSON: is the address right?"
    if text.startswith("<"):
        titled = f" (“{headline_of(text)[:80]}”)" if headline_of(text) else ""
        return f"{name} sent a web page{titled}, not JSON: is the address right, or does a login stand before it?"
    return f"{name} answered {path} with something that is not JSON: is the address right?"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "no words"


def _for(seconds: float) -> str:
    return f"for {seconds:.0f} s" if math.isfinite(seconds) else "for now"

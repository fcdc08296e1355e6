"""Why a request was not taken, as the answer that the sender gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from starlette.responses import JSONResponse

from bot.alerts.auth import NotAuthenticated, NotLocal
from bot.alerts.decode import NotJson
from bot.alerts.text import NOTE_CHARS, clean
from bot.errors import BadInput, Denied, Overloaded, TooLarge

Reason = Literal[
    "broken_json",
    "disconnected",
    "media_type",
    "method",
    "not_authenticated",
    "not_local",
    "overloaded",
    "slow",
    "storage",
    "too_large",
    "unknown_source",
    "wrong_shape",
]
"""Every value of the counter's label."""


@dataclass(eq=False)
class Refusal(Exception):
    """A request ends here."""

    status: int
    reason: Reason
    error: str
    hint: str
    headers: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """What is said may repeat what the sender wrote; it goes into answers and logs, so it is kept fit and short."""
        self.error, self.hint = clean(self.error, NOTE_CHARS), clean(self.hint, NOTE_CHARS)

    def response(self) -> JSONResponse:
        """The answer: what is wrong, and what to do."""
        return JSONResponse({"error": self.error, "hint": self.hint}, self.status, headers=dict(self.headers))


def denied(error: Denied) -> Refusal:
    """The refusal of a speaker."""
    if isinstance(error, NotAuthenticated):
        hint = "Compare the sender's credentials with the setting alerts.NAME.auth of this source."
        return Refusal(401, "not_authenticated", str(error), hint, {"WWW-Authenticate": error.challenge})
    assert isinstance(error, NotLocal)
    hint = "Give the source a secret in the setting alerts.NAME.auth, and send it with the request."
    return Refusal(403, "not_local", str(error), hint)


def unreadable(error: BadInput) -> Refusal:
    """The refusal of a body."""
    if isinstance(error, NotJson):
        return Refusal(400, "broken_json", str(error), "Send one JSON document in UTF-8.")
    if isinstance(error, TooLarge):
        return Refusal(413, "too_large", str(error), "Limit the group in the sender, e.g. Alertmanager's max_alerts.")
    hint = "`nightdesk alert parse --source NAME FILE` shows what is understood of a body."
    return Refusal(422, "wrong_shape", str(error), hint)


def too_large(limit: int) -> Refusal:
    """More bytes than the door takes; the rest is not read, so the connection cannot go on."""
    hint = "Send smaller groups, or raise the setting max_body_bytes."
    return Refusal(413, "too_large", f"The body is larger than {limit:,} bytes.", hint, {"Connection": "close"})


def slow(seconds: float) -> Refusal:
    """The body did not arrive."""
    hint = "Send the request again."
    return Refusal(408, "slow", f"The body did not arrive within {seconds:g} s.", hint, {"Connection": "close"})


def disconnected() -> Refusal:
    """The sender left before the body was complete; nobody reads this answer, the counter does."""
    return Refusal(400, "disconnected", "The sender left before the body was complete.", "Send the request again.")


def media_type(given: str) -> Refusal:
    """The body says that it is no JSON."""
    error = f"The content type {given[:100]!r} is not JSON." if given else "The request names no content type."
    return Refusal(415, "media_type", error, "Send the header 'Content-Type: application/json'.")


def encoded(given: str) -> Refusal:
    """The body is compressed."""
    error = f"The content encoding {given[:100]!r} is not understood."
    return Refusal(415, "media_type", error, "Send the body as it is, without compression.")


def method(given: str) -> Refusal:
    """Alerts are posted."""
    return Refusal(405, "method", f"{given[:20]} is not understood here.", "Send alerts by POST.", {"Allow": "POST"})


def unknown_source(source: str, known: tuple[str, ...]) -> Refusal:
    """There is no such door."""
    hint = f"The sources are: {', '.join(known)}. Another one needs a section alerts.NAME in the settings."
    return Refusal(404, "unknown_source", f"There is no alert source '{source[:100]}'.", hint)


def overloaded(error: Overloaded) -> Refusal:
    """More alerts than can be taken now."""
    hint = f"Nothing of this request was taken: send it again in {error.retry_after_s} s."
    return Refusal(429, "overloaded", str(error), hint, {"Retry-After": str(error.retry_after_s)})


def storage(retry_after_s: int) -> Refusal:
    """The alerts could not be made durable, so they are not acknowledged."""
    error = "The alerts could not be stored, and are not accepted."
    hint = f"Send them again in {retry_after_s} s; the server's log and /readyz say what is wrong."
    return Refusal(503, "storage", error, hint, {"Retry-After": str(retry_after_s)})

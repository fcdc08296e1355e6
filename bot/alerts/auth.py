"""Who speaks: a token, basic credentials or an HMAC-SHA256 of the body, as the source's settings say.

All secrets are compared in constant time. A source without authentication is for this machine alone: the server must
be bound to loopback, the request must be addressed to loopback (a page that a browser shows can be made to call a
name that resolves to 127.0.0.1: DNS rebinding), must not come from a foreign page, and must not have come through a
proxy, which would speak for anybody.

The signature follows Grafana's webhook (HMAC of the body, or of `timestamp:body`), in hexadecimal; a prefix such as
`sha256=` or `v1=` and a list of signatures, sent while a secret is changed, are understood.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Literal
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from bot.errors import Denied
from bot.models.base import as_utc
from bot.settings import AlertAuth, BasicAuth, BearerAuth, HmacAuth, SnsAuth, TokenAuth

PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
SIGNATURE_HEADERS = {
    "pagerduty": "X-PagerDuty-Signature",
    "sentry": "Sentry-Hook-Signature",
    "grafana": "X-Grafana-Alerting-Signature",
    "checkly": "X-Checkly-Signature",
}
"""Where these senders sign, each with a hexadecimal HMAC-SHA256:
https://developer.pagerduty.com/docs/verifying-webhook-signatures (`v1=…`, several while a secret is changed),
https://docs.sentry.io/organization/integrations/integration-platform/webhooks/,
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
(with a timestamp, if one is set there), https://www.checklyhq.com/docs/integrations/alerts/webhooks/"""
TOKEN_PLACES: Mapping[str, tuple[Literal["query", "field"], str]] = {
    "gcp": ("query", "auth_token"),
    "statuscake": ("field", "Token"),
    "azure": ("query", "token"),
    "cloudwatch": ("query", "token"),
    "pingdom": ("query", "token"),
    "splunk": ("query", "token"),
}
"""Senders that put a token of their own somewhere, or can set no header at all. Google's is documented at
https://cloud.google.com/monitoring/support/notification-options#webhooks, StatusCake's with its form."""
REPLAY_WINDOW_S = 3600.0
"""How old a signed body may be that carries its own time: senders that were refused try again for a while."""
MOST_SIGNATURES = 10
"""Of one request."""
_SECONDS = re.compile("[0-9]{1,12}")


class NotAuthenticated(Denied):
    """The speaker has not shown who it is; `challenge` is the value of WWW-Authenticate."""

    def __init__(self, message: str, *, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class NotLocal(Denied):
    """A source without authentication was addressed from elsewhere."""


def check_speaker(
    auth: AlertAuth | None, headers: Headers, query: Mapping[str, str] | None = None, *, loopback: bool
) -> None:
    """Check everything that can be checked before the body is read; a signature, or a token inside it, cannot.

    Raises:
        NotAuthenticated: the credentials are missing or wrong.
        NotLocal: no authentication is configured and the request is not from this machine to this machine.
    """
    match auth:
        case SnsAuth():
            pass  # the body shows it, see `bot.alerts.sns`
        case BearerAuth():
            _check_bearer(auth, headers)
        case BasicAuth():
            _check_basic(auth, headers)
        case HmacAuth():
            _signatures(auth, headers)
        case TokenAuth(place="header"):
            _check_token(auth, headers.get(auth.name, ""))
        case TokenAuth(place="query"):
            _check_token(auth, (query or {}).get(auth.name, ""))
        case TokenAuth():
            pass  # `check_field`
        case None:
            _check_local(headers, loopback=loopback)


def check_field(auth: TokenAuth, document: object) -> None:
    """Check the token that the sender writes into its body, where it does.

    Raises:
        NotAuthenticated: it is missing or wrong.
    """
    if auth.place == "field":
        given = document.get(auth.name) if isinstance(document, dict) else None
        _check_token(auth, given if isinstance(given, str) else "")


def check_signature(auth: HmacAuth, headers: Headers, body: bytes, now: datetime) -> None:
    """Check that a holder of the secret has signed this body, and lately where a timestamp is agreed.

    Raises:
        NotAuthenticated: the signature is missing or wrong, or the timestamp is missing or outside the tolerance.
    """
    stamp = _timestamp(auth, headers, now)
    signed = body if stamp is None else stamp.encode("ascii") + b":" + body
    secrets = [secret for secret in (auth.secret, auth.previous_secret) if secret]
    expected = [hmac.new(one.get_secret_value().encode(), signed, hashlib.sha256).hexdigest() for one in secrets]
    given = _signatures(auth, headers)[:MOST_SIGNATURES]
    fits = [hmac.compare_digest(one.encode(), other) for one in expected for other in given]
    if not any(fits):
        raise _unsigned(auth, f"The signature in {auth.header} does not fit the body: check the shared secret.")


def check_age(auth: HmacAuth, said_at: datetime | None, now: datetime) -> None:
    """Check that a signed body that carries its own time was not written long ago: a recording is no news.

    Raises:
        NotAuthenticated: it is older than the window, or from the future.
    """
    if said_at is None:
        return
    age_s = (now - as_utc(said_at)).total_seconds()
    if not -auth.tolerance_s <= age_s <= REPLAY_WINDOW_S:
        raise _unsigned(auth, f"The body was written at another time than now (within {REPLAY_WINDOW_S:g} s).")


def as_sent_by(auth: AlertAuth | None, form: str) -> AlertAuth | None:
    """The settings with the place where the format's sender signs or puts its token, where the operator names none."""
    if isinstance(auth, TokenAuth) and not {"place", "name"} & auth.model_fields_set and form in TOKEN_PLACES:
        place, name = TOKEN_PLACES[form]
        return auth.model_copy(update={"place": place, "name": name})
    if isinstance(auth, HmacAuth) and "header" not in auth.model_fields_set and form in SIGNATURE_HEADERS:
        return auth.model_copy(update={"header": SIGNATURE_HEADERS[form]})
    return auth


def _check_bearer(auth: BearerAuth, headers: Headers) -> None:
    given = _credentials(headers, "bearer")
    if not hmac.compare_digest(_raw(given), auth.token.get_secret_value().encode()):
        raise NotAuthenticated(
            "The bearer token is missing or wrong: send the header 'Authorization: Bearer TOKEN'.",
            challenge='Bearer realm="nightdesk"',
        )


def _check_token(auth: TokenAuth, given: str) -> None:
    if not hmac.compare_digest(given.encode("utf-8", "replace"), auth.token.get_secret_value().encode()):
        place = {"header": "the header", "query": "the URL's parameter", "field": "the body's field"}[auth.place]
        raise NotAuthenticated(
            f"The token in {place} {auth.name} is missing or wrong.", challenge='Token realm="nightdesk"'
        )


def _check_basic(auth: BasicAuth, headers: Headers) -> None:
    try:
        given = base64.b64decode(_raw(_credentials(headers, "basic")), validate=True)
    except binascii.Error:
        given = b""
    username, _, password = given.partition(b":")
    right_name = hmac.compare_digest(username, auth.username.encode())
    right_password = hmac.compare_digest(password, auth.password.get_secret_value().encode())
    if not (right_name and right_password):
        raise NotAuthenticated(
            "The user name or the password is missing or wrong: send basic credentials.",
            challenge='Basic realm="nightdesk", charset="UTF-8"',
        )


def _credentials(headers: Headers, scheme: str) -> str:
    spoken, _, credentials = headers.get("authorization", "").partition(" ")
    return credentials.strip() if spoken.casefold() == scheme else ""


def _signatures(auth: HmacAuth, headers: Headers) -> list[bytes]:
    given = headers.get(auth.header, "")
    signatures = [_raw(part.rpartition("=")[2].strip().lower()) for part in given.split(",") if part.strip()]
    if not signatures:
        raise _unsigned(auth, f"The header {auth.header} with the HMAC-SHA256 of the body is missing.")
    return signatures


def _timestamp(auth: HmacAuth, headers: Headers, now: datetime) -> str | None:
    if auth.timestamp_header is None:
        return None
    stamp = headers.get(auth.timestamp_header, "").strip()
    if not _SECONDS.fullmatch(stamp):
        raise _unsigned(auth, f"The header {auth.timestamp_header} with the Unix time in seconds is missing.")
    if abs(now.timestamp() - int(stamp)) > auth.tolerance_s:
        raise _unsigned(
            auth, f"The request is signed for another time than now (±{auth.tolerance_s:g} s): check both clocks."
        )
    return stamp


def _unsigned(auth: HmacAuth, message: str) -> NotAuthenticated:
    return NotAuthenticated(message, challenge=f'HMAC-SHA256 realm="nightdesk", header="{auth.header}"')


def _check_local(headers: Headers, *, loopback: bool) -> None:
    if not loopback:
        raise NotLocal("This source has no authentication, and the server is reachable from other machines.")
    if not all(_is_loopback(name) for name in _addressed(headers)):
        raise NotLocal("This source has no authentication, so it is open under 127.0.0.1 and localhost only.")
    if through := [name for name in PROXY_HEADERS if name in headers]:
        raise NotLocal(f"This source has no authentication, and the request came through a proxy ({through[0]}).")


def _addressed(headers: Headers) -> Iterator[str]:
    """The host names that the request is for, and the page that it comes from, if any."""
    yield from headers.getlist("host") or [""]
    yield from (origin.partition("://")[2] for origin in headers.getlist("origin"))


def _is_loopback(authority: str) -> bool:
    try:
        host = urlsplit(f"//{authority}").hostname or ""
        return host in {"localhost", "localhost."} or ipaddress.ip_address(host).is_loopback
    except ValueError:  # no address, or an authority that cannot be read
        return False


def _raw(header: str) -> bytes:
    return header.encode("latin-1")

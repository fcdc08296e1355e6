"""Who speaks: bearer token, basic credentials or an HMAC-SHA256 of the body, as the source's settings say.

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
from collections.abc import Iterator
from datetime import datetime
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from bot.errors import Denied
from bot.settings import BasicAuth, BearerAuth, HmacAuth, SourceAuth

PROXY_HEADERS = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
_SECONDS = re.compile("[0-9]{1,12}")


class NotAuthenticated(Denied):
    """The speaker has not shown who it is; `challenge` is the value of WWW-Authenticate."""

    def __init__(self, message: str, *, challenge: str) -> None:
        super().__init__(message)
        self.challenge = challenge


class NotLocal(Denied):
    """A source without authentication was addressed from elsewhere."""


def check_speaker(auth: SourceAuth | None, headers: Headers, *, loopback: bool) -> None:
    """Check everything that can be checked before the body is read; a signature cannot.

    Raises:
        NotAuthenticated: the credentials are missing or wrong.
        NotLocal: no authentication is configured and the request is not from this machine to this machine.
    """
    match auth:
        case BearerAuth():
            _check_bearer(auth, headers)
        case BasicAuth():
            _check_basic(auth, headers)
        case HmacAuth():
            _signatures(auth, headers)
        case None:
            _check_local(headers, loopback=loopback)


def check_signature(auth: HmacAuth, headers: Headers, body: bytes, now: datetime) -> None:
    """Check that a holder of the secret has signed this body, and lately where a timestamp is agreed.

    Raises:
        NotAuthenticated: the signature is missing or wrong, or the timestamp is missing or outside the tolerance.
    """
    stamp = _timestamp(auth, headers, now)
    signed = body if stamp is None else stamp.encode("ascii") + b":" + body
    expected = hmac.new(auth.secret.get_secret_value().encode(), signed, hashlib.sha256).hexdigest()
    fits = [hmac.compare_digest(expected.encode(), given) for given in _signatures(auth, headers)]
    if not any(fits):
        raise _unsigned(auth, f"The signature in {auth.header} does not fit the body: check the shared secret.")


def _check_bearer(auth: BearerAuth, headers: Headers) -> None:
    given = _credentials(headers, "bearer")
    if not hmac.compare_digest(_raw(given), auth.token.get_secret_value().encode()):
        raise NotAuthenticated(
            "The bearer token is missing or wrong: send the header 'Authorization: Bearer TOKEN'.",
            challenge='Bearer realm="nightdesk"',
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

"""Who may speak."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.datastructures import Headers

from bot.alerts.auth import NotAuthenticated, NotLocal, check_signature, check_speaker
from bot.settings import BasicAuth, BearerAuth, HmacAuth

NOW = datetime(2026, 3, 14, 3, 0, tzinfo=UTC)
BODY = '{"name": "決済"}'.encode()
BEARER = BearerAuth(token=SecretStr("t0k€n"))
BASIC = BasicAuth(username="grafana", password=SecretStr("with:colon"))
HMAC = HmacAuth(secret=SecretStr("s3cret"))
STAMPED = HmacAuth(secret=SecretStr("s3cret"), timestamp_header="X-Timestamp", tolerance_s=300)


def sent(**headers: str) -> Headers:
    """Headers as the server gives them: raw bytes, whatever they are."""
    return Headers(raw=[(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()])


def basic(credentials: str) -> str:
    return "Basic " + base64.b64encode(credentials.encode()).decode()


def signature(signed: bytes, key: str = "s3cret") -> str:
    return hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()


def check_all(auth: BearerAuth | BasicAuth | HmacAuth | None, headers: Headers) -> None:
    check_speaker(auth, headers, loopback=True)
    if isinstance(auth, HmacAuth):
        check_signature(auth, headers, BODY, NOW)


def stamped(at: datetime, body: bytes = BODY) -> Headers:
    stamp = str(int(at.timestamp()))
    return sent(x_timestamp=stamp, x_nightdesk_signature=signature(stamp.encode() + b":" + body))


@pytest.mark.parametrize("header", ["Bearer t0k€n", "bearer t0k€n", "BEARER  t0k€n"])
def test_the_right_token_is_let_in(header: str) -> None:
    check_speaker(BEARER, sent(authorization=header), loopback=False)


@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer t0k€n2", "Bearer T0K€N", "t0k€n", "Basic t0k€n"])
def test_any_other_token_is_challenged(header: str) -> None:
    with pytest.raises(NotAuthenticated, match="Authorization: Bearer TOKEN") as refusal:
        check_speaker(BEARER, sent(authorization=header), loopback=True)
    assert refusal.value.challenge == 'Bearer realm="nightdesk"'


def test_the_right_password_is_let_in() -> None:
    check_speaker(BASIC, sent(authorization=basic("grafana:with:colon")), loopback=False)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic !!!",
        basic("grafana"),
        basic("grafana:"),
        basic("grafana:with"),
        basic("Grafana:with:colon"),
        basic(":with:colon"),
        "Bearer with:colon",
    ],
)
def test_any_other_password_is_challenged(header: str) -> None:
    with pytest.raises(NotAuthenticated) as refusal:
        check_speaker(BASIC, sent(authorization=header), loopback=True)
    assert refusal.value.challenge.startswith("Basic ")


@pytest.mark.parametrize("auth", [BEARER, BASIC, HMAC])
def test_loopback_is_no_excuse_where_authentication_is_configured(auth: BearerAuth | BasicAuth | HmacAuth) -> None:
    with pytest.raises(NotAuthenticated):
        check_speaker(auth, sent(host="127.0.0.1:8080"), loopback=True)


@pytest.mark.parametrize("form", ["{}", "sha256={}", "v1={}", " {} ", "v1=00,v1={}"])
def test_a_signed_body_is_let_in_in_every_notation(form: str) -> None:
    headers = sent(x_nightdesk_signature=form.format(signature(BODY)))

    check_speaker(HMAC, headers, loopback=False)
    check_signature(HMAC, headers, BODY, NOW)


@pytest.mark.parametrize(
    "given",
    [signature(BODY, key="other"), signature(BODY + b" "), signature(BODY)[:-1], "sha256=", "naïve", "v1=00,v1=11"],
)
def test_another_signature_is_challenged(given: str) -> None:
    with pytest.raises(NotAuthenticated, match="X-Nightdesk-Signature"):
        check_signature(HMAC, sent(x_nightdesk_signature=given), BODY, NOW)


@pytest.mark.parametrize("age_s", [0, 299, 300, -300])
def test_a_timestamp_within_the_tolerance_is_let_in(age_s: int) -> None:
    check_signature(STAMPED, stamped(NOW - timedelta(seconds=age_s)), BODY, NOW)


@pytest.mark.parametrize("age_s", [301, -301, 86_400])
def test_a_replay_outside_the_tolerance_is_refused_though_it_is_well_signed(age_s: int) -> None:
    with pytest.raises(NotAuthenticated, match="signed for another time"):
        check_signature(STAMPED, stamped(NOW - timedelta(seconds=age_s)), BODY, NOW)


def test_a_replay_under_a_new_timestamp_is_refused() -> None:
    old = stamped(NOW - timedelta(days=1))
    forged = sent(x_timestamp=str(int(NOW.timestamp())), x_nightdesk_signature=old["x-nightdesk-signature"])

    with pytest.raises(NotAuthenticated, match="does not fit the body"):
        check_signature(STAMPED, forged, BODY, NOW)


def test_a_signature_of_the_body_alone_is_refused_where_a_timestamp_is_agreed() -> None:
    forged = sent(x_timestamp=str(int(NOW.timestamp())), x_nightdesk_signature=signature(BODY))

    with pytest.raises(NotAuthenticated, match="does not fit the body"):
        check_signature(STAMPED, forged, BODY, NOW)


@pytest.mark.parametrize("stamp", ["", "now", "nan", "1e9", "-1773457200", "１７７３４５７２００", "9" * 400])
def test_a_timestamp_that_is_no_unix_time_is_refused(stamp: str) -> None:
    headers = sent(x_timestamp=stamp, x_nightdesk_signature=signature(stamp.encode() + b":" + BODY))

    with pytest.raises(NotAuthenticated, match="X-Timestamp"):
        check_signature(STAMPED, headers, BODY, NOW)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.8.8.8"]
)
def test_without_authentication_this_machine_is_let_in(host: str) -> None:
    check_speaker(None, sent(host=host), loopback=True)


@pytest.mark.parametrize(
    "host",
    [
        "nightdesk.example.com",
        "10.0.0.7:8080",
        "0.0.0.0",
        "127.0.0.1.nip.io",
        "localhost.evil.example",
        "evil@127.0.0.2@x",
        "[::1",
        "",
        "2130706433",
    ],
)
def test_without_authentication_a_request_to_another_name_is_refused(host: str) -> None:
    with pytest.raises(NotLocal, match=r"127\.0\.0\.1 and localhost only"):
        check_speaker(None, sent(host=host), loopback=True)


def test_without_authentication_a_request_without_a_host_is_refused() -> None:
    with pytest.raises(NotLocal):
        check_speaker(None, Headers(), loopback=True)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example"])
def test_without_authentication_a_foreign_page_is_refused(origin: str) -> None:
    with pytest.raises(NotLocal):
        check_speaker(None, sent(host="127.0.0.1", origin=origin), loopback=True)


@pytest.mark.parametrize("header", ["forwarded", "x_forwarded_for", "x_real_ip", "via"])
def test_without_authentication_a_proxy_speaks_for_nobody(header: str) -> None:
    with pytest.raises(NotLocal, match="through a proxy"):
        check_speaker(None, sent(host="127.0.0.1", **{header: "203.0.113.9"}), loopback=True)


def test_without_authentication_a_server_that_others_reach_lets_nobody_in() -> None:
    with pytest.raises(NotLocal, match="reachable from other machines"):
        check_speaker(None, sent(host="127.0.0.1"), loopback=False)


@pytest.mark.parametrize("auth", [BEARER, BASIC, HMAC, STAMPED, None])
@settings(deadline=None)
@given(
    given=st.dictionaries(st.sampled_from(["authorization", "x_nightdesk_signature", "x_timestamp", "host"]), st.text())
)
def test_whatever_a_stranger_sends_is_refused_and_never_breaks_the_check(
    auth: BearerAuth | BasicAuth | HmacAuth | None, given: dict[str, str]
) -> None:
    headers = Headers(
        raw=[(name.replace("_", "-").encode(), text.encode("utf-8", "replace")) for name, text in given.items()]
    )

    with pytest.raises((NotAuthenticated, NotLocal)):
        check_all(auth, headers)

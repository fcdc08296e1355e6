"""How each sender shows who it is: its own header, its own scheme, old and new secrets, and the age of what it says."""

from __future__ import annotations

import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from bot.alerts.sns import Sns
from bot.errors import Overloaded
from bot.settings import AlertSourceSettings, HmacAuth, Settings, SnsAuth, TokenAuth
from tests.unit.alerts import test_sns
from tests.unit.alerts.payloads import payload, raw
from tests.unit.alerts.test_door import NOW, Outside, RecordingIntake, is_explained

SECRET, OLD = "the-secret", "the-old-one"
HMAC = HmacAuth(secret=SecretStr(SECRET), previous_secret=SecretStr(OLD))


def outside(form: str, auth: Any = HMAC, **door: Any) -> Outside:
    return Outside(configured=Settings(alerts={form: AlertSourceSettings(auth=auth)}), **door)


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


@pytest.mark.parametrize(
    ("form", "name", "header", "prefix"),
    [
        ("sentry", "metric-critical", "Sentry-Hook-Signature", ""),
        ("grafana", "firing", "X-Grafana-Alerting-Signature", ""),
        ("checkly", "firing", "x-checkly-signature", ""),
    ],
)
async def test_a_sender_signs_in_its_own_header(form: str, name: str, header: str, prefix: str) -> None:
    door, body = outside(form), raw(f"{form}/{name}")
    assert (await door.post(form, body, {header: prefix + signed(body)})).status_code == 202
    wrong = await door.post(form, body, {header: prefix + signed(b"another body")})
    assert (wrong.status_code, is_explained(wrong)) == (401, True)
    assert (await door.post(form, body, {"X-Nightdesk-Signature": signed(body)})).status_code == 401


def pagerduty(minutes_ago: float) -> bytes:
    body = payload("pagerduty/triggered")
    said_at = datetime.fromtimestamp(NOW.timestamp() - 60 * minutes_ago, UTC)
    body["event"]["occurred_at"] = said_at.isoformat()
    return json.dumps(body).encode()


@pytest.mark.parametrize("secrets", [(SECRET,), (OLD,), ("stranger", SECRET), (SECRET, OLD)])
async def test_pagerduty_signs_with_old_and_new_secrets_while_one_is_changed(secrets: tuple[str, ...]) -> None:
    body = pagerduty(1)
    signature = ",".join(f"v1={signed(body, secret)}" for secret in secrets)
    response = await outside("pagerduty").post("pagerduty", body, {"X-PagerDuty-Signature": signature})
    assert response.status_code == 202


@pytest.mark.parametrize(("minutes_ago", "status"), [(0, 202), (59, 202), (61, 401), (-10, 401)])
async def test_a_recording_of_a_webhook_is_refused(minutes_ago: float, status: int) -> None:
    door, body = outside("pagerduty"), pagerduty(minutes_ago)
    response = await door.post("pagerduty", body, {"X-PagerDuty-Signature": f"v1={signed(body)}"})
    assert response.status_code == status
    assert len(door.intake.alerts) == (status == 202)


async def test_a_header_that_the_operator_names_is_the_one_that_counts() -> None:
    body = raw("sentry/metric-critical")
    door = outside("sentry", HmacAuth(secret=SecretStr(SECRET), header="X-Gateway"))
    assert (await door.post("sentry", body, {"X-Gateway": signed(body)})).status_code == 202
    assert (await door.post("sentry", body, {"Sentry-Hook-Signature": signed(body)})).status_code == 401


TOKEN = TokenAuth(token=SecretStr(SECRET))
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    ("form", "name", "parameter"),
    [("gcp", "open", "auth_token"), ("azure", "fired", "token"), ("pingdom", "firing", "token"),
     ("splunk", "firing", "token"), ("cloudwatch", "sns-alarm", "token")],
)  # fmt: skip
async def test_a_sender_that_can_set_no_header_has_its_token_in_the_url(form: str, name: str, parameter: str) -> None:
    door, body = outside(form, TOKEN), raw(f"{form}/{name}")
    for query, status in [
        (f"?{parameter}={SECRET}", 202),
        (f"?{parameter}={OLD}", 401),
        (f"?other={SECRET}", 401),
        ("", 401),
    ]:
        response = await door.post(form + query, body)
        assert (response.status_code, SECRET in response.text) == (status, False)
    assert (await door.post(form, body, {"X-API-Key": SECRET})).status_code == 401


async def test_statuscakes_own_token_is_a_field_of_its_form() -> None:
    door = outside("statuscake", TOKEN)
    for token, status in [(SECRET, 202), (OLD, 401), ("", 401)]:
        body = urlencode({**payload("statuscake/firing"), "Token": token}).encode()
        assert (await door.post("statuscake", body, FORM)).status_code == status
    assert (await door.post("statuscake", b'{"Token": ["the-secret"]}', FORM)).status_code == 401
    assert (await door.post("statuscake", b"no form at all", FORM)).status_code == 400


@pytest.mark.parametrize("auth", [TOKEN, TokenAuth(token=SecretStr(SECRET), place="header", name="X-Gateway-Key")])
async def test_any_other_sender_has_its_token_in_a_header(auth: TokenAuth) -> None:
    door, body = outside("datadog", auth), raw("datadog/triggered")
    assert (await door.post("datadog", body, {auth.name: SECRET})).status_code == 202
    assert (await door.post("datadog", body, {auth.name: OLD})).status_code == 401
    refused = await door.post(f"datadog?{auth.name}={SECRET}", body)
    assert (refused.status_code, is_explained(refused)) == (401, True)


async def test_a_place_that_the_operator_names_is_the_one_that_counts() -> None:
    door, body = outside("gcp", TokenAuth(token=SecretStr(SECRET), place="header")), raw("gcp/open")
    assert (await door.post("gcp", body, {"X-API-Key": SECRET})).status_code == 202
    assert (await door.post(f"gcp?auth_token={SECRET}", body)).status_code == 401


async def test_an_sns_source_takes_signed_envelopes_only() -> None:
    door = outside("cloudwatch", SnsAuth(topics=(test_sns.TOPIC,)), sns=Sns(test_sns.Amazon().fetch))
    body = json.dumps(test_sns.envelope()).encode()
    text = {"content-type": "text/plain; charset=UTF-8"}
    assert (await door.post("cloudwatch", body, text)).status_code == 202
    assert len(door.intake.alerts) == 1
    confirmed = await door.post("cloudwatch", json.dumps(test_sns.envelope("SubscriptionConfirmation")).encode(), text)
    assert (confirmed.status_code, confirmed.json()["accepted"]) == (202, 0)
    forged = await door.post("cloudwatch", raw("cloudwatch/sns-alarm"), text)
    assert forged.status_code in {401, 422}
    assert len(door.intake.alerts) == 1


async def test_statuscake_posts_a_form_and_no_other_door_takes_one() -> None:
    body = urlencode(payload("statuscake/firing")).encode()
    form = {"content-type": "application/x-www-form-urlencoded"}
    door = Outside()
    assert (await door.post("statuscake", body, form)).status_code == 202
    assert [alert.name for alert in door.intake.alerts] == ["shop front"]
    assert (await door.post("alertmanager", body, form)).status_code == 415
    assert (await door.post("statuscake", b"no form at all", form)).status_code == 400


async def test_a_door_for_any_sender_takes_what_each_of_them_posts() -> None:
    door = Outside(configured=Settings(alerts={"any": AlertSourceSettings(format="auto")}))
    form = urlencode(payload("statuscake/firing")).encode()
    assert (await door.post("any", form, FORM)).status_code == 202
    assert (await door.post("any", raw("cloudwatch/sns-alarm"), {"content-type": "text/plain"})).status_code == 202
    assert (await door.post("any", raw("gcp/open"))).status_code == 202
    assert [alert.name for alert in door.intake.alerts[:2]] == ["shop front", "orders-p99"]


async def test_a_sender_is_told_to_wait_before_anything_is_lost() -> None:
    class Full(RecordingIntake):
        async def accept(self, alerts: Any) -> Any:
            raise Overloaded("50000 alerts wait to be sorted, as many as may.", retry_after_s=17)

    door = Outside(Full())
    response = await door.post("alertmanager", raw("alertmanager/firing"))
    assert (response.status_code, response.headers["retry-after"], is_explained(response)) == (429, "17", True)
    assert door.counted("nightdesk_alert_requests_refused_total", source="alertmanager", reason="overloaded") == 1


async def test_bodies_that_are_read_at_once_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.alerts.door.MOST_HELD_BYTES", 1_000)
    door = Outside()
    door.door._held = 900
    response = await door.post("alertmanager", raw("alertmanager/firing"))
    assert (response.status_code, response.headers["retry-after"]) == (429, "1")
    door.door._held = 0
    assert (await door.post("alertmanager", raw("alertmanager/firing"))).status_code == 202
    assert door.door._held == 0

"""The HTTP door, over ASGI with an intake that records."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis.exceptions import BusyLoadingError, ConnectionError, RedisError, ResponseError, TimeoutError  # noqa: A004
from starlette.applications import Starlette
from starlette.types import Message

from bot.alerts import formats
from bot.alerts.door import AlertDoor
from bot.body import LINGER_BYTES
from bot.errors import Misconfigured
from bot.models import Alert, Receipt
from bot.settings import AlertSourceSettings, BearerAuth, HmacAuth, Settings
from tests.unit.alerts.payloads import names, payload, raw

NOW = datetime(2026, 3, 14, 3, 0, tzinfo=UTC)
JSON = {"content-type": "application/json"}
TOKEN = AlertSourceSettings(format="alertmanager", auth=BearerAuth(token=SecretStr("t")))
SIGNED = AlertSourceSettings(
    format="grafana", auth=HmacAuth(secret=SecretStr("s"), header="X-Sig", timestamp_header="X-Time")
)
MAPPED = AlertSourceSettings(
    format="generic",
    mapping={"alerts": "events", "name": "check.title", "labels": "tags", "summary": "join(', ', where)"},
)


class RecordingIntake:
    """Keeps what it was given, or fails as a storage fails."""

    def __init__(self, failure: RedisError | None = None) -> None:
        self.alerts: list[Alert] = []
        self.failure = failure

    async def accept(self, alerts: Sequence[Alert]) -> list[Receipt]:
        if self.failure:
            raise self.failure
        self.alerts += alerts
        return [Receipt(fingerprint=alert.fingerprint, outcome="opened", incident_id="7K2M") for alert in alerts]


class Outside:
    """A sender before a door of its own."""

    def __init__(self, intake: RecordingIntake | None = None, configured: Settings | None = None, **door: Any) -> None:
        self.intake = intake or RecordingIntake()
        self.registry = CollectorRegistry()
        self.door = AlertDoor(configured or Settings(), self.intake, lambda: NOW, registry=self.registry, **door)
        self.app = Starlette(routes=self.door.routes())

    async def send(self, method: str, path: str, base_url: str = "http://127.0.0.1", **request: Any) -> httpx.Response:
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=base_url) as client:
            return await client.request(method, path, **request)

    async def post(self, source: str, body: bytes, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.send("POST", f"/alerts/{source}", content=body, headers=JSON | (headers or {}))

    def counted(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0


def is_explained(response: httpx.Response) -> bool:
    """Whether the answer says what is wrong and what to do, and nothing else."""
    answer = response.json()
    return sorted(answer) == ["error", "hint"] and all(answer.values())


async def test_an_accepted_alert_is_answered_with_its_incident() -> None:
    outside = Outside()
    response = await outside.post("alertmanager", raw("alertmanager/firing"))

    assert response.status_code == 202
    assert response.json() == {
        "accepted": 1,
        "incidents": [{"fingerprint": "1f2d5a0c9b7e4d63", "outcome": "opened", "incident_id": "7K2M"}],
    }
    assert [alert.name for alert in outside.intake.alerts] == ["PaymentErrorsHigh"]
    assert outside.counted("nightdesk_alerts_accepted_total", source="alertmanager") == 1


async def test_a_group_without_alerts_is_accepted_and_changes_nothing() -> None:
    outside = Outside()
    response = await outside.post("alertmanager", b'{"alerts": []}')

    assert (response.status_code, response.json()) == (202, {"accepted": 0, "incidents": []})


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/Vnd.Api+JSON"])
async def test_every_json_content_type_is_taken(kind: str) -> None:
    response = await Outside().post("alertmanager", raw("alertmanager/firing"), {"content-type": kind})

    assert response.status_code == 202


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b'{"alerts": [', 400, "line 1 column 13"),
        (b"", 400, "empty"),
        (b"\xff", 400, "not UTF-8"),
        (b'{"alerts": {}}', 422, "alerts: "),
        (b'{"alerts": [{"labels": {"a": "\\ud800"}}, 1]}', 422, "alerts.1: "),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused_with_the_place(body: bytes, status: int, said: str) -> None:
    outside = Outside()
    response = await outside.post("alertmanager", body)

    assert response.status_code == status
    assert said in response.json()["error"]
    assert is_explained(response)
    assert not outside.intake.alerts


async def test_what_a_mapping_cannot_read_is_refused_even_where_the_reason_holds_broken_characters() -> None:
    outside = Outside(configured=Settings(alerts={"checks": MAPPED}))
    response = await outside.post("checks", b'{"events": [{"check": {"title": "A"}, "where": "\\ud800"}]}')

    assert response.status_code == 422
    assert "\N{REPLACEMENT CHARACTER}" in response.json()["error"]


async def test_an_unknown_source_is_answered_with_those_there_are_and_counted_as_unknown() -> None:
    outside = Outside()
    response = await outside.post("n%FFgios", b"{}")

    assert response.status_code == 404
    assert all(name in response.json()["hint"] for name in formats.FORMATS)
    assert outside.counted("nightdesk_alert_requests_refused_total", source="unknown", reason="unknown_source") == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH", "FROBNICATE"])
async def test_another_method_is_refused_in_json(method: str) -> None:
    response = await Outside().send(method, "/alerts/alertmanager")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert is_explained(response)


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/x-www-form-urlencoded"},
        {"content-type": ""},
        {"content-encoding": "gzip"},
    ],
)
async def test_another_content_type_is_refused(headers: dict[str, str]) -> None:
    response = await Outside().post("alertmanager", raw("alertmanager/firing"), headers)

    assert response.status_code == 415
    assert is_explained(response)


async def test_sns_may_declare_its_json_as_plain_text() -> None:
    outside = Outside()
    plain = {"content-type": "text/plain; charset=UTF-8"}

    assert (await outside.post("cloudwatch", raw("cloudwatch/sns-alarm"), plain)).status_code == 202
    assert (await outside.post("alertmanager", raw("alertmanager/firing"), plain)).status_code == 415


async def test_a_notice_that_is_no_alert_is_accepted_and_changes_nothing() -> None:
    outside = Outside()
    response = await outside.post("pagerduty", raw("pagerduty/note"))

    assert (response.status_code, response.json()["accepted"]) == (202, 0)
    assert not outside.intake.alerts


async def test_an_announced_body_far_over_the_limit_is_refused_without_reading_it() -> None:
    outside = Outside()
    refused = await _converse(outside, [], {"content-length": "50000000"})

    assert refused == 413
    assert outside.counted("nightdesk_alert_requests_refused_total", source="alertmanager", reason="too_large") == 1


@pytest.mark.parametrize("announced", ["9" * 5_000, "99999999999999999999"])
async def test_an_absurd_announcement_is_refused_too(announced: str) -> None:
    assert await _converse(Outside(), [], {"content-length": announced}) == 413


async def test_a_body_of_10_mb_is_read_to_its_end_so_that_its_sender_sees_the_refusal() -> None:
    chunk: Message = {"type": "http.request", "body": b" " * 50_000, "more_body": True}
    unread: list[Message] = [*[chunk] * 199, {**chunk, "more_body": False}]

    assert await _converse(Outside(), unread, {"content-length": "10000000"}) == 413
    assert unread == []


async def test_a_body_without_end_is_not_read_to_its_end() -> None:
    chunk: Message = {"type": "http.request", "body": b" " * 50_000, "more_body": True}
    unread = [chunk] * 2_000

    assert await _converse(Outside(configured=Settings(max_body_bytes=1_000_000)), unread) == 413
    assert len(unread) == 2_000 - 21 - LINGER_BYTES // 50_000


async def test_a_body_of_exactly_the_limit_is_read() -> None:
    outside = Outside(configured=Settings(max_body_bytes=1024))
    body = b'{"alerts": []}'.ljust(1024)

    assert (await outside.post("alertmanager", body)).status_code == 202
    assert (await outside.post("alertmanager", body + b" ")).status_code == 413


async def test_a_body_that_does_not_arrive_is_not_waited_for() -> None:
    outside = Outside(read_deadline_s=0.01)

    assert await _converse(outside, [], stalls=True) == 408


async def test_a_sender_that_leaves_in_the_middle_is_counted_and_nothing_is_accepted() -> None:
    outside = Outside()
    half: list[Message] = [
        {"type": "http.request", "body": b'{"alerts": [', "more_body": True},
        {"type": "http.disconnect"},
    ]

    await _converse(outside, half)
    assert outside.counted("nightdesk_alert_requests_refused_total", source="alertmanager", reason="disconnected") == 1
    assert not outside.intake.alerts


@pytest.mark.parametrize(
    "failure", [ConnectionError("refused"), TimeoutError("slow"), BusyLoadingError("loading"), ResponseError("OOM")]
)
async def test_a_storage_that_is_down_asks_the_sender_to_come_again(failure: RedisError) -> None:
    outside = Outside(RecordingIntake(failure))
    response = await outside.post("alertmanager", raw("alertmanager/firing"))

    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    assert is_explained(response)
    assert str(failure) not in response.text
    assert outside.counted("nightdesk_alerts_accepted_total", source="alertmanager") == 0


async def test_a_wrong_token_is_refused_before_the_body_is_read() -> None:
    outside = Outside(configured=Settings(host="0.0.0.0", alerts={"eu": TOKEN}))
    response = await outside.post("eu", b"not json at all", {"authorization": "Bearer wrong"})

    assert (response.status_code, response.headers["www-authenticate"]) == (401, 'Bearer realm="nightdesk"')
    assert is_explained(response)


async def test_the_right_token_is_let_in_under_any_host_name() -> None:
    outside = Outside(configured=Settings(host="0.0.0.0", alerts={"eu": TOKEN}))
    response = await outside.send(
        "POST",
        "/alerts/eu",
        base_url="https://nightdesk.example.com",
        content=raw("alertmanager/firing"),
        headers=JSON | {"authorization": "Bearer t", "x-forwarded-for": "203.0.113.9"},
    )

    assert response.status_code == 202
    assert outside.intake.alerts[0].source == "eu"


async def test_a_format_without_a_secret_has_no_door_on_a_server_that_others_reach() -> None:
    outside = Outside(configured=Settings(host="0.0.0.0", alerts={"eu": TOKEN}))

    assert (await outside.post("grafana", raw("grafana/firing"))).status_code == 404


async def test_a_name_that_was_made_to_point_at_this_machine_is_refused() -> None:
    response = await Outside().send(
        "POST",
        "/alerts/alertmanager",
        base_url="http://rebound.evil.example",
        content=raw("alertmanager/firing"),
        headers=JSON,
    )

    assert response.status_code == 403
    assert is_explained(response)


@pytest.mark.parametrize(
    ("age_s", "secret", "status"), [(0, "s", 202), (299, "s", 202), (301, "s", 401), (0, "other", 401)]
)
async def test_a_signed_request_is_good_for_its_time_only(age_s: int, secret: str, status: int) -> None:
    outside = Outside(configured=Settings(alerts={"gf": SIGNED}))
    body, stamp = raw("grafana/firing"), str(int(NOW.timestamp()) - age_s)
    signature = hmac.new(secret.encode(), f"{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    response = await outside.post("gf", body, {"x-sig": signature, "x-time": stamp})

    assert response.status_code == status
    assert len(outside.intake.alerts) == (status == 202)


async def test_an_unsigned_request_is_refused_before_the_body_is_read() -> None:
    outside = Outside(configured=Settings(alerts={"gf": SIGNED}))

    assert await _converse(outside, [], stalls=True, source="gf") == 401


def test_a_source_that_cannot_work_keeps_the_door_from_opening() -> None:
    with pytest.raises(Misconfigured, match="'nagios' needs a setting 'format'"):
        Outside(configured=Settings(alerts={"nagios": AlertSourceSettings()}))


def test_two_doors_may_count_in_one_registry() -> None:
    registry = CollectorRegistry()
    for _ in range(2):
        AlertDoor(Settings(), RecordingIntake(), lambda: NOW, registry=registry)


VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["firing", "ok", "page"])
ANYTHING = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["alerts", "labels", "name", "status", "ruleName", "events", "a"]), inner)
    ),
    max_leaves=12,
)
DOORS = Settings(alerts={"checks": MAPPED, "any": AlertSourceSettings(format="auto")})
SOURCES = formats.known(DOORS)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def disturbed(draw: st.DrawFn) -> tuple[str, object]:
    """A body that a sender documents, with one place of it replaced by anything, at its own door or at another."""
    name = draw(st.sampled_from(names()))
    source = draw(st.sampled_from([name.partition("/")[0]] * len(SOURCES) + list(SOURCES)))
    body = {"": payload(name)}
    here: Any = body
    key: Any = ""
    while here[key] and isinstance(here[key], dict | list) and draw(st.integers(0, 3)):
        here = here[key]
        key = draw(st.sampled_from(sorted(here)) if isinstance(here, dict) else st.integers(0, len(here) - 1))
    here[key] = draw(ANYTHING)
    return source, body[""]


async def _answers_with_a_reason(source: str, body: bytes) -> None:
    outside = Outside(configured=DOORS)
    response = await outside.post(source, body)

    if response.status_code == 202:
        assert response.json()["accepted"] == len(outside.intake.alerts)
        assert formats.render(outside.intake.alerts).encode("utf-8")
    else:
        assert 400 <= response.status_code < 500
        assert is_explained(response)


@QUICK
@given(st.sampled_from(SOURCES), ANYTHING)
async def test_any_json_at_any_door_is_accepted_or_refused_with_a_reason(source: str, body: object) -> None:
    await _answers_with_a_reason(source, json.dumps(body).encode())


@QUICK
@given(st.sampled_from(SOURCES), st.binary() | st.text().map(lambda text: text.encode("utf-8", "replace")))
async def test_any_bytes_at_any_door_are_accepted_or_refused_with_a_reason(source: str, body: bytes) -> None:
    await _answers_with_a_reason(source, body)


@QUICK
@given(disturbed())
async def test_a_documented_body_with_anything_anywhere_is_accepted_or_refused_with_a_reason(
    sent: tuple[str, object],
) -> None:
    source, body = sent
    await _answers_with_a_reason(source, json.dumps(body).encode())


async def _converse(
    outside: Outside,
    messages: list[Message],
    headers: dict[str, str] | None = None,
    *,
    stalls: bool = False,
    source: str = "alertmanager",
) -> int:
    """Speak ASGI by hand, for bodies that no client sends; what is not read stays in `messages`. Gives the status."""
    sent = {"host": "127.0.0.1", "content-type": "application/json"} | (headers or {})
    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/alerts/{source}",
        "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
    }
    answered: list[Message] = []

    async def receive() -> Message:
        if stalls:
            await asyncio.Event().wait()
        return messages.pop(0)

    async def send(message: Message) -> None:
        answered.append(message)

    await outside.app(scope, receive, send)
    status: int = answered[0]["status"]
    return status

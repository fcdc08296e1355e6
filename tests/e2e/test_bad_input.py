"""What cannot be understood or trusted: refused with a clear message, and without a trace in the incidents."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from redis.asyncio import Redis

from bot.demo.workspace import MINA, sign
from tests.e2e.scene import Scene, webhook
from tests.servers.nightdesk import CHANNEL, TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

TEN_MB = 10_000_000
SPOKEN = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
GOOD = json.dumps(webhook("bad")).encode()
MENTION = {
    "type": "event_callback",
    "event_id": "Ev0BAD",
    "team_id": "T0NIGHT",
    "event": {"type": "app_mention", "user": MINA.id, "channel": CHANNEL, "ts": "1.000001",
              "text": "<@U0NIGHTDESK> why is payments slow?"},
}  # fmt: skip


@pytest_asyncio.fixture(loop_scope="module")
async def http(scene: Scene) -> AsyncIterator[httpx.AsyncClient]:
    """A sender. When it is done, there is no incident."""
    async with httpx.AsyncClient(base_url=scene.bot.url, timeout=60, trust_env=False) as client:
        yield client
        assert (await client.get("/readyz")).status_code == 200
    async with Redis.from_url(scene.redis_url) as redis:
        assert [key async for key in redis.scan_iter("inc:*")] == []
        assert [key async for key in redis.scan_iter("nd:claim:*")] == []
    assert scene.cards() == []


async def pieces(size: int) -> AsyncIterator[bytes]:
    """A body that does not say how large it is."""
    for _ in range(size // 100_000):
        yield b"x" * 100_000


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (GOOD[:-20], 400, "JSON"),
        (b"\xff\xfe\x00", 400, "UTF-8"),
        (b"", 400, "JSON"),
        (b'"firing"', 422, "object"),
        (b'{"version": "4", "alerts": {"status": "firing"}}', 422, "alerts"),
        (b'{"version": "4", "alerts": [{"status": "firing", "labels": ["payments"]}]}', 422, "labels"),
        (b"[" * 50_000, 400, "JSON"),
        (b"x" * TEN_MB, 413, "1,000,000 bytes"),
    ],
    ids=["broken JSON", "no text", "nothing", "a string", "alerts no list", "labels no object", "depth", "10 MB"],
)
async def test_an_unreadable_alert_is_refused(http: httpx.AsyncClient, body: bytes, status: int, words: str) -> None:
    answer = await http.post("/alerts/alertmanager", content=body, headers=SPOKEN)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert answer.json()["hint"]


async def test_an_endless_body_is_not_read_to_its_end(http: httpx.AsyncClient) -> None:
    answer = await http.post("/alerts/alertmanager", content=pieces(TEN_MB), headers=SPOKEN)
    assert answer.status_code == 413
    assert "larger than 1,000,000 bytes" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("alertmanager", {**SPOKEN, "Content-Type": "application/xml"}, 415, "application/xml"),
        ("alertmanager", {"Authorization": SPOKEN["Authorization"]}, 415, "no content type"),
        ("alertmanager", {"Content-Type": "application/json"}, 401, "bearer token is missing or wrong"),
        ("alertmanager", {**SPOKEN, "Authorization": "Bearer wrong"}, 401, "bearer token is missing or wrong"),
        ("alertmanager", {**SPOKEN, "Authorization": f"Basic {TOKEN}"}, 401, "bearer token is missing or wrong"),
        ("nagios", SPOKEN, 404, "no alert source 'nagios'"),
    ],
    ids=["XML", "no type", "no credentials", "wrong token", "wrong scheme", "unknown source"],
)
async def test_an_alert_by_the_wrong_way_is_refused(
    http: httpx.AsyncClient, path: str, headers: dict[str, str], status: int, words: str
) -> None:
    answer = await http.post(f"/alerts/{path}", content=GOOD, headers=headers)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["error"]
    assert answer.json()["hint"]
    assert TOKEN not in answer.text


async def test_alerts_are_posted(http: httpx.AsyncClient) -> None:
    answer = await http.get("/alerts/alertmanager", headers=SPOKEN)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


def signed(scene: Scene, body: bytes, *, age_s: int = 0, secret: str | None = None) -> dict[str, str]:
    """The headers with which Slack sends a body."""
    moment = str(int(time.time()) - age_s)
    signature = sign(secret or scene.workspace.signing_secret, moment, body)
    return {"Content-Type": "application/json", "X-Slack-Request-Timestamp": moment, "X-Slack-Signature": signature}


def forgeries(scene: Scene, body: bytes) -> Iterator[tuple[str, dict[str, str]]]:
    """Headers that nobody may get in with."""
    good = signed(scene, body)
    yield "no signature", {"Content-Type": "application/json"}
    yield "the signature of another secret", signed(scene, body, secret="0" * 32)
    yield "the signature of another body", signed(scene, body + b" ")
    yield "six minutes old", signed(scene, body, age_s=360)
    yield "from the future", signed(scene, body, age_s=-360)
    yield "a fresher timestamp than was signed", {**good, "X-Slack-Request-Timestamp": str(int(time.time()) + 9)}
    yield "a timestamp that is none", {**good, "X-Slack-Request-Timestamp": "soon"}


@pytest.mark.parametrize("which", range(7))
async def test_what_slack_has_not_signed_lately_is_refused(http: httpx.AsyncClient, scene: Scene, which: int) -> None:
    body = json.dumps(MENTION).encode()
    how, headers = list(forgeries(scene, body))[which]
    answer = await http.post("/slack/events", content=body, headers=headers)
    assert answer.status_code == 401, how
    assert answer.json()["message"] == "The signature is wrong, or older than five minutes."


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b'{"type": "event_callback", ', 400, "not what Slack sends"),
        (b"payload=%7Bbroken", 400, "not what Slack sends"),
        (b"x" * TEN_MB, 413, "at most 1,000,000 bytes"),
    ],
    ids=["broken JSON", "a broken form", "10 MB"],
)
async def test_what_slack_signed_but_nobody_understands_is_refused(
    http: httpx.AsyncClient, scene: Scene, body: bytes, status: int, words: str
) -> None:
    headers: dict[str, Any] = signed(scene, body)
    if body.startswith(b"payload="):
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    answer = await http.post("/slack/events", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["message"]


async def test_a_person_without_a_name_in_the_button_presses_nothing(http: httpx.AsyncClient, scene: Scene) -> None:
    click = {"type": "block_actions", "user": {"id": MINA.id}, "channel": {"id": CHANNEL}, "trigger_id": "1.2.x",
             "actions": [{"type": "button", "action_id": "nightdesk_approve", "block_id": "b", "value": "",
                          "action_ts": "1.2"}]}  # fmt: skip
    answer = await scene.workspace.delivery.interaction(click)
    assert not answer.ok


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"{", 400, "JSON"),
        (b'{"to": "v1"}', 422, "service"),
        (b'{"service": "payments", "to": "v1", "x": 1}', 422, "x"),
    ],
)
async def test_a_change_that_does_not_fit_is_refused(
    http: httpx.AsyncClient, body: bytes, status: int, words: str
) -> None:
    response = await http.post("/changes", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == status
    assert words in response.json()["error"]

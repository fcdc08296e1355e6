"""POST /changes, over ASGI with a ledger that records."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from redis.exceptions import ConnectionError as RedisConnectionError
from starlette.applications import Starlette

from bot.changes.change import Change
from bot.changes.door import ChangeDoor
from bot.changes.ledger import ChangeLedger
from bot.changes.posted import MOST, posted
from bot.errors import BadInput
from bot.settings import AlertSourceSettings, BearerAuth, ChangesSettings, HmacAuth, Settings

NOW = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
KEPT = timedelta(days=14)
DEPLOY = {"service": "checkout", "from": "v4.2.1", "to": "v4.3.0", "who": "mina", "at": "2026-05-01T02:51:00Z"}
BEARER = {"authorization": "Bearer secret"}


class RecordingLedger(ChangeLedger):
    """Keeps what it was given, or fails as a storage fails."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.kept_changes: dict[str, Change] = {}

    @property
    def kept(self) -> timedelta:
        return KEPT

    async def add(self, changes: Sequence[tuple[str, Change]], now: datetime) -> None:
        if self.fails:
            raise RedisConnectionError("gone")
        self.kept_changes.update(changes)


class Outside:
    """A CI job before a door of its own."""

    def __init__(self, *, fails: bool = False, **settings: Any) -> None:
        self.ledger = RecordingLedger(fails)
        self.registry = CollectorRegistry()
        configured = Settings(**({"changes": ChangesSettings(auth=BearerAuth(token=SecretStr("secret")))} | settings))
        door = ChangeDoor(configured, self.ledger, lambda: NOW, registry=self.registry)
        self.app = Starlette(routes=door.routes())

    async def post(
        self, body: object, headers: dict[str, str] | None = None, *, method: str = "POST", host: str = "127.0.0.1"
    ) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json"} | (BEARER if headers is None else headers)
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as client:
            return await client.request(method, "/changes", content=content, headers=given)

    def counted(self, outcome: str) -> float:
        return self.registry.get_sample_value("nightdesk_changes_posted_total", {"outcome": outcome}) or 0.0


async def test_a_deploy_is_kept_and_acknowledged_with_its_id() -> None:
    outside = Outside()
    response = await outside.post(DEPLOY | {"url": "https://ci.test/9", "details": ["#812 Retry payments twice"]})
    assert response.status_code == 202
    ((name, change),) = outside.ledger.kept_changes.items()
    assert response.json() == {"accepted": 1, "ids": [name]}
    assert (change.source, change.service, change.before, change.after) == ("posted", "checkout", "v4.2.1", "v4.3.0")
    assert change.at == NOW - timedelta(minutes=9)
    assert outside.counted("accepted") == 1


async def test_half_a_character_is_replaced_and_the_change_is_kept() -> None:
    ci = Outside()
    response = await ci.post(DEPLOY | {"who": "mina \ud83d", "what": "\ud83d", "id": "\ud83d"})

    assert response.status_code == 202
    (change,) = ci.ledger.kept_changes.values()
    assert (change.who, change.what) == ("mina \ufffd", "\ufffd")


async def test_a_change_that_is_refused_for_half_a_character_is_told_so() -> None:
    response = await Outside().post(DEPLOY | {"\ud83d": 1})

    assert (response.status_code, "\ufffd" in response.json()["error"]) == (422, True)


async def test_only_the_service_is_needed_and_the_moment_is_now() -> None:
    outside = Outside()
    assert (await outside.post({"service": "checkout"})).status_code == 202
    (change,) = outside.ledger.kept_changes.values()
    assert (change.kind, change.what, change.at, change.outcome) == ("deploy", "checkout", NOW, "succeeded")


@pytest.mark.parametrize("moment", ["2026-05-01T02:51:00", "2026-05-01T04:51:00+02:00", 1777603860, 1777603860.0])
async def test_a_moment_is_read_in_any_zone_and_as_unix_time(moment: object) -> None:
    outside = Outside()
    assert (await outside.post(DEPLOY | {"at": moment})).status_code == 202
    (change,) = outside.ledger.kept_changes.values()
    assert change.at == NOW - timedelta(minutes=9)


async def test_the_same_again_is_the_same_change_and_an_id_is_the_senders_own() -> None:
    outside = Outside()
    for _ in range(2):
        await outside.post(DEPLOY)
        await outside.post([DEPLOY | {"id": "run-9", "outcome": "started"}])
    await outside.post(DEPLOY | {"id": "run-9", "outcome": "failed"})
    assert len(outside.ledger.kept_changes) == 2
    assert outside.ledger.kept_changes["checkout:run-9"].outcome == "failed"


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer other"}, {"authorization": "Basic c2VjcmV0"}])
async def test_a_stranger_is_refused_before_the_body_is_read(headers: dict[str, str]) -> None:
    outside = Outside()
    response = await outside.post(b"{", headers)
    assert response.status_code == 401
    assert "changes.auth" in response.json()["hint"]
    assert outside.counted("not_authenticated") == 1


async def test_without_a_secret_the_door_is_for_this_machine_alone() -> None:
    outside = Outside(changes=ChangesSettings())
    assert (await outside.post(DEPLOY, {})).status_code == 202
    assert (await outside.post(DEPLOY, {}, host="nightdesk.example.com")).status_code == 403
    guarded = {"alertmanager": AlertSourceSettings(auth=BearerAuth(token=SecretStr("t")))}
    reachable = Outside(changes=ChangesSettings(), host="0.0.0.0", alerts=guarded)
    response = await reachable.post(DEPLOY, {})
    assert (response.status_code, "changes.auth" in response.json()["hint"]) == (403, True)


async def test_a_signed_body_is_taken_and_a_changed_one_is_not() -> None:
    outside = Outside(changes=ChangesSettings(auth=HmacAuth(secret=SecretStr("s"))))
    body = json.dumps(DEPLOY).encode()
    signature = hmac.new(b"s", body, hashlib.sha256).hexdigest()
    assert (await outside.post(body, {"x-nightdesk-signature": f"sha256={signature}"})).status_code == 202
    assert (await outside.post(body + b" ", {"x-nightdesk-signature": signature})).status_code == 401


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "empty"),
        (b"{", 400, "not JSON"),
        ([], 422, "0 changes"),
        ("x", 422, "the body"),
        ([DEPLOY] * (MOST + 1), 422, "101 changes"),
        ({"to": "v1"}, 422, "service: Field required"),
        (DEPLOY | {"servise": "x"}, 422, "servise: Extra inputs"),
        (DEPLOY | {"kind": "party"}, 422, "kind: "),
        (DEPLOY | {"at": "yesterday"}, 422, "at: give the moment"),
        (DEPLOY | {"url": "javascript:x"}, 422, "url must begin"),
        (DEPLOY | {"at": "2026-05-01T04:00:00Z"}, 422, "in the future"),
        (DEPLOY | {"at": "2026-03-01T04:00:00Z"}, 422, "longer ago"),
        ([DEPLOY, {"service": " \n "}], 422, "Change 2: "),
    ],
)
async def test_a_body_that_does_not_fit_is_explained_and_nothing_of_it_is_kept(
    body: object, status: int, said: str
) -> None:
    outside = Outside()
    response = await outside.post(body)
    assert response.status_code == status
    assert said in response.json()["error"]
    assert response.json()["hint"]
    assert outside.ledger.kept_changes == {}


async def test_other_refusals_say_what_to_do() -> None:
    outside = Outside()
    assert (await outside.post(DEPLOY, method="GET")).json()["hint"] == "Send changes by POST."
    large = Outside(max_body_bytes=1024)
    assert (await large.post(DEPLOY | {"details": ["x" * 400] * 5})).status_code == 413


async def test_what_could_not_be_stored_is_not_acknowledged() -> None:
    outside = Outside(fails=True)
    response = await outside.post(DEPLOY)
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert response.json()["error"] == "The changes could not be stored, and are not accepted."


FIELDS = st.sampled_from(["service", "from", "to", "at", "kind", "url", "details", "id", "x"])
ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(FIELDS, inner),
)


@given(ANY)
def test_any_json_is_a_change_or_bad_input(value: object) -> None:
    with suppress(BadInput):
        assert all(change.service for _, change in posted(json.dumps(value).encode(), "posted", NOW, KEPT))

"""What the demo's watch tells a webhook is what the real Alertmanager tells it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo.metrics.rules import Firing, Rule, watch, webhook_body
from tests.servers.process import wait_until
from tests.servers.prometheus import Exposition, alertmanager_server

TOKEN = "demo-token"
NOW = datetime(2026, 3, 1, 3, 0, 0, 123_000, tzinfo=UTC)
RULE = Rule("Failing", "ratio > 0.2", 0.5, {"severity": "critical"}, {"summary": "{value:.0%} of payments fail"})


@dataclass
class Receiver:
    """A webhook that keeps what it is sent."""

    port: int
    refuse: int = 0
    """How many posts it turns away first."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str | None] = field(default_factory=set)

    async def told(self, status: str) -> dict[str, Any]:
        return next((body for body in self.bodies if body["status"] == status), {})


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            kept.refuse -= 1
            if kept.refuse < 0:
                kept.tokens.add(self.headers["Authorization"])
                kept.bodies.append(body)
            self.send_response(202 if kept.refuse < 0 else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Posts are no news."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        kept = Receiver(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as kept:
        yield kept


def shape(value: Any) -> Any:
    """The structure and the types of a body."""
    if isinstance(value, dict):
        return {name: shape(inner) for name, inner in value.items()}
    return [shape(inner) for inner in value] if isinstance(value, list) else type(value)


async def test_a_body_has_the_shape_and_the_identity_that_alertmanager_gives_it(
    receiver: Receiver, tmp_path: Path
) -> None:
    ours = webhook_body(
        RULE,
        Firing({"alertname": "Failing", "service": "payments", "severity": "critical"}, 0.4, NOW),
        prometheus_url="http://metrics",
    )
    posted = {name: ours["alerts"][0][name] for name in ("labels", "annotations", "startsAt", "generatorURL")}
    with alertmanager_server(tmp_path / "alertmanager", f"http://127.0.0.1:{receiver.port}/") as url:
        async with httpx.AsyncClient(trust_env=False) as client:
            (await client.post(f"{url}/api/v2/alerts", json=[posted])).raise_for_status()
        theirs = await wait_until(lambda: receiver.told("firing"), what="the webhook")
    assert shape(ours) == shape(theirs)
    same = ("version", "status", "receiver", "groupKey", "groupLabels", "commonLabels", "commonAnnotations")
    assert {name: ours[name] for name in same} == {name: theirs[name] for name in same}
    assert ours["alerts"][0] == theirs["alerts"][0]


async def test_the_watch_tells_firing_and_resolved_and_does_not_give_up(
    receiver: Receiver, exposition: Exposition, prometheus_url: str
) -> None:
    receiver.refuse = 2
    exposition.set('ratio{service="payments"}', 0.9)
    url = f"http://127.0.0.1:{receiver.port}/alerts/alertmanager"
    watching = asyncio.create_task(watch(RULE, prometheus_url, webhook_url=url, token=TOKEN, every_s=0.1))
    try:
        fired = await wait_until(lambda: receiver.told("firing"), what="firing")
        exposition.set('ratio{service="payments"}', 0.0)
        resolved = await wait_until(lambda: receiver.told("resolved"), what="resolved")
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
    assert fired["alerts"][0]["fingerprint"] == resolved["alerts"][0]["fingerprint"]
    assert fired["alerts"][0]["annotations"] == {"summary": "90% of payments fail"}
    assert receiver.tokens == {f"Bearer {TOKEN}"}
    assert len(receiver.bodies) == 2

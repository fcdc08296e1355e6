"""The alert door on a real server, with real senders."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry
from pydantic import SecretStr
from starlette.applications import Starlette

from bot.alerts.door import AlertDoor
from bot.models import Alert, AlertStatus, Receipt, Severity
from bot.settings import AlertSourceSettings, BearerAuth, Settings
from tests.servers.process import accepts, free_port, running, wait_until
from tests.servers.web import serving

TOKEN = "integration-token"


class RecordingIntake:
    """Keeps what it was given."""

    def __init__(self) -> None:
        self.alerts: list[Alert] = []

    async def accept(self, alerts: Sequence[Alert]) -> list[Receipt]:
        self.alerts += alerts
        return [Receipt(fingerprint=alert.fingerprint, outcome="opened", incident_id="7K2M") for alert in alerts]

    def last(self, status: AlertStatus) -> Alert | None:
        return next((alert for alert in reversed(self.alerts) if alert.status is status), None)


@contextmanager
def served(intake: RecordingIntake, settings: Settings) -> Iterator[int]:
    """The door on a port of its own."""
    door = AlertDoor(settings, intake, lambda: datetime.now(UTC), registry=CollectorRegistry())
    with serving(Starlette(routes=door.routes())) as port:
        yield port


@pytest.fixture
def intake() -> RecordingIntake:
    return RecordingIntake()


@pytest.fixture
def port(intake: RecordingIntake) -> Iterator[int]:
    with served(intake, Settings()) as number:
        yield number


async def test_a_posted_alert_reaches_the_intake(intake: RecordingIntake, port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        response = await client.post("/alerts/generic", json={"name": "Disk full", "severity": "page"})

    assert (response.status_code, response.json()["accepted"]) == (202, 1)
    assert [(alert.name, alert.severity) for alert in intake.alerts] == [("Disk full", Severity.CRITICAL)]


async def test_a_body_of_10_mb_is_refused_and_the_next_request_is_answered(intake: RecordingIntake, port: int) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        flood = json.dumps({"name": "x" * 10_000_000}).encode()
        status = await _status_of(port, b"Content-Length: %d\r\n" % len(flood), flood)
        chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(flood), flood)
        chunked_status = await _status_of(port, b"Transfer-Encoding: chunked\r\n", chunked)
        after = await client.post("/alerts/generic", json={"name": "Disk full"})

    assert (status, chunked_status, after.status_code) == (413, 413, 202)
    assert len(intake.alerts) == 1


async def test_alertmanager_delivers_an_alert_and_its_end(intake: RecordingIntake, tmp_path: Path) -> None:
    source = AlertSourceSettings(auth=BearerAuth(token=SecretStr(TOKEN)))
    with served(intake, Settings(alerts={"alertmanager": source})) as port, _alertmanager(port, tmp_path) as api:
        now = datetime.now(UTC)
        alert = {
            "labels": {"alertname": "PaymentErrorsHigh", "job": "payments", "severity": "critical"},
            "annotations": {"summary": "Payments fail", "runbook_url": "https://wiki.example.com/payments"},
            "startsAt": now.isoformat(),
            "generatorURL": "http://prometheus.example.com/graph",
        }
        await _post(api, alert)
        firing = await _arrival(intake, AlertStatus.FIRING)
        await _post(api, alert | {"endsAt": (now + timedelta(milliseconds=1)).isoformat()})
        resolved = await _arrival(intake, AlertStatus.RESOLVED)

    assert (firing.name, firing.service, firing.severity) == ("PaymentErrorsHigh", "payments", Severity.CRITICAL)
    assert (firing.summary, firing.ends_at) == ("Payments fail", None)
    assert firing.url == "http://prometheus.example.com/graph"
    assert firing.runbook_url == "https://wiki.example.com/payments"
    assert firing.starts_at is not None
    assert abs(firing.starts_at - now) < timedelta(milliseconds=2)
    assert resolved.ends_at is not None
    assert (resolved.fingerprint, resolved.group_key) == (firing.fingerprint, firing.group_key)


@contextmanager
def _alertmanager(door: int, folder: Path) -> Iterator[str]:
    """The address of a real Alertmanager that sends everything to the door at once."""
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program, "alertmanager is missing: run scripts/test, which installs it"
    webhook = {
        "url": f"http://127.0.0.1:{door}/alerts/alertmanager",
        "send_resolved": True,
        "http_config": {"authorization": {"type": "Bearer", "credentials": TOKEN}},
    }
    config = {
        "route": {"receiver": "nightdesk", "group_wait": "0s", "group_interval": "50ms", "group_by": ["alertname"]},
        "receivers": [{"name": "nightdesk", "webhook_configs": [webhook]}],
    }
    (folder / "alertmanager.yml").write_text(json.dumps(config))  # JSON is YAML
    port = free_port()
    command = [program, f"--config.file={folder / 'alertmanager.yml'}", f"--storage.path={folder}",
               f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]  # fmt: skip
    with running(command, log=folder / "log", ready=lambda: accepts(port)):
        yield f"http://127.0.0.1:{port}"


async def _post(api: str, alert: Mapping[str, object]) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        (await client.post(f"{api}/api/v2/alerts", json=[alert])).raise_for_status()


async def _arrival(intake: RecordingIntake, status: AlertStatus) -> Alert:
    async def arrived() -> Alert | None:
        return intake.last(status)

    alert = await wait_until(arrived, what=f"a {status} alert")
    assert alert
    return alert


async def _status_of(port: int, header: bytes, body: bytes) -> int:
    """The status that the server answers while the body is still being sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    head = b"POST /alerts/generic HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    writer.write(head + header + b"\r\n" + body)
    answer = await reader.readline()
    writer.transport.abort()
    return int(answer.split()[1])

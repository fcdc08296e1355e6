"""Uptime Kuma's webhook."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.uptime_kuma import parse
from bot.errors import BadInput
from bot.models import AlertStatus
from tests.unit.alerts.payloads import payload


def test_a_monitor_that_is_down_is_a_firing_alert() -> None:
    (alert,) = parse(payload("uptime_kuma/down"))

    assert (alert.name, alert.status, alert.service) == ("shop front", AlertStatus.FIRING, "shop")
    assert alert.summary == "connect ECONNREFUSED 10.0.0.7:443"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, 739_000, UTC)
    assert alert.labels == {
        "service": "shop",
        "public": "",
        "monitor_type": "http",
        "target": "https://shop.example.com/health",
    }
    assert (alert.url, alert.severity) == (None, None)


def test_a_monitor_that_is_up_again_is_the_same_alert_with_an_end() -> None:
    (down,) = parse(payload("uptime_kuma/down"))
    (up,) = parse(payload("uptime_kuma/up"))

    assert (up.status, up.fingerprint) == (AlertStatus.RESOLVED, down.fingerprint)
    assert up.ends_at == datetime(2026, 3, 14, 3, 21, 11, 739_000, UTC)


def test_a_message_about_a_certificate_is_an_alert_and_a_test_is_none() -> None:
    (alert,) = parse(payload("uptime_kuma/certificate"))

    assert alert.name.endswith("Certificate will expire in 7 days")
    assert parse(payload("uptime_kuma/test")) == []


def test_a_monitor_without_a_name_is_refused() -> None:
    with pytest.raises(BadInput, match=r"monitor\.name: this field is missing"):
        parse({"heartbeat": {}, "monitor": {"id": 1}, "msg": "x"})

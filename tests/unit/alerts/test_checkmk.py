"""Checkmk's notification script."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.checkmk import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_a_service_that_is_critical_is_a_firing_alert_with_its_labels() -> None:
    (alert,) = parse(payload("checkmk/firing"))

    assert (alert.name, alert.status, alert.severity) == ("HTTP payments", AlertStatus.FIRING, Severity.CRITICAL)
    assert (alert.service, alert.environment, alert.starts_at) == ("payments", "production", AT)
    assert alert.labels["cmk/os_family"] == "linux"


def test_a_host_that_is_down_has_no_service() -> None:
    (alert,) = parse(payload("checkmk/host-down"))

    assert (alert.name, alert.severity, alert.starts_at) == ("pay-3.example.com", Severity.CRITICAL, AT)


def test_a_custom_notification_changes_nothing() -> None:
    assert parse(payload("checkmk/custom")) == []


def test_a_body_without_a_host_is_refused() -> None:
    with pytest.raises(BadInput, match="host: this field is missing"):
        parse({"NOTIFICATIONTYPE": "PROBLEM"})

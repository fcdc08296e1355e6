"""Pingdom's state change webhook."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.pingdom import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_a_check_that_is_down_is_a_firing_alert() -> None:
    (alert,) = parse(payload("pingdom/firing"))

    assert (alert.name, alert.status, alert.severity) == ("shop front", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.starts_at) == ("shop", AT)
    assert alert.labels["target"] == "https://shop.example.com/health"


def test_a_transaction_that_fails_fires_too() -> None:
    (alert,) = parse(payload("pingdom/transaction"))

    assert (alert.status, alert.severity, alert.service) == (AlertStatus.FIRING, Severity.LOW, None)


def test_a_body_without_a_check_is_refused() -> None:
    with pytest.raises(BadInput, match="check_id: this field is missing"):
        parse({"current_state": "DOWN"})

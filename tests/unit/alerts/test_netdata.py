"""Netdata Cloud's webhook."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.netdata import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_an_alert_is_told_with_its_chart() -> None:
    (alert,) = parse(payload("netdata/firing"))

    assert (alert.name, alert.status, alert.severity) == ("10min_cpu_usage", AlertStatus.FIRING, Severity.CRITICAL)
    assert (alert.labels["chart"], alert.starts_at, alert.service) == ("system.cpu", AT, None)


def test_a_node_that_is_reachable_again_is_the_same_alert_with_an_end() -> None:
    (lost,), (found,) = parse(payload("netdata/unreachable")), parse(payload("netdata/reachable"))

    assert (lost.status, found.status) == (AlertStatus.FIRING, AlertStatus.RESOLVED)
    assert (lost.fingerprint, lost.labels) == (found.fingerprint, {"host": "payments-1"})


def test_a_body_without_an_alert_is_refused() -> None:
    with pytest.raises(BadInput, match="alert is missing"):
        parse({"severity": "critical"})

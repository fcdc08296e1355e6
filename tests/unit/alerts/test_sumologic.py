"""Sumo Logic's webhook connection."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.sumologic import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_a_monitor_that_is_critical_is_a_firing_alert_of_its_group() -> None:
    (alert,) = parse(payload("sumologic/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Payment errors", AlertStatus.FIRING, Severity.CRITICAL)
    assert (alert.service, alert.environment, alert.starts_at) == ("payments", "production", AT)


def test_the_warning_of_a_monitor_is_another_alert_than_its_critical_one() -> None:
    body = payload("sumologic/firing")
    (critical,), (warning,) = parse(body), parse({**body, "triggerType": "Warning"})

    assert critical.fingerprint != warning.fingerprint


def test_missing_data_has_no_grade() -> None:
    (alert,) = parse(payload("sumologic/odd"))

    assert (alert.status, alert.severity, alert.starts_at) == (AlertStatus.FIRING, None, None)


def test_a_body_without_a_name_is_refused() -> None:
    with pytest.raises(BadInput, match="name: this field is missing"):
        parse({"triggerType": "Critical"})

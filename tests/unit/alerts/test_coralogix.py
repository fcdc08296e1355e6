"""Coralogix's generic webhook."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.coralogix import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_a_triggered_alert_is_of_its_subsystem() -> None:
    (alert,) = parse(payload("coralogix/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Payments fail", AlertStatus.FIRING, Severity.CRITICAL)
    assert (alert.service, alert.starts_at) == ("payments", AT)


def test_variables_that_were_not_filled_say_nothing() -> None:
    (alert,) = parse(payload("coralogix/firing"))

    said = [alert.service, *alert.labels.values(), *alert.annotations.values()]
    assert not [text for text in said if text and (text.startswith("$") or text == "N/A")]


def test_a_body_without_an_alert_is_refused() -> None:
    with pytest.raises(BadInput, match="alert_id: this field is missing"):
        parse({"alert_action": "trigger"})

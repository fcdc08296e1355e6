"""Graylog's HTTP notification."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.graylog import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_an_event_is_told_with_its_fields_as_labels() -> None:
    (alert,) = parse(payload("graylog/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Payment errors", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.environment, alert.starts_at) == ("payments", "production", AT)
    assert alert.summary == "Payment errors: payments - count()=184.0"


def test_another_key_is_another_alert() -> None:
    body = payload("graylog/firing")
    (first,) = parse(body)
    (second,) = parse({**body, "event": {**body["event"], "key_tuple": ["search"], "group_by_fields": {}}})

    assert first.fingerprint != second.fingerprint


def test_a_body_without_an_event_is_refused() -> None:
    with pytest.raises(BadInput, match="event: this field is missing"):
        parse({"event_definition_id": "x"})

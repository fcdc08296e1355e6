"""Opsgenie's alert action data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.opsgenie import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_a_created_alert_takes_its_service_from_its_details() -> None:
    (alert,) = parse(payload("opsgenie/create"))

    assert (alert.name, alert.status, alert.severity) == ("Mail queue is long", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.environment, alert.summary) == ("mailer", "production", "4,211 messages wait")
    assert alert.labels["team"] == "mail"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, 104_000, UTC)
    assert alert.runbook_url == "https://wiki.example.com/mail"


def test_a_closed_alert_is_the_same_alert_with_an_end() -> None:
    (created,) = parse(payload("opsgenie/create"))
    (closed,) = parse(payload("opsgenie/close"))

    assert (closed.status, closed.fingerprint) == (AlertStatus.RESOLVED, created.fingerprint)
    assert closed.ends_at == datetime(2026, 3, 14, 3, 14, 21, tzinfo=UTC)
    assert closed.severity is None


def test_an_acknowledgement_is_told_and_a_note_is_no_alert() -> None:
    (alert,) = parse(payload("opsgenie/acknowledge"))

    assert (alert.status, alert.service) == (AlertStatus.ACKNOWLEDGED, "mail-1")
    assert parse(payload("opsgenie/note")) == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"action": "Create"}, "alert: this field is missing"),
        ({"action": "Create", "alert": {"alertId": None}}, "alert.alertId: "),
        ({"action": "Create", "alert": {"alertId": "1", "tags": 7}}, "alert.tags: "),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, place: str) -> None:
    with pytest.raises(BadInput, match=place.replace(".", r"\.")):
        parse(body)

"""Google Cloud Monitoring's notifications."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.gcp import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_an_open_incident_has_the_labels_of_resource_metric_and_policy() -> None:
    (alert,) = parse(payload("gcp/open"))

    assert (alert.name, alert.status, alert.severity) == ("Checkout fails", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.environment) == ("checkout", "production")
    assert alert.labels["response_code_class"] == "5xx"
    assert alert.labels["condition"] == "5xx above 1 %"
    assert alert.annotations["observed_value"] == "0.043"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)
    assert alert.runbook_url == "https://wiki.example.com/checkout"


def test_a_closed_incident_is_the_same_alert_with_an_end() -> None:
    (opened,) = parse(payload("gcp/open"))
    (closed,) = parse(payload("gcp/closed"))

    assert (closed.status, closed.fingerprint) == (AlertStatus.RESOLVED, opened.fingerprint)
    assert closed.ends_at == datetime(2026, 3, 14, 3, 14, 21, tzinfo=UTC)


def test_the_senders_test_notice_with_times_of_zero_is_an_alert_without_times() -> None:
    (alert,) = parse(payload("gcp/test"))

    assert (alert.status, alert.starts_at, alert.ends_at, alert.severity) == (AlertStatus.FIRING, None, None, None)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"version": "1.2"}, "incident: this field is missing"),
        ({"incident": {"incident_id": "1", "resource": {"labels": []}}}, "incident.resource.labels: an object"),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, place: str) -> None:
    with pytest.raises(BadInput, match=place.replace(".", r"\.")):
        parse(body)

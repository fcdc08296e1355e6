"""Azure Monitor's common alert schema."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.azure import parse, recognises
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_a_fired_alert_has_azures_own_scale_of_severities() -> None:
    (alert,) = parse(payload("azure/fired"))

    assert (alert.name, alert.status, alert.severity) == ("Orders: CPU", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.environment, alert.labels["resource"]) == ("orders", "production", "orders-vm")
    assert alert.annotations["values"] == "Percentage CPU=97.25 (threshold 90)"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, 371_321, UTC)
    assert alert.url == "https://portal.azure.com/#view/alert"
    assert alert.fingerprint.endswith("/alerts/b9569717-bc32-442f-add5-83a997729330")


def test_the_resolved_notice_is_the_same_alert_with_an_end() -> None:
    (fired,) = parse(payload("azure/fired"))
    (resolved,) = parse(payload("azure/resolved"))

    assert (resolved.status, resolved.fingerprint) == (AlertStatus.RESOLVED, fired.fingerprint)
    assert resolved.ends_at == datetime(2026, 3, 14, 3, 3, 16, 224_631, UTC)


def test_an_alert_that_measures_nothing_is_about_its_one_target() -> None:
    (alert,) = parse(payload("azure/activity-log"))

    assert (alert.service, alert.severity, alert.summary) == ("pictures", Severity.LOW, None)
    assert "values" not in alert.annotations


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"schemaId": "azureMonitorCommonAlertSchema"}, "data: this field is missing"),
        ({"data": {"essentials": {"alertId": "/a"}}}, "data.essentials.alertRule: this field is missing"),
        (
            {"data": {"essentials": {"alertId": "/a", "alertRule": "r"}, "alertContext": {"condition": 1}}},
            "data.alertContext.condition: an object",
        ),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, place: str) -> None:
    with pytest.raises(BadInput, match=place.replace(".", r"\.")):
        parse(body)


@pytest.mark.parametrize("schema", [[], {}, None, 7, "another"])
def test_what_names_no_schema_of_azures_is_not_recognised(schema: object) -> None:
    assert not recognises({"schemaId": schema, "data": {}})

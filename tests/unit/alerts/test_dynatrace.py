"""Dynatrace's problem notification."""

from __future__ import annotations

import pytest

from bot.alerts.dynatrace import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_an_open_problem_is_a_firing_alert_of_the_one_service_that_is_impacted() -> None:
    (alert,) = parse(payload("dynatrace/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Failure rate increase", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.environment) == ("payments", "production")
    assert alert.url
    assert alert.starts_at is None, "Dynatrace's payload does not say when it began"


def test_a_problem_that_was_merged_into_another_is_over_and_of_two_services_none_is_chosen() -> None:
    (alert,) = parse(payload("dynatrace/merged"))

    assert (alert.status, alert.service) == (AlertStatus.RESOLVED, None)


def test_a_custom_alert_has_no_grade_of_its_own() -> None:
    (alert,) = parse(payload("dynatrace/odd"))

    assert (alert.severity, alert.url, alert.fingerprint) == (None, None, "dynatrace:P-1")


def test_a_body_without_a_problem_is_refused() -> None:
    with pytest.raises(BadInput, match="problem_id: this field is missing"):
        parse({"State": "OPEN"})

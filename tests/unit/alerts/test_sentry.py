"""Sentry's integration webhooks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.sentry import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_an_issue_alert_is_named_by_its_rule_and_summed_up_by_the_error() -> None:
    (alert,) = parse(payload("sentry/issue-alert"))

    assert (alert.name, alert.status, alert.severity) == (
        "Payments: many new errors",
        AlertStatus.FIRING,
        Severity.HIGH,
    )
    assert (alert.service, alert.environment) == ("payments", "production")
    assert alert.summary == "TimeoutError: no answer from ledger"
    assert alert.labels["handled"] == "no"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, 677_000, UTC)


def test_the_resolved_issue_is_the_alert_that_it_set_off() -> None:
    (fired,) = parse(payload("sentry/issue-alert"))
    (resolved,) = parse(payload("sentry/issue-resolved"))

    assert (resolved.status, resolved.fingerprint) == (AlertStatus.RESOLVED, fired.fingerprint)
    assert resolved.service == "payments"


def test_a_metric_alert_is_as_bad_as_its_trigger_says() -> None:
    (critical,) = parse(payload("sentry/metric-critical"))
    (resolved,) = parse(payload("sentry/metric-resolved"))

    assert (critical.name, critical.severity) == ("Too many errors", Severity.CRITICAL)
    assert (resolved.status, resolved.fingerprint) == (AlertStatus.RESOLVED, critical.fingerprint)
    assert resolved.ends_at == datetime(2026, 3, 14, 3, 20, tzinfo=UTC)


@pytest.mark.parametrize("body", ["sentry/issue-assigned", "sentry/installation"])
def test_what_changes_no_alert_is_no_alert(body: str) -> None:
    assert parse(payload(body)) == []


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"action": "created"}, "data: this field is missing"),
        ({"action": "created", "data": {"issue": {"id": None}}}, "data.issue.id: "),
        ({"action": "critical", "data": {"metric_alert": "x"}}, "data.metric_alert: an object"),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, place: str) -> None:
    with pytest.raises(BadInput, match=place.replace(".", r"\.")):
        parse(body)

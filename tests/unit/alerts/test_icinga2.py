"""Icinga 2's notification command."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.icinga2 import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload

AT = datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)


def test_a_service_that_is_critical_is_a_firing_alert() -> None:
    (alert,) = parse(payload("icinga2/firing"))

    assert (alert.name, alert.status, alert.severity) == ("Payments over HTTP", AlertStatus.FIRING, Severity.CRITICAL)
    assert (alert.service, alert.environment, alert.starts_at) == ("payments", "production", AT)
    assert alert.runbook_url == "https://wiki.example.com/payments-http"


def test_an_acknowledgement_is_told_and_flapping_changes_nothing() -> None:
    (alert,) = parse(payload("icinga2/acknowledged"))

    assert (alert.status, alert.annotations["author"]) == (AlertStatus.ACKNOWLEDGED, "mina")
    assert parse(payload("icinga2/flapping")) == []


def test_a_host_that_is_down_is_another_alert_than_its_services() -> None:
    (host,), (service,) = parse(payload("icinga2/host-down")), parse(payload("icinga2/firing"))

    assert (host.name, host.severity, host.service) == ("pay-3", Severity.CRITICAL, None)
    assert host.fingerprint != service.fingerprint


def test_a_body_without_a_host_is_refused() -> None:
    with pytest.raises(BadInput, match="host_name: this field is missing"):
        parse({"notification_type": "PROBLEM"})


@pytest.mark.parametrize(
    ("kind", "status"),
    [("AcknowledgementSet", AlertStatus.ACKNOWLEDGED), ("DowntimeStarted", AlertStatus.SUPPRESSED)],
)
def test_an_event_of_the_stream_may_be_worth_a_notification_of_another_name(kind: str, status: AlertStatus) -> None:
    (alert,) = parse({**payload("icinga2/stream-problem"), "type": kind})

    assert alert.status is status


def test_a_state_that_may_still_change_back_is_no_news() -> None:
    assert parse(payload("icinga2/stream-soft")) == []


def test_a_state_may_be_told_by_number_or_in_words() -> None:
    body = payload("icinga2/stream-problem")
    (numbered,), (worded,) = parse(body), parse({**body, "check_result": {"state": "CRITICAL"}})

    assert numbered.severity is worded.severity is Severity.CRITICAL

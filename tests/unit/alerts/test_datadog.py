"""Datadog's webhooks."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.datadog import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_a_triggered_monitor_is_named_without_what_datadog_writes_before_its_name() -> None:
    (alert,) = parse(payload("datadog/triggered"))

    assert (alert.name, alert.status, alert.severity) == ("Cart is slow", AlertStatus.FIRING, Severity.HIGH)
    assert (alert.service, alert.environment) == ("cart", "production")
    assert alert.labels["host"] == "cart-1"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC)
    assert alert.url == "https://app.datadoghq.com/event/jump_to?event_id=123456"
    assert alert.fingerprint == "datadog:9bd4ac313a4d1e8fae2482df7b77628"


def test_a_recovered_monitor_is_the_same_alert_with_an_end() -> None:
    (triggered,) = parse(payload("datadog/triggered"))
    (recovered,) = parse(payload("datadog/recovered"))

    assert (recovered.status, recovered.fingerprint) == (AlertStatus.RESOLVED, triggered.fingerprint)
    assert (recovered.starts_at, recovered.ends_at) == (None, datetime(2026, 3, 14, 3, 14, 21, tzinfo=UTC))


def test_the_default_payload_tells_transition_and_group_in_its_title() -> None:
    (alert,) = parse(payload("datadog/default-payload"))

    assert (alert.name, alert.status) == ("Disk is filling up", AlertStatus.FIRING)
    assert alert.severity is Severity.WARNING
    assert alert.labels == {"device": "/dev/sda1"}


def test_groups_of_one_monitor_stay_apart_and_each_finds_its_recovery() -> None:
    titles = ["[Triggered on {d:a}] Full", "[Triggered on {d:b}] Full", "[Recovered on {d:a}] Full"]
    first, second, recovered = (parse({"title": title})[0] for title in titles)

    assert first.fingerprint == recovered.fingerprint != second.fingerprint
    assert recovered.status is AlertStatus.RESOLVED


@pytest.mark.parametrize("name", ["[team] Cart is slow", "[Warnings] many", "[P1]"])
def test_brackets_of_the_monitors_own_name_stay(name: str) -> None:
    assert parse({"alert_title": name})[0].name == name


def test_a_notice_without_a_title_is_refused() -> None:
    with pytest.raises(BadInput, match="title and alert_title are missing"):
        parse({"alert_transition": "Triggered"})


@pytest.mark.parametrize(
    ("priority", "severity"), [("P1", Severity.CRITICAL), ("2", Severity.HIGH), (4, Severity.INFO)]
)
def test_a_priority_is_a_letter_with_a_number_or_a_number(priority: object, severity: Severity) -> None:
    (alert,) = parse({"title": "Disk", "alert_transition": "Triggered", "priority": priority})

    assert alert.severity is severity


def test_the_priority_may_stand_before_the_name() -> None:
    (alert,) = parse({"title": "[P5] [Triggered] Disk"})

    assert (alert.name, alert.severity) == ("Disk", Severity.LOW)


@pytest.mark.parametrize(("kind", "status"), [("success", AlertStatus.RESOLVED), ("error", AlertStatus.FIRING)])
def test_a_notice_without_a_transition_says_by_its_type_whether_all_is_well(kind: str, status: AlertStatus) -> None:
    (alert,) = parse({"title": "Disk", "alert_type": kind})

    assert alert.status is status

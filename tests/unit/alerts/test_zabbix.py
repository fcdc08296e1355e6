"""Zabbix's webhook media type."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.zabbix import parse
from bot.errors import BadInput
from bot.models import AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_a_problem_takes_its_service_from_its_tags() -> None:
    (alert,) = parse(payload("zabbix/problem"))

    assert (alert.name, alert.status) == ("Disk of ledger-1 is almost full", AlertStatus.FIRING)
    assert (alert.severity, alert.service, alert.environment) == (Severity.HIGH, "ledger", "production")
    assert alert.labels["host"] == "ledger-1"
    assert alert.summary == "Free: 3 %"
    assert (alert.starts_at, alert.ends_at) == (datetime(2026, 3, 14, 2, 57, 41, tzinfo=UTC), None)
    assert alert.url == "https://zabbix.example.com/tr_events.php?triggerid=21990&eventid=48213"


def test_a_recovery_is_the_same_alert_with_an_end() -> None:
    (problem,) = parse(payload("zabbix/problem"))
    (recovery,) = parse(payload("zabbix/recovery"))

    assert (recovery.status, recovery.fingerprint) == (AlertStatus.RESOLVED, problem.fingerprint)
    assert recovery.ends_at == datetime(2026, 3, 14, 3, 14, 21, tzinfo=UTC)


def test_an_update_may_say_that_somebody_has_acknowledged() -> None:
    (alert,) = parse(payload("zabbix/acknowledged"))

    assert alert.status is AlertStatus.ACKNOWLEDGED


def test_macros_that_zabbix_could_not_fill_say_nothing() -> None:
    (alert,) = parse(payload("zabbix/sparse"))

    assert (alert.name, alert.severity) == ("Ping", Severity.WARNING)
    assert alert.labels["scope"] == "availability"
    assert (alert.service, alert.starts_at, alert.url) == (None, None, None)


def test_a_problem_without_an_event_is_refused() -> None:
    with pytest.raises(BadInput, match="event_id: this field is missing"):
        parse({"event_name": "Ping"})


@pytest.mark.parametrize(
    ("action", "status"),
    [
        ("acknowledged", AlertStatus.ACKNOWLEDGED),
        ("commented, acknowledged", AlertStatus.ACKNOWLEDGED),
        ("suppressed", AlertStatus.SUPPRESSED),
        ("unsuppressed", AlertStatus.FIRING),
        ("unacknowledged", AlertStatus.FIRING),
        ("commented", AlertStatus.FIRING),
    ],
)
def test_an_update_says_what_was_done_to_the_problem(action: str, status: AlertStatus) -> None:
    update = {"event_update_status": "1", "event_update_action": action, "event_ack_status": "No"}
    (alert,) = parse({**payload("zabbix/problem"), **update})

    assert alert.status is status


def test_a_problem_is_over_by_its_value_or_else_by_its_status() -> None:
    (over,) = parse({"event_id": "1", "event_name": "Disk", "trigger_status": "RESOLVED"})
    (fires,) = parse({"event_id": "1", "event_name": "Disk", "event_value": "1", "trigger_status": "OK"})

    assert (over.status, fires.status) == (AlertStatus.RESOLVED, AlertStatus.FIRING)

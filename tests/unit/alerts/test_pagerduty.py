"""PagerDuty's webhooks of version 3, and events for its Events API v2."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.pagerduty import parse
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_a_triggered_incident_is_a_firing_alert_of_its_service() -> None:
    assert parse(payload("pagerduty/triggered")) == [
        Alert(
            source="pagerduty",
            name="Payments fail",
            status=AlertStatus.FIRING,
            severity=Severity.CRITICAL,
            service="Payments",
            labels={
                "urgency": "high",
                "priority": "P1",
                "team": "Money",
                "escalation_policy": "Default",
                "incident_key": "d3640fbd41094207a1c11e58e46b1662",
            },
            starts_at=datetime(2026, 3, 14, 2, 58, 2, tzinfo=UTC),
            url="https://shop.pagerduty.com/incidents/Q0RLH1PAYMNTS",
            fingerprint="pagerduty:Q0RLH1PAYMNTS",
        )
    ]


def test_a_resolved_incident_is_the_same_alert_and_ends_when_the_event_happened() -> None:
    (alert,) = parse(payload("pagerduty/resolved"))

    assert (alert.status, alert.fingerprint) == (AlertStatus.RESOLVED, "pagerduty:Q0RLH1PAYMNTS")
    assert alert.ends_at == datetime(2026, 3, 14, 3, 21, 40, 500_000, UTC)


def test_without_a_priority_the_urgency_says_how_bad_it_is() -> None:
    (alert,) = parse(payload("pagerduty/acknowledged"))

    assert (alert.status, alert.severity, alert.ends_at) == (AlertStatus.ACKNOWLEDGED, Severity.HIGH, None)


def test_a_note_is_no_alert() -> None:
    assert parse(payload("pagerduty/note")) == []


def test_a_trigger_event_keeps_its_details_and_never_its_routing_key() -> None:
    (alert,) = parse(payload("pagerduty/event-trigger"))

    assert (alert.name, alert.status, alert.severity) == (
        "Disk of ledger-1 is 97 % full",
        AlertStatus.FIRING,
        Severity.HIGH,
    )
    assert alert.service == "postgres"
    assert alert.labels == {
        "source": "ledger-1.example.com",
        "component": "postgres",
        "group": "prod-ledger",
        "class": "disk",
    }
    assert alert.annotations["load avg"] == "0.75"
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, 315_000, UTC)
    assert alert.url == "https://disks.example.com/ledger-1"
    assert alert.runbook_url == "https://wiki.example.com/disks/full"
    assert "0123456789abcdef" not in alert.model_dump_json()


def test_a_resolve_event_finds_its_alert_by_the_deduplication_key() -> None:
    (trigger,) = parse(payload("pagerduty/event-trigger"))
    (resolve,) = parse(payload("pagerduty/event-resolve"))

    assert (resolve.status, resolve.fingerprint) == (AlertStatus.RESOLVED, trigger.fingerprint)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "event: this field is missing"),
        ({"event": {"event_type": "incident.triggered", "data": {"type": "incident"}}}, "event.data.id: "),
        ({"event_action": "trigger", "payload": {"source": "x"}}, "payload.summary: "),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, place: str) -> None:
    with pytest.raises(BadInput, match=place.replace(".", r"\.")):
        parse(body)

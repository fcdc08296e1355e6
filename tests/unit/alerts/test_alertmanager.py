"""Alertmanager's webhook, version 4."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.alertmanager import parse
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Severity
from tests.unit.alerts.payloads import payload

RULE = "http://prometheus.example.com:9090/graph?g0.expr=rate%28payment_errors_total%5B5m%5D%29+%3E+0.1&g0.tab=1"


def test_a_firing_alert_keeps_everything_that_its_sender_said() -> None:
    assert parse(payload("alertmanager/firing")) == [
        Alert(
            source="alertmanager",
            name="PaymentErrorsHigh",
            status=AlertStatus.FIRING,
            severity=Severity.CRITICAL,
            service="payments",
            environment="production",
            summary="Payments fail",
            labels={
                "alertname": "PaymentErrorsHigh",
                "env": "production",
                "instance": "pay-3:9100",
                "job": "pay-exporter",
                "service": "payments",
                "severity": "page",
            },
            annotations={
                "description": "12.4 % of the payments of the last 5 minutes failed.",
                "runbook_url": "https://wiki.example.com/payments/errors",
                "summary": "Payments fail",
            },
            starts_at=datetime(2026, 3, 14, 2, 57, 41, 739266, UTC),
            ends_at=None,
            url=RULE,
            runbook_url="https://wiki.example.com/payments/errors",
            fingerprint="1f2d5a0c9b7e4d63",
            group_key='{}/{team="payments"}:{alertname="PaymentErrorsHigh"}',
        )
    ]


def test_the_resolved_notice_is_the_same_alert_with_an_end_in_utc() -> None:
    (firing,) = parse(payload("alertmanager/firing"))
    (resolved,) = parse(payload("alertmanager/resolved"))

    assert resolved.status is AlertStatus.RESOLVED
    assert resolved.ends_at == datetime(2026, 3, 14, 3, 21, 11, 739000, UTC)
    assert (resolved.fingerprint, resolved.group_key) == (firing.fingerprint, firing.group_key)


@pytest.mark.parametrize("named", [True, False])
def test_without_a_fingerprint_firing_and_resolved_are_still_the_same_alert(named: bool) -> None:
    bodies = [payload("alertmanager/firing"), payload("alertmanager/resolved")]
    for body in bodies:
        del body["alerts"][0]["fingerprint"]
        if not named:
            del body["alerts"][0]["labels"]["alertname"]
        body["alerts"][0]["labels"]["value"] = body["status"]

    (firing,), (resolved,) = (parse(body) for body in bodies)

    assert firing.fingerprint == resolved.fingerprint != ""


def test_a_group_gives_each_alert_with_its_own_status() -> None:
    down, full = parse(payload("alertmanager/grouped"))

    assert (down.name, down.status, down.service, down.severity) == ("NodeDown", "firing", "node", "critical")
    assert (full.name, full.status, full.service, full.severity) == ("DiskFull", "resolved", "ledger", "warning")
    assert down.annotations == full.annotations == {"truncatedAlerts": "3"}
    assert down.group_key == full.group_key == '{}:{cluster="eu-1"}'


def test_odd_values_lose_no_alert_and_nothing_is_invented() -> None:
    unnamed, japanese = parse(payload("alertmanager/odd"))

    assert unnamed.name == '{instance="db-1", ports="[5432, 5433]", primary="true", ratio="0.25", shard="7"}'
    assert unnamed.status is AlertStatus.FIRING
    assert "zone" not in unnamed.labels
    empty = ("severity", "service", "summary", "starts_at", "ends_at", "url", "runbook_url", "group_key")
    assert [getattr(unnamed, field) for field in empty] == [None] * len(empty)
    assert (japanese.name, japanese.service) == ("決済エラー 🔥", "決済")
    assert japanese.summary == "多くの支払いが 失敗しています"
    assert (japanese.severity, japanese.runbook_url) == (None, None)


def test_an_alert_of_vmalert_links_to_vmalert() -> None:
    (alert,) = parse(payload("alertmanager/vmalert"))

    assert alert.url == "http://vmalert.example.com:8880/vmalert/alert?group_id=1784&alert_id=2249"
    assert (alert.service, alert.severity) == ("cart", Severity.CRITICAL)


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "alerts: this field is missing"),
        ({"alerts": None}, "alerts: "),
        ({"alerts": [{}]}, "alerts.0: the alert has no labels"),
        ({"alerts": [{"labels": {"alertname": "A"}}, {"labels": "A"}]}, "alerts.1.labels: an object"),
        ({"alerts": [7]}, "alerts.0: an object is expected here"),
        ([], "The body is a list, but Alertmanager sends a JSON object"),
        (None, "The body is null"),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, place: str) -> None:
    with pytest.raises(BadInput, match=place.replace(".", r"\.")):
        parse(body)


def test_a_refusal_names_only_the_first_few_of_many_problems() -> None:
    with pytest.raises(BadInput, match="and 95 more") as refusal:
        parse({"alerts": [0] * 100})
    assert len(str(refusal.value)) < 500

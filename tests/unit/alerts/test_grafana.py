"""Grafana's webhooks: unified alerting and legacy alerting."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.grafana import parse
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Severity
from tests.unit.alerts.payloads import payload


def test_a_firing_alert_keeps_the_values_and_pages_that_grafana_gives() -> None:
    silence = "https://grafana.example.com/alerting/silence/new?alertmanager=grafana&matcher=alertname%3DCheckout"
    assert parse(payload("grafana/firing")) == [
        Alert(
            source="grafana",
            name="Checkout is slow",
            status=AlertStatus.FIRING,
            severity=Severity.WARNING,
            service="checkout",
            summary="Checkout takes 4.2 s",
            labels={
                "alertname": "Checkout is slow",
                "grafana_folder": "shop",
                "service": "checkout",
                "severity": "warning",
            },
            annotations={
                "values": "B=4.2, C=1",
                "panelURL": "https://grafana.example.com/d/shop?viewPanel=4",
                "silenceURL": silence,
                "description": "p99 is above two seconds",
                "runbook_url": "https://wiki.example.com/checkout/slow",
                "summary": "Checkout takes 4.2 s",
            },
            starts_at=datetime(2026, 3, 14, 2, 51, 3, 157076, UTC),
            url="https://grafana.example.com/alerting/grafana/bdw1/view",
            runbook_url="https://wiki.example.com/checkout/slow",
            fingerprint="c6eadffa33fcdf37",
            group_key='{}/{}:{alertname="Checkout is slow"}',
        )
    ]


def test_the_resolved_notice_is_the_same_alert_with_an_end() -> None:
    (firing,) = parse(payload("grafana/firing"))
    (resolved,) = parse(payload("grafana/resolved"))

    assert (resolved.status, resolved.fingerprint) == (AlertStatus.RESOLVED, firing.fingerprint)
    assert resolved.ends_at == datetime(2026, 3, 14, 3, 6, 3, 157076, UTC)


def test_the_url_is_the_rules_page_else_the_panel_else_the_silence_form() -> None:
    no_rule_page, no_panel = parse(payload("grafana/grouped"))

    assert no_rule_page.url == "https://grafana.example.com/d/orders?viewPanel=2"
    assert no_panel.url == "https://grafana.example.com/alerting/silence/new"


def test_an_annotation_of_the_rule_wins_over_what_grafana_adds_under_that_name() -> None:
    _, stuck = parse(payload("grafana/grouped"))

    assert stuck.annotations["values"] == "as the rule's author wrote them"
    assert (stuck.service, stuck.severity) == ("orders", Severity.HIGH)


def test_a_legacy_rule_has_the_labels_on_which_its_series_agree() -> None:
    (alert,) = parse(payload("grafana/legacy-firing"))

    assert (alert.name, alert.status, alert.service) == ("Payments CPU", AlertStatus.FIRING, "payments")
    assert alert.labels == {"service": "payments", "severity": "crit"}
    assert alert.severity is Severity.CRITICAL
    assert alert.summary == "CPU above 95 %"
    assert alert.annotations["values"] == "pay-1=97.5, pay-2=99"
    assert alert.url == "https://grafana.example.com/d/pay?tab=alert&viewPanel=4"


def test_a_legacy_rule_that_is_fine_again_is_the_same_alert_though_its_series_are_gone() -> None:
    (firing,) = parse(payload("grafana/legacy-firing"))
    (fine,) = parse(payload("grafana/legacy-ok"))

    assert (fine.status, fine.fingerprint) == (AlertStatus.RESOLVED, firing.fingerprint)


def test_a_legacy_rule_without_data_fires_and_is_another_alert_than_its_neighbour() -> None:
    (silent,) = parse(payload("grafana/legacy-nodata"))
    (cpu,) = parse(payload("grafana/legacy-firing"))

    assert (silent.status, silent.labels, silent.severity) == (AlertStatus.FIRING, {}, None)
    assert silent.fingerprint != cpu.fingerprint


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"orgId": 1}, "alerts: this field is missing"),
        ({"orgId": 1, "alerts": [{"labels": {"alertname": "A"}, "values": 7}]}, "alerts.0.values: an object"),
        ({"ruleName": None, "state": "ok"}, "ruleName: "),
        ({"ruleName": "CPU", "state": "ok", "evalMatches": {}}, "evalMatches: "),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, place: str) -> None:
    with pytest.raises(BadInput, match=place.replace(".", r"\.")):
        parse(body)

"""Alerts as other bots post them in Slack."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.posted import alerts_in
from bot.models import Alert, AlertStatus, Severity

CHANNEL = "C0PAY"


def message(name: str = "Alertmanager", said: str = "", **attachment: Any) -> dict[str, Any]:
    attachments = [attachment] if attachment else []
    return {"type": "message", "subtype": "bot_message", "bot_id": "B1", "username": name, "text": said,
            "ts": "1773457061.000100", "attachments": attachments}  # fmt: skip


def alertmanager(status: str, **more: Any) -> dict[str, Any]:
    title = f"[{status}] PaymentErrors payments (critical)"
    text = "*Severity:* critical\n• service: payments\n*Description:* 5 % &gt; 1 %"
    return message(title=title, title_link="https://am.example.com/#/alerts", text=text, **more)


def one(found: list[Alert]) -> Alert:
    (alert,) = found
    return alert


def test_alertmanagers_message_is_an_alert_and_its_end_is_the_same_one() -> None:
    firing = one(alerts_in(alertmanager("FIRING:2", color="danger"), CHANNEL))
    over = one(alerts_in(alertmanager("RESOLVED", color="good"), CHANNEL))

    assert (firing.source, firing.name) == ("posted", "PaymentErrors payments (critical)")
    assert (firing.status, firing.severity, firing.service) == (AlertStatus.FIRING, Severity.CRITICAL, "payments")
    assert firing.url == "https://am.example.com/#/alerts"
    assert firing.labels["slack_channel"] == CHANNEL
    assert firing.starts_at
    assert (over.status, over.fingerprint) == (AlertStatus.RESOLVED, firing.fingerprint)


@pytest.mark.parametrize(
    ("headline", "status", "name"),
    [
        ("[FIRING:1] DatasourceError (Prometheus)", AlertStatus.FIRING, "DatasourceError (Prometheus)"),
        ("[Alerting] Panel Title alert", AlertStatus.FIRING, "Panel Title alert"),
        ("[OK] Panel Title alert", AlertStatus.RESOLVED, "Panel Title alert"),
        ("Triggered: CPU is high on web-1", AlertStatus.FIRING, "CPU is high on web-1"),
        ("Triggered on {host:web-1}: CPU is high", AlertStatus.FIRING, "CPU is high"),
        ("[Triggered on {host:web-1}] CPU is high", AlertStatus.FIRING, "CPU is high"),
        ("Re-Triggered: CPU is high", AlertStatus.FIRING, "CPU is high"),
        ("Recovered: CPU is high on web-1", AlertStatus.RESOLVED, "CPU is high on web-1"),
        ("Warn: CPU is high", AlertStatus.FIRING, "CPU is high"),
        ("Triggered #42: Payments fail", AlertStatus.FIRING, "Payments fail"),
        ("Acknowledged #42: Payments fail", AlertStatus.ACKNOWLEDGED, "Payments fail"),
        (":large_green_circle: Resolved <https://x.pagerduty.com/i/1|#42: Payments fail>", AlertStatus.RESOLVED,
         "Payments fail"),
    ],
)  # fmt: skip
def test_headlines_of_other_bots(headline: str, status: AlertStatus, name: str) -> None:
    for posted in (message(title=headline), message(said=headline)):
        alert = one(alerts_in(posted, CHANNEL))
        assert (alert.status, alert.name) == (status, name)


def test_pagerdutys_incident_is_known_by_its_number() -> None:
    first = one(alerts_in(message("PagerDuty", "Triggered #42: Payments fail"), CHANNEL))
    over = one(alerts_in(message("PagerDuty", "Resolved #42: Payments fail for many"), CHANNEL))

    assert first.fingerprint == over.fingerprint


@pytest.mark.parametrize(
    ("attachment", "status"),
    [
        ({"title": "Disk full", "color": "danger"}, AlertStatus.FIRING),
        ({"title": "Disk full", "color": "good"}, AlertStatus.RESOLVED),
        ({"title": "Disk", "fields": [{"title": "Status", "value": "CRITICAL"}]}, AlertStatus.FIRING),
        ({"title": "Disk", "fields": [{"title": "State", "value": "ok"}, {"title": "Service", "value": "x"}]},
         AlertStatus.RESOLVED),
    ],
)  # fmt: skip
def test_any_attachment_that_says_where_it_stands_is_an_alert(attachment: Any, status: AlertStatus) -> None:
    alert = one(alerts_in(message("Our bot", **attachment), CHANNEL))

    assert (alert.status, alert.severity) == (status, None)


def section(*texts: str) -> dict[str, Any]:
    first, *fields = texts
    return {
        "type": "section",
        "text": {"type": "mrkdwn", "text": first},
        "fields": [{"text": field} for field in fields],
    }


def test_pagerdutys_blocks_are_read_with_their_fields() -> None:
    block = section(
        "*Triggered <https://x.pagerduty.com/i/1|#42: Payments fail>*", "*Service:*\nPayments", "*Urgency:* High"
    )
    for posted in (message("PagerDuty", color="#e01e5a", blocks=[block]), {**message("PagerDuty"), "blocks": [block]}):
        alert = one(alerts_in(posted, CHANNEL))
        assert (alert.name, alert.status, alert.service) == ("Payments fail", AlertStatus.FIRING, "Payments")
        assert alert.url == "https://x.pagerduty.com/i/1"


def test_an_alarm_of_awss_bot_is_over_when_its_sign_or_its_text_says_so() -> None:
    page = "https://console.aws.amazon.com/cloudwatch"
    title = f":rotating_light: *<{page}|CloudWatch Alarm | orders-p99 | eu-central-1 | Account: 123>*"
    alarm = one(alerts_in(message("AWS", color="#d13212", blocks=[section(title, "Threshold Crossed")]), CHANNEL))
    fine = one(alerts_in(message("AWS", title=title.replace("rotating_light", "white_check_mark")), CHANNEL))

    assert (alarm.name, alarm.status) == ("orders-p99", AlertStatus.FIRING)
    assert (fine.status, fine.fingerprint) == (AlertStatus.RESOLVED, alarm.fingerprint)


def test_an_alarm_in_fields_is_named_by_them() -> None:
    fields = [{"title": "Alarm Name", "value": "orders-p99"}, {"title": "Old State", "value": "OK"},
              {"title": "Current State", "value": "ALARM"}]  # fmt: skip
    alert = one(
        alerts_in(message("aws", fallback="Alarm orders-p99 triggered", color="danger", fields=fields), CHANNEL)
    )

    assert (alert.name, alert.status) == ("orders-p99", AlertStatus.FIRING)


@pytest.mark.parametrize(
    ("said", "status"),
    [("New", AlertStatus.FIRING), ("Acknowledged", AlertStatus.ACKNOWLEDGED), ("Closed", AlertStatus.RESOLVED),
     ("Snoozed", AlertStatus.SUPPRESSED)],
)  # fmt: skip
def test_opsgenies_alert_is_known_by_its_number(said: str, status: AlertStatus) -> None:
    fields = [{"title": "Priority", "value": "P1"}, {"title": "Tags", "value": "payments"}]
    alert = one(alerts_in(message("Opsgenie", title=f"{said} alert: #17: Payments fail", fields=fields), CHANNEL))
    first = one(alerts_in(message("Opsgenie", title="New alert: #17: Payments fail"), CHANNEL))

    assert (alert.name, alert.status, alert.severity) == ("Payments fail", status, Severity.CRITICAL)
    assert alert.fingerprint == first.fingerprint


@pytest.mark.parametrize(
    "posted",
    [
        {"user": "U1", "text": "[FIRING:1] said a person", "ts": "1.2"},
        message(said="Deployed payments 1.2.3"),
        message(said="Resolved to do better next time"),
        message(title="Build passed", color="#36a64f"),
        message(title="Weekly report", fields=[{"title": "Status", "value": "in progress"}]),
        message(),
        {"bot_id": "B1", "attachments": "none"},
    ],
)
def test_talk_is_no_alert(posted: dict[str, Any]) -> None:
    assert alerts_in(posted, CHANNEL) == []


NAMES = st.sampled_from(["title", "text", "fields", "value", "color", "fallback", "blocks"])
SCALARS = st.none() | st.booleans() | st.integers() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=8)


@given(st.dictionaries(st.sampled_from(["text", "attachments", "blocks", "username", "ts"]), JSON))
def test_whatever_a_bot_posts_is_an_alert_or_talk(posted: dict[str, Any]) -> None:
    assert isinstance(alerts_in({"bot_id": "B1", **posted}, CHANNEL), list)

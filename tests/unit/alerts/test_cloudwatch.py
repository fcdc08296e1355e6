"""CloudWatch alarms through SNS."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.alerts.cloudwatch import parse
from bot.errors import BadInput
from bot.models import AlertStatus
from tests.unit.alerts.payloads import payload

ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:orders-p99"


def test_an_alarm_is_read_out_of_its_envelope() -> None:
    (alert,) = parse(payload("cloudwatch/sns-alarm"))

    assert (alert.name, alert.status, alert.service) == ("orders-p99", AlertStatus.FIRING, "orders")
    assert alert.summary == "Orders are slow"
    assert alert.labels == {
        "ServiceName": "orders",
        "LoadBalancer": "app/shop/50dc",
        "metric": "TargetResponseTime",
        "namespace": "AWS/ApplicationELB",
        "region": "EU (Frankfurt)",
        "account": "123456789012",
    }
    assert alert.starts_at == datetime(2026, 3, 14, 2, 57, 41, 739_000, UTC)
    assert (alert.severity, alert.url, alert.fingerprint) == (None, None, ARN)


def test_an_alarm_that_is_fine_again_is_the_same_alert_with_or_without_the_envelope() -> None:
    (alert,) = parse(payload("cloudwatch/raw-ok"))

    assert (alert.status, alert.fingerprint) == (AlertStatus.RESOLVED, ARN)
    assert alert.ends_at == datetime(2026, 3, 14, 3, 21, 11, 739_000, UTC)


def test_a_composite_alarm_has_no_metric_and_is_still_an_alarm() -> None:
    (alert,) = parse(payload("cloudwatch/sns-composite"))

    assert (alert.name, alert.service) == ("shop-down", None)
    assert alert.summary == f"{ARN} transitioned to ALARM"


def test_a_person_is_asked_to_confirm_the_subscription() -> None:
    address = "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=2336"

    with pytest.raises(BadInput, match=r"open https://sns\.eu-central-1.*Token=2336 once to confirm"):
        parse({"Type": "SubscriptionConfirmation", "TopicArn": "arn", "SubscribeURL": address})


def test_the_end_of_a_subscription_is_no_alert() -> None:
    assert parse({"Type": "UnsubscribeConfirmation", "TopicArn": "arn"}) == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"Type": "Notification", "Message": "hello"}, "holds no CloudWatch alarm"),
        ({"Type": "Notification", "Message": None}, "holds no CloudWatch alarm"),
        ({"Type": "Notification", "Message": "[" * 90}, "holds no CloudWatch alarm"),
        ({"Type": "Notification", "Message": "[]"}, "The body is a list"),
        ({"NewStateValue": "ALARM"}, "AlarmName: this field is missing"),
    ],
)
def test_another_shape_is_refused_with_the_place_that_does_not_fit(body: object, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse(body)

"""Amazon CloudWatch: alarms through an SNS topic, in SNS's envelope or raw.

Sources of truth: https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html (the envelope) and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html (the alarm in it)

The subscription is confirmed by a person: the door follows no address that a stranger could send.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.decode import decode
from bot.alerts.labels import first, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, has, read
from bot.alerts.status import status_of
from bot.errors import BadInput
from bot.models import Alert, AlertStatus

NAME = "cloudwatch"


class Envelope(Payload):
    """What SNS posts."""

    type: Name = Field(alias="Type")
    message: Text = Field(default=None, alias="Message")
    subscribe_url: Text = Field(default=None, alias="SubscribeURL")


class Trigger(Payload):
    """The metric that the alarm watches; a composite alarm has none."""

    metric: Text = Field(default=None, alias="MetricName")
    namespace: Text = Field(default=None, alias="Namespace")
    dimensions: Tags = Field(default_factory=dict, alias="Dimensions")


class Alarm(Payload):
    """An alarm that has changed its state to ALARM, OK or INSUFFICIENT_DATA."""

    name: Name = Field(alias="AlarmName")
    arn: Text = Field(default=None, alias="AlarmArn")
    description: Text = Field(default=None, alias="AlarmDescription")
    account: Text = Field(default=None, alias="AWSAccountId")
    region: Text = Field(default=None, alias="Region")
    state: Text = Field(default=None, alias="NewStateValue")
    reason: Text = Field(default=None, alias="NewStateReason")
    changed_at: Moment = Field(default=None, alias="StateChangeTime")
    trigger: Trigger | None = Field(default=None, alias="Trigger")


def recognises(body: object) -> bool:
    """Whether the body is SNS's envelope or an alarm."""
    return has(body, "Type", "TopicArn") or has(body, "AlarmName", "NewStateValue")


def parse(body: object) -> list[Alert]:
    """The alarm; none where SNS says that the subscription has ended.

    Raises:
        BadInput: the body has another shape, or asks for the subscription to be confirmed.
    """
    if not has(body, "Type"):
        return [_alert(read(Alarm, body, sender="CloudWatch"))]
    envelope = read(Envelope, body, sender="SNS")
    if envelope.type == "SubscriptionConfirmation":
        raise BadInput(f"SNS asks whether alarms may come here: open {envelope.subscribe_url} once to confirm it.")
    if envelope.type == "UnsubscribeConfirmation":
        return []
    return [_alert(read(Alarm, _inside(envelope), sender="CloudWatch through SNS"))]


def _inside(envelope: Envelope) -> object:
    try:
        return decode(envelope.message or "")
    except BadInput as error:
        raise BadInput(f"Message: the SNS message holds no CloudWatch alarm. {error}") from None


def _alert(alarm: Alarm) -> Alert:
    status = status_of(alarm.state)
    resolved = status is AlertStatus.RESOLVED
    trigger = alarm.trigger or Trigger()
    labels = {
        **trigger.dimensions,
        **stated(metric=trigger.metric, namespace=trigger.namespace, region=alarm.region, account=alarm.account),
    }
    return normal(
        source=NAME,
        name=alarm.name,
        status=status,
        service=first(trigger.dimensions, ("service", "servicename")),
        summary=alarm.description or alarm.reason,
        labels=labels,
        annotations={"description": alarm.description, "reason": alarm.reason},
        starts_at=None if resolved else alarm.changed_at,
        ends_at=alarm.changed_at if resolved else None,
        fingerprint=alarm.arn,
    )

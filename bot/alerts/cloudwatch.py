"""Amazon CloudWatch: alarms through an SNS topic, in SNS's envelope or raw, and the events of EventBridge.

Sources of truth: https://docs.aws.amazon.com/sns/latest/dg/http-notification-json.html (the envelope),
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html (the alarm in it) and
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html (the event)

The subscription is confirmed by a person: the door follows no address that a stranger could send.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.decode import decode
from bot.alerts.labels import first, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Tags, Text, Texts, has, read
from bot.alerts.status import status_of
from bot.errors import BadInput
from bot.models import Alert, AlertStatus

NAME = "cloudwatch"


class Envelope(Payload):
    """What SNS posts; a program in between may hand on the message alone."""

    type: Text = Field(default=None, alias="Type")
    message: Text = Field(default=None, alias="Message")
    subscribe_url: Text = Field(default=None, alias="SubscribeURL")


class Metric(Payload):
    """A metric that an alarm watches."""

    metric: Text = Field(default=None, alias="MetricName")
    namespace: Text = Field(default=None, alias="Namespace")
    dimensions: Tags = Field(default_factory=dict, alias="Dimensions")


class MetricStat(Payload):
    """How the metric is looked at."""

    metric: Metric = Field(default=Metric(), alias="Metric")


class Query(Payload):
    """One of several metrics, or an expression over them."""

    stat: MetricStat | None = Field(default=None, alias="MetricStat")


class Trigger(Metric):
    """The metric that the alarm watches, or several that are put together; a composite alarm has none."""

    queries: list[Query] | None = Field(default=None, alias="Metrics")

    @property
    def watched(self) -> Metric:
        """The metric, or the first of several."""
        found = (query.stat.metric for query in self.queries or () if query.stat)
        return self if self.metric else next(found, self)


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


class State(Payload):
    """An alarm's state, and since when."""

    value: Text = None
    reason: Text = None
    timestamp: Moment = None


class WatchedMetric(Payload):
    """A metric, by its name; its dimensions are an object here."""

    name: Text = None
    namespace: Text = None
    dimensions: Labels = Field(default_factory=dict)


class Statistic(Payload):
    """How a metric is looked at; an expression over other metrics has none."""

    metric: WatchedMetric | None = None


class Watched(Payload):
    """One of the things that an alarm watches."""

    statistic: Statistic | None = Field(default=None, alias="metricStat")


class Configuration(Payload):
    """What the alarm watches, and what its author says of it."""

    description: Text = None
    metrics: list[Watched] | None = None


class Detail(Payload):
    """The alarm in an event."""

    name: Name = Field(alias="alarmName")
    state: State = State()
    configuration: Configuration = Configuration()


class Change(Payload):
    """EventBridge's event `CloudWatch Alarm State Change`."""

    account: Text = None
    region: Text = None
    resources: Texts = Field(default_factory=list)
    detail: Detail

    @property
    def alarm(self) -> Alarm:
        """The same as SNS would tell it."""
        detail = self.detail
        metrics = [one.statistic.metric for one in detail.configuration.metrics or () if one.statistic]
        watched = next((metric for metric in metrics if metric), WatchedMetric())
        return Alarm(
            AlarmName=detail.name,
            AlarmArn=next(iter(self.resources), None),
            AlarmDescription=detail.configuration.description,
            AWSAccountId=self.account,
            Region=self.region,
            NewStateValue=detail.state.value,
            NewStateReason=detail.state.reason,
            StateChangeTime=detail.state.timestamp,
            Trigger=Trigger(MetricName=watched.name, Namespace=watched.namespace, Dimensions=dict(watched.dimensions)),
        )


def recognises(body: object) -> bool:
    """Whether the body is SNS's envelope, an alarm, or an event about one."""
    return (
        has(body, "Type", "TopicArn") or has(body, "AlarmName", "NewStateValue") or _is_event(body) or _hands_on(body)
    )


def _hands_on(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("Message"), str) and '"AlarmName"' in body["Message"]


def _is_event(body: object) -> bool:
    return isinstance(body, dict) and "detail-type" in body and has(body.get("detail"), "alarmName")


def parse(body: object) -> list[Alert]:
    """The alarm; none where SNS says that the subscription has ended.

    Raises:
        BadInput: the body has another shape, or asks for the subscription to be confirmed.
    """
    if _is_event(body):
        return [_alert(read(Change, body, sender="EventBridge").alarm)]
    if not has(body, "Type") and not has(body, "Message"):
        return [_alert(read(Alarm, body, sender="CloudWatch"))]
    envelope = read(Envelope, body, sender="SNS")
    if envelope.type == "SubscriptionConfirmation":
        raise BadInput(f"SNS asks whether alarms may come here: open {envelope.subscribe_url} once to confirm it.")
    if envelope.type == "UnsubscribeConfirmation":
        return []
    inside = _inside(envelope)
    if _is_event(inside):
        return [_alert(read(Change, inside, sender="EventBridge through SNS").alarm)]
    return [_alert(read(Alarm, inside, sender="CloudWatch through SNS"))]


def _inside(envelope: Envelope) -> object:
    try:
        return decode(envelope.message or "")
    except BadInput as error:
        raise BadInput(f"Message: the SNS message holds no CloudWatch alarm. {error}") from None


def _alert(alarm: Alarm) -> Alert:
    status = status_of(alarm.state)
    resolved = status is AlertStatus.RESOLVED
    trigger = (alarm.trigger or Trigger()).watched
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

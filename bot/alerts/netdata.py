"""Netdata Cloud: the webhook notification, for alerts and for nodes that cannot be reached.

Source of truth: https://learn.netdata.cloud/docs/alerting/notifications/centralized-cloud-notifications/webhook
"""

from __future__ import annotations

from pydantic import AliasChoices, Field

from bot.alerts.labels import fingerprint, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Payload, Text, has, read
from bot.alerts.severity import severity_of
from bot.alerts.status import status_of
from bot.errors import BadInput
from bot.models import Alert, AlertStatus

NAME = "netdata"


class Reachability(Payload):
    """Whether Netdata Cloud can reach a node."""

    reachable: bool
    text: Text = None


class Notification(Payload):
    """An alert that has changed, or, with `status`, a node. Alerts were called alarms before 2023."""

    message: Text = None
    alert: Text = Field(default=None, validation_alias=AliasChoices("alert", "alarm"))
    info: Text = None
    chart: Text = None
    context: Text = None
    space: Text = None
    family: Text = None
    class_: Text = Field(default=None, alias="class")
    severity: Text = None
    date: Moment = None
    duration: Text = None
    value: Text = None
    alert_url: Text = Field(default=None, validation_alias=AliasChoices("alert_url", "alarm_url"))
    host: Text = None
    node: Text = None
    url: Text = None
    status: Reachability | None = None


def recognises(body: object) -> bool:
    """Whether the body is one of the two notifications."""
    if any(has(body, name, "chart", "severity") for name in ("alert", "alarm")):
        return True
    return isinstance(body, dict) and has(body, "host", "severity") and has(body.get("status"), "reachable")


def parse(body: object) -> list[Alert]:
    """The alert, or the node as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    told = read(Notification, body, sender="Netdata")
    if told.status:
        return [_node(told, told.status)]
    if not told.alert:
        raise BadInput("This is not what Netdata sends: alert is missing, and so is status.")
    return [_alert(told, told.alert)]


def _alert(told: Notification, name: str) -> Alert:
    status = status_of(told.severity)
    resolved = status is AlertStatus.RESOLVED
    about = stated(chart=told.chart, context=told.context, space=told.space, host=told.host or told.node)
    return normal(
        source=NAME,
        name=name,
        status=status,
        severity=severity_of(told.severity),
        summary=told.info or told.message,
        labels={**about, **stated(family=told.family, **{"class": told.class_})},
        annotations={"message": told.message, "info": told.info, "duration": told.duration, "value": told.value},
        starts_at=None if resolved else told.date,
        ends_at=told.date if resolved else None,
        urls=(told.alert_url, told.url),
        fingerprint=f"{NAME}:{fingerprint(name, about)}",
    )


def _node(told: Notification, status: Reachability) -> Alert:
    return normal(
        source=NAME,
        name="node unreachable",
        status=AlertStatus.RESOLVED if status.reachable else AlertStatus.FIRING,
        severity=severity_of(told.severity),
        summary=told.message or status.text,
        labels=stated(host=told.host, space=told.space),
        urls=(told.url,),
        fingerprint=f"{NAME}:reachable:{told.host or ''}",
    )

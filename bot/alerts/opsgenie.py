"""Opsgenie and Jira Service Management: the webhook integration's alert action data.

Source of truth: https://support.atlassian.com/opsgenie/docs/opsgenie-edge-connector-alert-action-data/
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import SERVICE, first, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Tags, Text, has, read
from bot.alerts.severity import plain
from bot.models import Alert, AlertStatus

NAME = "opsgenie"
ACTIONS = {
    "create": AlertStatus.FIRING,
    "unacknowledge": AlertStatus.FIRING,
    "snoozeended": AlertStatus.FIRING,
    "acknowledge": AlertStatus.ACKNOWLEDGED,
    "snooze": AlertStatus.SUPPRESSED,
    "close": AlertStatus.RESOLVED,
    "delete": AlertStatus.RESOLVED,
}
"""The actions that change where an alert stands; notes, tags and assignments do not."""


class AlertData(Payload):
    """The alert that the action was taken on. Description and details come with Create and custom actions only."""

    alert_id: Name = Field(alias="alertId")
    message: Text = None
    alias: Text = None
    entity: Text = None
    priority: Text = None
    description: Text = None
    source: Text = None
    tags: Tags = Field(default_factory=dict)
    details: Labels = Field(default_factory=dict)
    created_at: Moment = Field(default=None, alias="createdAt")
    updated_at: Moment = Field(default=None, alias="updatedAt")


class AlertAction(Payload):
    """Somebody or something did something to an alert."""

    action: Name
    alert: AlertData


def recognises(body: object) -> bool:
    """Whether the body is alert action data."""
    return isinstance(body, dict) and has(body, "action") and has(body.get("alert"), "alertId")


def parse(body: object) -> list[Alert]:
    """The alert where the action changes where it stands, else none.

    Raises:
        BadInput: the body has another shape.
    """
    done = read(AlertAction, body, sender="Opsgenie")
    status = ACTIONS.get(plain(done.action))
    return [_alert(done.alert, status)] if status else []


def _alert(alert: AlertData, status: AlertStatus) -> Alert:
    labels = {**alert.tags, **alert.details, **stated(entity=alert.entity, source=alert.source)}
    return normal(
        source=NAME,
        name=alert.message or alert.alias or alert.alert_id,
        status=status,
        severity=alert.priority,
        service=first(labels, SERVICE) or alert.entity,
        summary=alert.description,
        labels=labels,
        annotations={"description": alert.description},
        starts_at=alert.created_at,
        ends_at=alert.updated_at if status is AlertStatus.RESOLVED else None,
        fingerprint=f"{NAME}:{alert.alias or alert.alert_id}",
    )

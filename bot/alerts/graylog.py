"""Graylog: the HTTP notification of an event definition.

Source of truth: https://go2docs.graylog.org/current/interacting_with_your_log_data/notifications.html (HTTP)

Graylog tells of events, never that one is over.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import fingerprint, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Text, Texts, has, read
from bot.models import Alert, AlertStatus, Severity

NAME = "graylog"
SEVERITIES = {"1": Severity.LOW, "2": Severity.WARNING, "3": Severity.HIGH, "4": Severity.CRITICAL}
"""Low, normal, high, critical."""


class Event(Payload):
    """What has happened; the key tells the events of one definition apart."""

    id: Text = None
    message: Text = None
    timestamp: Moment = None
    source: Text = None
    keys: Texts = Field(default_factory=list, alias="key_tuple")
    priority: Text = None
    fields: Labels = Field(default_factory=dict)
    groups: Labels = Field(default_factory=dict, alias="group_by_fields")


class Notification(Payload):
    """One event of one definition, with the messages before it (which are passed over)."""

    definition_id: Name = Field(alias="event_definition_id")
    title: Text = Field(default=None, alias="event_definition_title")
    description: Text = Field(default=None, alias="event_definition_description")
    event: Event


def recognises(body: object) -> bool:
    """Whether the body is an HTTP notification."""
    return has(body, "event_definition_id", "event")


def parse(body: object) -> list[Alert]:
    """The event as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    told = read(Notification, body, sender="Graylog")
    event = told.event
    about = {**event.groups, **{f"key.{place}": key for place, key in enumerate(event.keys)}}
    return [
        normal(
            source=NAME,
            name=told.title or event.message or told.definition_id,
            status=AlertStatus.FIRING,
            severity=SEVERITIES.get(event.priority or ""),
            summary=event.message,
            labels={**event.fields, **event.groups, **stated(key=", ".join(event.keys), graylog_source=event.source)},
            annotations={"description": told.description},
            starts_at=event.timestamp,
            fingerprint=f"{NAME}:{told.definition_id}:{fingerprint('', about)}",
        )
    ]

"""Graylog: the HTTP notification of an event definition, and the HTTP alarm callback of a stream (before 3.1).

Sources of truth: https://go2docs.graylog.org/current/interacting_with_your_log_data/notifications.html (HTTP) and
https://docs.graylog.org/v1/docs/alerts#http-alarm-callback (the callback)

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


class Condition(Payload):
    """What was asked of a stream."""

    id: Text = None
    type: Text = None
    description: Text = None


class CheckResult(Payload):
    """What was found."""

    description: Text = Field(default=None, alias="result_description")
    condition: Condition = Field(default=Condition(), alias="triggered_condition")
    triggered_at: Moment = None


class Stream(Payload):
    """Messages that belong together."""

    id: Name
    title: Text = None
    description: Text = None


class Callback(Payload):
    """A condition of a stream that is met."""

    check_result: CheckResult
    stream: Stream


def recognises(body: object) -> bool:
    """Whether the body is an HTTP notification or a callback."""
    return has(body, "event_definition_id", "event") or has(body, "check_result", "stream")


def parse(body: object) -> list[Alert]:
    """The event as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    if has(body, "check_result"):
        return [_callback(read(Callback, body, sender="Graylog (alarm callback)"))]
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


def _callback(said: Callback) -> Alert:
    stream, found = said.stream, said.check_result
    return normal(
        source=NAME,
        name=stream.title or f"stream {stream.id}",
        status=AlertStatus.FIRING,
        summary=found.description,
        labels=stated(stream=stream.title, condition=found.condition.type),
        annotations={"description": stream.description, "condition": found.condition.description},
        starts_at=found.triggered_at,
        fingerprint=f"{NAME}:{stream.id}:{found.condition.id or ''}",
    )

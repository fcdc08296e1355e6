"""Icinga 2: a notification command that posts the runtime macros as JSON.

Source of truth: https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/#runtime-macros

Icinga has no payload of its own. The command of docs/alerts.md sends the macros under these names: `notification_type`
$notification.type$, `host_name` $host.name$, `host_display_name` $host.display_name$, `host_address` $address$,
`host_state` $host.state$, `host_output` $host.output$, `service_name` $service.name$, `service_display_name`
$service.display_name$, `service_state` $service.state$, `service_output` $service.output$, `last_state_change`
$service.last_state_change$ or $host.last_state_change$, `author` $notification.author$, `comment`
$notification.comment$, `notes_url` $service.notes_url$ or $host.notes_url$.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import stated
from bot.alerts.nagios import severity_of, status_of
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Text, has, read
from bot.models import Alert, AlertStatus

NAME = "icinga2"


class Notification(Payload):
    """What Icinga tells of a host, or of a service on it. `vars` may hold custom variables, such as the environment."""

    notification_type: Name
    host_name: Name
    host_display_name: Text = None
    host_address: Text = None
    host_state: Text = None
    host_output: Text = None
    service_name: Text = None
    service_display_name: Text = None
    service_state: Text = None
    service_output: Text = None
    last_state_change: Moment = None
    author: Text = None
    comment: Text = None
    notes_url: Text = None
    vars: Labels = Field(default_factory=dict)


def recognises(body: object) -> bool:
    """Whether the body has the macros of this module."""
    return has(body, "notification_type", "host_name")


def parse(body: object) -> list[Alert]:
    """The host or the service as one alert; none of a notification that changes nothing.

    Raises:
        BadInput: the body has another shape.
    """
    told = read(Notification, body, sender="Icinga 2 (with the command of docs/alerts.md)")
    status = status_of(told.notification_type)
    return [_alert(told, status)] if status else []


def _alert(told: Notification, status: AlertStatus) -> Alert:
    of_service = told.service_name is not None
    resolved = status is AlertStatus.RESOLVED
    return normal(
        source=NAME,
        name=told.service_display_name or told.service_name or told.host_display_name or told.host_name,
        status=status,
        severity=severity_of(told.service_state if of_service else told.host_state),
        summary=told.service_output if of_service else told.host_output,
        labels={
            **told.vars,
            **stated(host=told.host_name, address=told.host_address, check=told.service_name),
        },
        annotations={"author": told.author, "comment": told.comment},
        starts_at=None if resolved else told.last_state_change,
        ends_at=told.last_state_change if resolved else None,
        runbook_url=told.notes_url,
        fingerprint=f"{NAME}:{told.host_name}!{told.service_name or ''}",
    )

"""Checkmk: a notification script that posts the notification's context as JSON.

Source of truth: https://docs.checkmk.com/latest/en/notifications.html#scripts (the variables NOTIFY_…)

The script of docs/alerts.md sends every `NOTIFY_` variable without that prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from bot.alerts.labels import stated
from bot.alerts.nagios import severity_of, status_of
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Text, has, read
from bot.alerts.text import scalar
from bot.models import Alert, AlertStatus

NAME = "checkmk"
LABELS = ("HOSTLABEL_", "SERVICELABEL_")
"""Prefixes of variables that hold one label each."""


class Context(Payload):
    """What Checkmk tells of a host, or of a service on it."""

    kind: Name = Field(alias="NOTIFICATIONTYPE")
    what: Text = Field(default=None, alias="WHAT")
    host: Name = Field(alias="HOSTNAME")
    alias: Text = Field(default=None, alias="HOSTALIAS")
    address: Text = Field(default=None, alias="HOSTADDRESS")
    host_state: Text = Field(default=None, alias="HOSTSTATE")
    host_output: Text = Field(default=None, alias="HOSTOUTPUT")
    service: Text = Field(default=None, alias="SERVICEDESC")
    service_state: Text = Field(default=None, alias="SERVICESTATE")
    service_output: Text = Field(default=None, alias="SERVICEOUTPUT")
    long_output: Text = Field(default=None, alias="LONGSERVICEOUTPUT")
    host_changed_at: Moment = Field(default=None, alias="LASTHOSTSTATECHANGE")
    service_changed_at: Moment = Field(default=None, alias="LASTSERVICESTATECHANGE")
    site: Text = Field(default=None, alias="OMD_SITE")
    comment: Text = Field(default=None, alias="NOTIFICATIONCOMMENT")
    author: Text = Field(default=None, alias="NOTIFICATIONAUTHOR")
    labels: Labels = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_labels(cls, said: Any) -> Any:
        """SERVICELABEL_team is the label `team`; a service's wins over its host's."""
        if not isinstance(said, Mapping):
            return said
        found = {
            key.removeprefix(prefix): scalar(value)
            for prefix in LABELS
            for key, value in said.items()
            if isinstance(key, str) and key.startswith(prefix)
        }
        return {**said, "labels": found}


def recognises(body: object) -> bool:
    """Whether the body is a notification's context."""
    return has(body, "NOTIFICATIONTYPE", "HOSTNAME")


def parse(body: object) -> list[Alert]:
    """The host or the service as one alert; none of a notification that changes nothing.

    Raises:
        BadInput: the body has another shape.
    """
    context = read(Context, body, sender="Checkmk (with the script of docs/alerts.md)")
    status = status_of(context.kind)
    return [_alert(context, status)] if status else []


def _alert(context: Context, status: AlertStatus) -> Alert:
    of_service = context.service is not None
    changed_at = context.service_changed_at if of_service else context.host_changed_at
    resolved = status is AlertStatus.RESOLVED
    return normal(
        source=NAME,
        name=context.service or context.alias or context.host,
        status=status,
        severity=severity_of(context.service_state if of_service else context.host_state),
        summary=context.service_output if of_service else context.host_output,
        labels={
            **context.labels,
            **stated(host=context.host, address=context.address, check=context.service, site=context.site),
        },
        annotations={"details": context.long_output, "author": context.author, "comment": context.comment},
        starts_at=None if resolved else changed_at,
        ends_at=changed_at if resolved else None,
        fingerprint=f"{NAME}:{context.site or ''}:{context.host}!{context.service or ''}",
    )

"""Coralogix: the generic outbound webhook with its default body.

Source of truth: https://coralogix.com/docs/user-guides/alerting/outbound-webhooks/generic-outbound-webhooks-alert-webhooks/
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.alerts.labels import first, from_tags, stated
from bot.alerts.moment import as_moment
from bot.alerts.normal import normal
from bot.alerts.payload import Name, Payload, Text, as_text, has, read
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus

NAME = "coralogix"
NOTHING = frozenset({"n/a", "none", "null", "[]", "multiple ips"})
GROUPED = ("group-by value1", "group-by value2")
"""Fields that tell the alerts of one definition apart, by their names in lower case."""


def _filled(value: object) -> str | None:
    """The text, unless it is a variable that Coralogix could not fill."""
    text = as_text(value)
    return None if text is None or text.startswith(("$", "*insert ")) or text.casefold() in NOTHING else text


def _fields(value: object) -> dict[str, str]:
    return {key: text for key, said in from_tags(value).items() if (text := _filled(said))}


Filled = Annotated[str | None, BeforeValidator(_filled)]


class Webhook(Payload):
    """The default body; `fields` is a list of keys and values."""

    alert_id: Name
    name: Filled = None
    description: Filled = None
    alert_action: Text = None
    alert_url: Filled = None
    log_url: Filled = None
    service: Filled = None
    threshold: Filled = None
    group_by_labels: Filled = None
    errors: Filled = None
    fields: Annotated[dict[str, str], BeforeValidator(_fields)] = Field(default_factory=dict)


def recognises(body: object) -> bool:
    """Whether the body is the default body."""
    return has(body, "alert_id", "alert_action")


def parse(body: object) -> list[Alert]:
    """The alert.

    Raises:
        BadInput: the body has another shape.
    """
    said = read(Webhook, body, sender="Coralogix")
    status = status_of(said.alert_action)
    happened = as_moment(said.fields.get("timestamp"))
    resolved = status is AlertStatus.RESOLVED
    labels = {key: text for key, text in said.fields.items() if key not in {"timestamp", "text", "severityLowercase"}}
    return [
        normal(
            source=NAME,
            name=said.name or said.alert_id,
            status=status,
            severity=said.fields.get("priority") or said.fields.get("severity"),
            service=said.service or first(said.fields, ("subsystem", "application")),
            summary=said.description,
            labels={**labels, **stated(group_by=said.group_by_labels)},
            annotations={
                "description": said.description,
                "threshold": said.threshold,
                "errors": said.errors,
                "text": said.fields.get("text"),
            },
            starts_at=None if resolved else happened,
            ends_at=happened if resolved else None,
            urls=(said.alert_url, said.log_url),
            fingerprint=":".join(
                (NAME, said.alert_id, *(text for key, text in labels.items() if key.casefold() in GROUPED))
            ),
        )
    ]

"""Pingdom: the state change webhook of uptime and transaction checks.

Source of truth: https://www.pingdom.com/resources/webhooks/
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, has, read
from bot.alerts.severity import plain
from bot.models import Alert, AlertStatus

NAME = "pingdom"
FINE = frozenset({"up", "success"})
"""States of an uptime check and of a transaction check; the others are down and failing."""


class Parameters(Payload):
    """What is checked."""

    full_url: Text = None
    hostname: Text = None


class Webhook(Payload):
    """A check that has changed its state."""

    check_id: Name
    check_name: Text = None
    check_type: Text = None
    check_params: Parameters | None = None
    tags: Tags = Field(default_factory=dict)
    current_state: Text = None
    importance_level: Text = None
    state_changed_timestamp: Moment = None
    description: Text = None
    long_description: Text = None


def recognises(body: object) -> bool:
    """Whether the body is a state change."""
    return has(body, "check_id", "current_state")


def parse(body: object) -> list[Alert]:
    """The check as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    check = read(Webhook, body, sender="Pingdom")
    resolved = plain(check.current_state) in FINE
    asked = check.check_params or Parameters()
    return [
        normal(
            source=NAME,
            name=check.check_name or f"check {check.check_id}",
            status=AlertStatus.RESOLVED if resolved else AlertStatus.FIRING,
            severity=check.importance_level,
            summary=check.description,
            labels={
                **check.tags,
                **stated(check_type=check.check_type, target=asked.full_url, host=asked.hostname),
            },
            annotations={"description": check.long_description},
            starts_at=None if resolved else check.state_changed_timestamp,
            ends_at=check.state_changed_timestamp if resolved else None,
            fingerprint=f"{NAME}:{check.check_id}",
        )
    ]

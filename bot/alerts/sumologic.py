"""Sumo Logic: a monitor's webhook connection.

Source of truth: https://www.sumologic.com/help/docs/alerts/monitors/alert-variables/ (the variables) and
https://www.sumologic.com/help/docs/alerts/webhook-connections/set-up-webhook-connections/ (the payload)

The payload's keys are the variables' names with a small first letter: `{"name": "{{Name}}", "description":
"{{Description}}", "monitorType": "{{MonitorType}}", "id": "{{Id}}", "query": "{{Query}}", "queryUrl": "{{QueryURL}}",
"triggerType": "{{TriggerType}}", "triggerTime": "{{TriggerTime}}", "triggerCondition": "{{TriggerCondition}}",
"triggerValue": "{{TriggerValue}}", "alertResponseUrl": "{{AlertResponseURL}}", "alertGroup": "{{AlertGroup}}"}`.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, has, read
from bot.alerts.severity import plain
from bot.models import Alert, AlertStatus, Severity

NAME = "sumologic"
RESOLVED = "resolved"
SEVERITIES = {"critical": Severity.CRITICAL, "warning": Severity.WARNING}
"""By the trigger's type; missing data has no grade."""


class Webhook(Payload):
    """A monitor whose trigger has fired or recovered; a variable without a value is empty."""

    name: Name
    description: Text = None
    monitor_type: Text = Field(default=None, alias="monitorType")
    id: Text = None
    query: Text = None
    query_url: Text = Field(default=None, alias="queryUrl")
    trigger_type: Text = Field(default=None, alias="triggerType")
    trigger_time: Moment = Field(default=None, alias="triggerTime")
    condition: Text = Field(default=None, alias="triggerCondition")
    value: Text = Field(default=None, alias="triggerValue")
    response_url: Text = Field(default=None, alias="alertResponseUrl")
    group: Tags = Field(default_factory=dict, alias="alertGroup")

    @property
    def grade(self) -> str:
        """The type of trigger: critical, warning, missingdata; the same when it recovers."""
        return plain(self.trigger_type).removeprefix(RESOLVED)

    @property
    def status(self) -> AlertStatus:
        """ResolvedCritical, ResolvedWarning and ResolvedMissingData are ends."""
        return AlertStatus.RESOLVED if plain(self.trigger_type).startswith(RESOLVED) else AlertStatus.FIRING


def recognises(body: object) -> bool:
    """Whether the body has the variables of this module."""
    return has(body, "name", "triggerType")


def parse(body: object) -> list[Alert]:
    """The monitor as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    said = read(Webhook, body, sender="Sumo Logic (with the payload of bot/alerts/sumologic.py)")
    resolved = said.status is AlertStatus.RESOLVED
    group = ",".join(f"{key}={text}" for key, text in sorted(said.group.items()))
    return [
        normal(
            source=NAME,
            name=said.name,
            status=said.status,
            severity=SEVERITIES.get(said.grade),
            summary=said.description or said.condition,
            labels={**said.group, **stated(monitor_type=said.monitor_type, trigger=said.grade)},
            annotations={
                "description": said.description,
                "condition": said.condition,
                "value": said.value,
                "query": said.query,
            },
            starts_at=None if resolved else said.trigger_time,
            ends_at=said.trigger_time if resolved else None,
            urls=(said.response_url, said.query_url),
            fingerprint=f"{NAME}:{said.id}:{said.grade}:{group}" if said.id else None,
        )
    ]

"""Sumo Logic: a monitor's webhook connection.

Source of truth: https://www.sumologic.com/help/docs/alerts/monitors/alert-variables/ (the variables) and
https://www.sumologic.com/help/docs/alerts/webhook-connections/set-up-webhook-connections/ (the payload)

The payload's keys are the variables' names, in any spelling: `{"name": "{{Name}}", "description": "{{Description}}",
"monitorType": "{{MonitorType}}", "id": "{{Id}}", "query": "{{Query}}", "queryUrl": "{{QueryURL}}", "triggerType":
"{{TriggerType}}", "triggerTime": "{{TriggerTime}}", "triggerCondition": "{{TriggerCondition}}", "triggerValue":
"{{TriggerValue}}", "alertResponseUrl": "{{AlertResponseURL}}", "alertGroup": "{{AlertGroup}}"}`.
"""

from __future__ import annotations

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Tags, Text, read
from bot.alerts.severity import plain
from bot.alerts.spelling import Spelled, called, needed, spells, tagged
from bot.models import Alert, AlertStatus, Severity

NAME = "sumologic"
RESOLVED = "resolved"
SEVERITIES = {"critical": Severity.CRITICAL, "warning": Severity.WARNING}
"""By the trigger's type; missing data has no grade."""


class Webhook(Spelled):
    """A monitor whose trigger has fired or recovered, or a scheduled search; a variable without a value is empty."""

    name: Name = needed("name", "alertname", "searchname")
    description: Text = called("description", "searchdescription")
    monitor_type: Text = called("monitortype")
    id: Text = called("id", "monitorid")
    query: Text = called("query", "searchquery")
    query_url: Text = called("queryurl", "searchqueryurl")
    trigger_type: Text = called("triggertype")
    trigger_time: Moment = called("triggertime", "triggertimestart", "firetime")
    condition: Text = called("triggercondition")
    value: Text = called("triggervalue")
    response_url: Text = called("alertresponseurl")
    source_url: Text = called("sourceurl")
    group: Tags = tagged("alertgroup")

    @property
    def grade(self) -> str:
        """The type of trigger: critical, warning, missingdata; the same when it recovers."""
        return plain(self.trigger_type).removeprefix(RESOLVED)

    @property
    def status(self) -> AlertStatus:
        """ResolvedCritical, ResolvedWarning and ResolvedMissingData are ends; Normal is none of the three."""
        fine = plain(self.trigger_type).startswith((RESOLVED, "normal"))
        return AlertStatus.RESOLVED if fine else AlertStatus.FIRING


def recognises(body: object) -> bool:
    """Whether the body has the variables of this module."""
    return spells(body, "name", "triggertype") or spells(body, "searchname", "searchqueryurl")


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
            urls=(said.response_url, said.query_url, said.source_url),
            fingerprint=f"{NAME}:{said.id}:{said.grade}:{group}" if said.id else None,
        )
    ]

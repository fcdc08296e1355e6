"""Azure Monitor: the common alert schema of an action group's webhook.

Source of truth: https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-common-schema
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import SERVICE, first, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Tags, Text, Texts, read
from bot.alerts.severity import plain
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus, Severity

NAME = "azure"
SCHEMA = "azureMonitorCommonAlertSchema"
SEVERITIES = {
    "sev0": Severity.CRITICAL,
    "sev1": Severity.HIGH,
    "sev2": Severity.WARNING,
    "sev3": Severity.INFO,
    "sev4": Severity.LOW,
}
"""Azure counts from 0 (critical, error, warning, informational, verbose), most others from 1."""


class Essentials(Payload):
    """What every kind of alert has. For text that is a list elsewhere, some services send one text."""

    alert_id: Name = Field(alias="alertId")
    alert_rule: Name = Field(alias="alertRule")
    severity: Text = None
    condition: Text = Field(default=None, alias="monitorCondition")
    signal: Text = Field(default=None, alias="signalType")
    monitoring_service: Text = Field(default=None, alias="monitoringService")
    targets: Texts = Field(default_factory=list, alias="alertTargetIDs")
    items: Texts = Field(default_factory=list, alias="configurationItems")
    fired_at: Moment = Field(default=None, alias="firedDateTime")
    resolved_at: Moment = Field(default=None, alias="resolvedDateTime")
    description: Text = None
    investigation_link: Text = Field(default=None, alias="investigationLink")

    @property
    def resource(self) -> str | None:
        """The affected resource, if there is only one."""
        names = self.items or [target.rstrip("/").rpartition("/")[2] for target in self.targets]
        return names[0] if len(names) == 1 else None


class Criterion(Payload):
    """One thing that was measured."""

    metric: Text = Field(default=None, alias="metricName")
    value: Text = Field(default=None, alias="metricValue")
    threshold: Text = None
    dimensions: Tags = Field(default_factory=dict)


class Condition(Payload):
    """What was measured."""

    all_of: list[Criterion] | None = Field(default=None, alias="allOf")


class Context(Payload):
    """What only alerts of this kind have; conditions are read, the rest is passed over."""

    condition: Condition | None = None


class Content(Payload):
    """The alert."""

    essentials: Essentials
    context: Context | None = Field(default=None, alias="alertContext")
    custom: Labels = Field(default_factory=dict, alias="customProperties")

    @property
    def criteria(self) -> list[Criterion]:
        """What was measured, if the alert is of a kind that measures."""
        return (self.context and self.context.condition and self.context.condition.all_of) or []


class Webhook(Payload):
    """The body."""

    data: Content


def recognises(body: object) -> bool:
    """Whether the body says that it follows the common alert schema."""
    return isinstance(body, dict) and body.get("schemaId") == SCHEMA


def parse(body: object) -> list[Alert]:
    """The alert.

    Raises:
        BadInput: the body has another shape.
    """
    content = read(Webhook, body, sender="Azure Monitor (common alert schema)").data
    said = content.essentials
    measured = {key: text for criterion in content.criteria for key, text in criterion.dimensions.items()}
    values = [f"{one.metric}={one.value} (threshold {one.threshold})" for one in content.criteria if one.metric]
    labels = {
        **measured,
        **content.custom,
        **stated(resource=said.resource, signal=said.signal, monitoring_service=said.monitoring_service),
    }
    status = status_of(said.condition)
    return [
        normal(
            source=NAME,
            name=said.alert_rule,
            status=status,
            severity=SEVERITIES.get(plain(said.severity)),
            service=first(labels, SERVICE) or said.resource,
            summary=said.description,
            labels=labels,
            annotations={
                "description": said.description,
                "values": ", ".join(values),
                "targets": ", ".join(said.targets),
            },
            starts_at=said.fired_at,
            ends_at=said.resolved_at if status is AlertStatus.RESOLVED else None,
            urls=(said.investigation_link,),
            fingerprint=said.alert_id,
        )
    ]

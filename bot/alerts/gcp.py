"""Google Cloud Monitoring: the webhook channel's notification, schema version 1.2.

Source of truth: https://cloud.google.com/monitoring/support/notification-options#schema-pubsub
"""

from __future__ import annotations

from pydantic import Field, field_validator

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Payload, Text, has, read
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus

NAME = "gcp"


class Labelled(Payload):
    """A monitored resource or a metric: its type and its labels."""

    type: Text = None
    labels: Labels = Field(default_factory=dict)


class Condition(Payload):
    """The policy's condition; its `displayName` is what people call it."""

    name: Text = Field(default=None, alias="displayName")


class Metadata(Payload):
    """Labels of the resource that are not in its type: what its owner and the platform have put on it."""

    user_labels: Labels = Field(default_factory=dict)
    system_labels: Labels = Field(default_factory=dict)


class Link(Payload):
    """A link of the policy's documentation."""

    name: Text = Field(default=None, alias="displayName")
    url: Text = None


class Documentation(Payload):
    """What the policy's author wrote for those who are called; in schema 1.0 it may be the text alone."""

    subject: Text = None
    content: Text = None
    links: list[Link] | None = None

    @property
    def runbook_url(self) -> str | None:
        """The link that calls itself a runbook or a playbook."""
        words = ("runbook", "playbook")
        links = self.links or ()
        return next((link.url for link in links if any(word in (link.name or "").casefold() for word in words)), None)


class Incident(Payload):
    """A policy's condition that is met, or no longer is."""

    id: Name = Field(alias="incident_id")
    state: Text = None
    severity: Text = None
    summary: Text = None
    url: Text = None
    started_at: Moment = None
    ended_at: Moment = None
    policy_name: Text = None
    condition_name: Text = None
    condition: Condition | None = None
    metadata: Metadata | None = None
    resource_display_name: Text = None
    project: Text = Field(default=None, alias="scoping_project_id")
    resource_name: Text = None
    observed_value: Text = None
    threshold_value: Text = None
    resource: Labelled | None = None
    metric: Labelled | None = None
    user_labels: Labels = Field(default_factory=dict, alias="policy_user_labels")
    documentation: Documentation | None = None

    @field_validator("documentation", mode="before")
    @classmethod
    def _may_be_text(cls, said: object) -> object:
        return {"content": said} if isinstance(said, str) else said

    @property
    def name(self) -> str:
        """The policy's name as people gave it, else the condition's."""
        given = [name for name in (self.policy_name, self.named) if name]
        return next((name for name in given if "/alertPolicies/" not in name), next(iter(given), self.id))

    @property
    def named(self) -> str | None:
        """The condition's name."""
        return self.condition_name or (self.condition.name if self.condition else None)

    @property
    def labels(self) -> dict[str, str]:
        """The policy's own labels win over the metric's, those over the resource's."""
        resource, metric, metadata = self.resource or Labelled(), self.metric or Labelled(), self.metadata or Metadata()
        own = stated(
            resource_type=resource.type,
            resource=self.resource_display_name,
            metric=metric.type,
            project=self.project,
            condition=self.named,
        )
        return {
            **metadata.system_labels,
            **resource.labels,
            **metadata.user_labels,
            **metric.labels,
            **own,
            **self.user_labels,
        }


class Webhook(Payload):
    """The body."""

    incident: Incident


def recognises(body: object) -> bool:
    """Whether the body is a notification of Cloud Monitoring."""
    return isinstance(body, dict) and has(body.get("incident"), "incident_id")


def parse(body: object) -> list[Alert]:
    """The incident as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    incident = read(Webhook, body, sender="Google Cloud Monitoring").incident
    documentation = incident.documentation or Documentation()
    status = status_of(incident.state)
    return [
        normal(
            source=NAME,
            name=incident.name,
            status=status,
            severity=incident.severity,
            summary=incident.summary,
            labels=incident.labels,
            annotations={
                "summary": incident.summary,
                "documentation": documentation.content or documentation.subject,
                "resource_name": incident.resource_name,
                "observed_value": incident.observed_value,
                "threshold_value": incident.threshold_value,
            },
            starts_at=incident.started_at,
            ends_at=incident.ended_at if status is AlertStatus.RESOLVED else None,
            urls=(incident.url,),
            runbook_url=documentation.runbook_url,
            fingerprint=f"{NAME}:{incident.id}",
        )
    ]

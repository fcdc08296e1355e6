"""Google Cloud Monitoring: the webhook channel's notification, schema version 1.2.

Source of truth: https://cloud.google.com/monitoring/support/notification-options#schema-pubsub
"""

from __future__ import annotations

from pydantic import Field

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


class Link(Payload):
    """A link of the policy's documentation."""

    name: Text = Field(default=None, alias="displayName")
    url: Text = None


class Documentation(Payload):
    """What the policy's author wrote for those who are called."""

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
    project: Text = Field(default=None, alias="scoping_project_id")
    resource_name: Text = None
    observed_value: Text = None
    threshold_value: Text = None
    resource: Labelled | None = None
    metric: Labelled | None = None
    user_labels: Labels = Field(default_factory=dict, alias="policy_user_labels")
    documentation: Documentation | None = None

    @property
    def labels(self) -> dict[str, str]:
        """The policy's own labels win over the metric's, those over the resource's."""
        resource, metric = self.resource or Labelled(), self.metric or Labelled()
        own = stated(
            resource_type=resource.type, metric=metric.type, project=self.project, condition=self.condition_name
        )
        return {**resource.labels, **metric.labels, **own, **self.user_labels}


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
            name=incident.policy_name or incident.condition_name or incident.id,
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

"""New Relic: the default payload of a workflow's webhook.

Source of truth: https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook
`closedAt` and `runbookUrl` are read where the operator has added them to the template.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Text, Texts, has, read
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus

NAME = "newrelic"


class Issue(Payload):
    """An issue and the incidents that New Relic has gathered in it."""

    id: Name
    title: Texts = Field(default_factory=list)
    state: Text = None
    priority: Text = None
    trigger: Text = None
    issue_url: Text = Field(default=None, alias="issueUrl")
    created_at: Moment = Field(default=None, alias="createdAt")
    updated_at: Moment = Field(default=None, alias="updatedAt")
    closed_at: Moment = Field(default=None, alias="closedAt")
    entities: Texts = Field(default_factory=list, alias="impactedEntities")
    policies: Texts = Field(default_factory=list, alias="alertPolicyNames")
    conditions: Texts = Field(default_factory=list, alias="alertConditionNames")
    workflow: Text = Field(default=None, alias="workflowName")
    runbooks: Texts = Field(default_factory=list, alias="runbookUrl")


def recognises(body: object) -> bool:
    """Whether the body is an issue of New Relic."""
    return has(body, "issueUrl", "state")


def parse(body: object) -> list[Alert]:
    """The issue as one alert; the service is the impacted entity, if there is only one.

    Raises:
        BadInput: the body has another shape.
    """
    issue = read(Issue, body, sender="New Relic")
    status = status_of(issue.state)
    entity, *others = issue.entities or [""]
    return [
        normal(
            source=NAME,
            name=next(iter([*issue.conditions, *issue.title]), issue.id),
            status=status,
            severity=issue.priority,
            service=None if others else entity,
            summary="; ".join(issue.title),
            labels=stated(
                entity=", ".join(issue.entities),
                policy=", ".join(issue.policies),
                condition=", ".join(issue.conditions),
                workflow=issue.workflow,
            ),
            annotations={"trigger": issue.trigger},
            starts_at=issue.created_at,
            ends_at=(issue.closed_at or issue.updated_at) if status is AlertStatus.RESOLVED else None,
            urls=(issue.issue_url,),
            runbook_url=next(iter(issue.runbooks), None),
            fingerprint=f"{NAME}:{issue.id}",
        )
    ]

"""New Relic: the default payload of a workflow's webhook, and the webhook of the alerts that came before workflows.

Sources of truth: https://docs.newrelic.com/docs/alerts/get-notified/notification-integrations/#webhook and
https://docs.newrelic.com/docs/alerts/scale-automate/rest-api/customize-your-webhook-payload/ (legacy)
`closedAt` and `runbookUrl` are read where the operator has added them to the template.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Text, Texts, as_texts, read
from bot.alerts.spelling import Spelled, called, listed, needed, spells
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus

NAME = "newrelic"


def _names(value: object) -> list[str]:
    """Entities are named, or, in the legacy webhook, objects with a name."""
    found = value if isinstance(value, list) else [value]
    return as_texts([entry.get("name") if isinstance(entry, dict) else entry for entry in found])


Entities = Annotated[list[str], BeforeValidator(_names)]


class Issue(Spelled):
    """An issue and the incidents that New Relic has gathered in it, or one incident of the legacy webhook."""

    id: Name = needed("id", "issueid", "incidentid")
    title: Texts = listed("title", "details", "name")
    state: Text = called("state", "currentstate", "status")
    priority: Text = called("priority", "severity")
    trigger: Text = called("trigger", "triggerevent")
    issue_url: Text = called("issueurl", "issuepageurl", "incidenturl")
    created_at: Moment = called("createdat", "activatedat")
    updated_at: Moment = called("updatedat")
    closed_at: Moment = called("closedat")
    told_at: Moment = called("timestamp")
    """When the legacy webhook was sent: the state is as old."""
    entities: Entities = listed("impactedentities", "entitiesdatanames", "targets")
    policies: Texts = listed("alertpolicynames", "policyname", "accumulationspolicyname")
    conditions: Texts = listed("alertconditionnames", "conditionname", "accumulationsconditionname")
    workflow: Text = called("workflowname")
    runbooks: Texts = listed("runbookurl", "accumulationsrunbookurl")
    violation: Text = called("violationcharturl")


def recognises(body: object) -> bool:
    """Whether the body is an issue of New Relic, or an incident of its legacy webhook."""
    return any(
        spells(body, *keys) for keys in (("issueurl", "state"), ("issuepageurl",), ("currentstate", "conditionname"))
    )


def parse(body: object) -> list[Alert]:
    """The issue as one alert; the service is the impacted entity, if there is only one.

    Raises:
        BadInput: the body has another shape.
    """
    issue = read(Issue, body, sender="New Relic")
    status = status_of(issue.state)
    resolved = status is AlertStatus.RESOLVED
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
            annotations={"trigger": issue.trigger, "chart": issue.violation},
            starts_at=issue.created_at or (None if resolved else issue.told_at),
            ends_at=(issue.closed_at or issue.updated_at or issue.told_at) if resolved else None,
            urls=(issue.issue_url,),
            runbook_url=next(iter(issue.runbooks), None),
            fingerprint=f"{NAME}:{issue.id}",
        )
    ]

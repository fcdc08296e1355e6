"""Dynatrace: the custom integration's payload, from the placeholders of a problem notification.

Source of truth: https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration

The operator writes the payload; its keys are the placeholders' names, in any spelling: `State`, `ProblemID`, `PID`,
`ProblemTitle`, `ProblemSeverity`, `ProblemImpact`, `ProblemURL`, `ProblemDetailsText`, `ImpactedEntity`,
`ImpactedEntities`, `Tags`, and `ProblemDetailsJSONv2`, which holds the times.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator

from bot.alerts.labels import SERVICE, first, from_tags, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Text, read
from bot.alerts.severity import plain
from bot.alerts.spelling import Spelled, called, listed, needed, spells, tagged
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus, Severity

NAME = "dynatrace"
SEVERITIES = {
    "availability": Severity.CRITICAL,
    "monitoringunavailable": Severity.HIGH,
    "error": Severity.HIGH,
    "performance": Severity.WARNING,
    "slowdown": Severity.WARNING,
    "resourcecontention": Severity.WARNING,
}
"""By the severity level of the problem; a custom alert has no grade of its own."""

_CONTEXT = re.compile(r"^\[[^\]]+\]")


class Entity(Payload):
    """Something that the problem is about."""

    type: Text = None
    name: Text = None


def _entities(value: object) -> list[object]:
    """The objects of the list: the placeholder may stand inside quotation marks, and is text then."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _tags(value: object) -> dict[str, str]:
    """Tags without the context that Dynatrace may write before their keys, as in `[Kubernetes]app:cart`."""
    return {_CONTEXT.sub("", key) or key: text for key, text in from_tags(value).items()}


class Notification(Spelled):
    """A problem that has opened, changed or ended; the times are in the details that are JSON, where they are sent."""

    title: Text = called("problemtitle", "eventname", "title")
    problem_id: Name = needed("problemid", "displayid")
    pid: Text = called("pid", "eventid")
    state: Text = called("state", "eventstatus", "status")
    level: Text = called("problemseverity", "eventcategory", "severitylevel")
    impact: Text = called("problemimpact", "impactlevel")
    url: Text = called("problemurl", "url")
    details: Text = called("problemdetailstext", "problemdetailsmarkdown", "eventdescription")
    impacted: Text = called("impactedentity")
    entities: Annotated[list[Entity], BeforeValidator(_entities)] = listed("impactedentities")
    tags: Annotated[dict[str, str], BeforeValidator(_tags)] = tagged("tags", "entitytags")
    started_at: Moment = called(
        "problemdetailsjsonv2starttime", "problemdetailsjsonstarttime", "eventstart", "starttime"
    )
    ended_at: Moment = called("problemdetailsjsonv2endtime", "problemdetailsjsonendtime", "eventend", "endtime")
    service_name: Text = called("servicename", "dtentityservicename")

    @property
    def service(self) -> str | None:
        """The service that is impacted, if there is only one."""
        services = [one.name for one in self.entities if plain(one.type) == "service" and one.name]
        return services[0] if len(services) == 1 else None

    @property
    def status(self) -> AlertStatus:
        """A problem that was merged into another is over; the other goes on under its own id."""
        return AlertStatus.RESOLVED if plain(self.state) == "merged" else status_of(self.state)


def recognises(body: object) -> bool:
    """Whether the body has a problem's placeholders, or is the event of a problem as workflows send it."""
    return spells(body, "problemid", "state") or spells(body, "displayid", "eventstatus")


def parse(body: object) -> list[Alert]:
    """The problem as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    problem = read(Notification, body, sender="Dynatrace")
    return [
        normal(
            source=NAME,
            name=problem.title or problem.problem_id,
            status=problem.status,
            severity=SEVERITIES.get(plain(problem.level)),
            service=first(problem.tags, SERVICE) or problem.service or problem.service_name,
            summary=problem.impacted or problem.title,
            labels={
                **problem.tags,
                **stated(problem=problem.problem_id, level=problem.level, impact=problem.impact),
            },
            annotations={"details": problem.details, "impacted": problem.impacted},
            starts_at=problem.started_at,
            ends_at=problem.ended_at if problem.status is AlertStatus.RESOLVED else None,
            urls=(problem.url,),
            fingerprint=f"{NAME}:{problem.pid or problem.problem_id}",
        )
    ]

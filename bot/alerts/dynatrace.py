"""Dynatrace: the custom integration's payload, from the placeholders of a problem notification.

Source of truth: https://docs.dynatrace.com/docs/analyze-explore-automate/notifications-and-alerting/problem-notifications/webhook-integration

The operator writes the payload; its keys are the placeholders' names: `State`, `ProblemID`, `PID`, `ProblemTitle`,
`ProblemSeverity`, `ProblemImpact`, `ProblemURL`, `ProblemDetailsText`, `ImpactedEntity`, `ImpactedEntities`, `Tags`.
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import SERVICE, first, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Name, Payload, Tags, Text, has, read
from bot.alerts.severity import plain
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


class Entity(Payload):
    """Something that the problem is about."""

    type: Text = None
    name: Text = None


class Notification(Payload):
    """A problem that has opened, changed or ended."""

    title: Text = Field(default=None, alias="ProblemTitle")
    problem: Name = Field(alias="ProblemID")
    pid: Text = Field(default=None, alias="PID")
    state: Text = Field(default=None, alias="State")
    level: Text = Field(default=None, alias="ProblemSeverity")
    impact: Text = Field(default=None, alias="ProblemImpact")
    url: Text = Field(default=None, alias="ProblemURL")
    details: Text = Field(default=None, alias="ProblemDetailsText")
    impacted: Text = Field(default=None, alias="ImpactedEntity")
    entities: list[Entity] | None = Field(default=None, alias="ImpactedEntities")
    tags: Tags = Field(default_factory=dict, alias="Tags")

    @property
    def service(self) -> str | None:
        """The service that is impacted, if there is only one."""
        services = [one.name for one in self.entities or () if plain(one.type) == "service" and one.name]
        return services[0] if len(services) == 1 else None

    @property
    def status(self) -> AlertStatus:
        """A problem that was merged into another is over; the other goes on under its own id."""
        return AlertStatus.RESOLVED if plain(self.state) == "merged" else status_of(self.state)


def recognises(body: object) -> bool:
    """Whether the body has a problem's placeholders."""
    return has(body, "ProblemID", "State")


def parse(body: object) -> list[Alert]:
    """The problem as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    problem = read(Notification, body, sender="Dynatrace")
    return [
        normal(
            source=NAME,
            name=problem.title or problem.problem,
            status=problem.status,
            severity=SEVERITIES.get(plain(problem.level)),
            service=first(problem.tags, SERVICE) or problem.service,
            summary=problem.impacted or problem.title,
            labels={
                **problem.tags,
                **stated(problem=problem.problem, level=problem.level, impact=problem.impact),
            },
            annotations={"details": problem.details, "impacted": problem.impacted},
            urls=(problem.url,),
            fingerprint=f"{NAME}:{problem.pid or problem.problem}",
        )
    ]

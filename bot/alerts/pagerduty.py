"""PagerDuty: webhooks of version 3, and events as senders write them for the Events API v2.

Sources of truth: https://developer.pagerduty.com/docs/webhooks-overview (event.data of type `incident`) and
https://developer.pagerduty.com/docs/send-alert-event
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.alerts.labels import ENVIRONMENT, SERVICE, first, from_object, stated
from bot.alerts.moment import as_moment
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Text, has, read
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus

NAME = "pagerduty"


class Reference(Payload):
    """Another object of PagerDuty; its `summary` is its name."""

    summary: Text = None


class Incident(Payload):
    """What an event on an incident carries."""

    id: Name
    title: Text = None
    status: Text = None
    html_url: Text = None
    incident_key: Text = None
    created_at: Moment = None
    urgency: Text = None
    service: Reference | None = None
    priority: Reference | None = None
    escalation_policy: Reference | None = None
    teams: list[Reference] | None = None


class IncidentEvent(Payload):
    """Something happened to an incident."""

    event_type: Name
    occurred_at: Moment = None
    data: Incident


class Webhook(Payload):
    """The body of a webhook."""

    event: IncidentEvent


class Link(Payload):
    """A link that the sender attached."""

    href: Text = None


def _details(value: object) -> dict[str, str]:
    """An object; some senders write one text."""
    return {"details": value} if isinstance(value, str) else from_object(value)


class Details(Payload):
    """What the sender says about the problem; only a trigger has it."""

    summary: Name
    source: Text = None
    severity: Text = None
    timestamp: Moment = None
    component: Text = None
    group: Text = None
    class_: Text = Field(default=None, alias="class")
    custom_details: Annotated[dict[str, str], BeforeValidator(_details)] = Field(default_factory=dict)


class SentEvent(Payload):
    """One event for the Events API. Its `routing_key` is a secret and is not read."""

    event_action: Name
    dedup_key: Text = None
    payload: Details | None = None
    client_url: Text = None
    links: list[Link] | None = None


def recognises(body: object) -> bool:
    """Whether the body is a webhook of version 3 or an event for the Events API v2."""
    if not isinstance(body, dict):
        return False
    return has(body.get("event"), "event_type", "data") or has(body, "event_action", "routing_key")


def parse(body: object) -> list[Alert]:
    """The alert of an incident or an event; none of a webhook that speaks of something else.

    Raises:
        BadInput: the body has neither shape.
    """
    if has(body, "event_action"):
        return [_sent(read(SentEvent, body, sender="a sender of PagerDuty events"))]
    if _speaks_of_no_incident(body):
        return []
    return [_incident(read(Webhook, body, sender="PagerDuty").event)]


def said_at(body: object) -> datetime | None:
    """When a webhook's event happened, which PagerDuty signs with the rest."""
    event = body.get("event") if isinstance(body, dict) else None
    return as_moment(event.get("occurred_at")) if isinstance(event, dict) else None


def _speaks_of_no_incident(body: object) -> bool:
    event = body.get("event") if isinstance(body, dict) else None
    data = event.get("data") if has(event, "event_type", "data") and isinstance(event, dict) else None
    return isinstance(data, dict) and data.get("type") != "incident"


def _incident(event: IncidentEvent) -> Alert:
    incident = event.data
    status = status_of(incident.status)
    teams = [team.summary for team in incident.teams or () if team.summary]
    priority = incident.priority.summary if incident.priority else None
    return normal(
        source=NAME,
        name=incident.title or incident.id,
        status=status,
        severity=priority or incident.urgency,
        service=incident.service.summary if incident.service else None,
        labels=stated(
            urgency=incident.urgency,
            priority=priority,
            team=", ".join(teams),
            escalation_policy=incident.escalation_policy.summary if incident.escalation_policy else None,
            incident_key=incident.incident_key,
        ),
        starts_at=incident.created_at,
        ends_at=event.occurred_at if status is AlertStatus.RESOLVED else None,
        urls=(incident.html_url,),
        fingerprint=f"{NAME}:{incident.id}",
    )


def _sent(event: SentEvent) -> Alert:
    said = event.payload or Details(summary=event.dedup_key or event.event_action)
    resolved = status_of(event.event_action) is AlertStatus.RESOLVED
    return normal(
        source=NAME,
        name=said.summary,
        status=status_of(event.event_action),
        severity=said.severity,
        service=first(said.custom_details, SERVICE) or said.component,
        environment=first(said.custom_details, ENVIRONMENT),
        labels=stated(source=said.source, component=said.component, group=said.group, **{"class": said.class_}),
        annotations=said.custom_details,
        starts_at=None if resolved else said.timestamp,
        ends_at=said.timestamp if resolved else None,
        urls=(event.client_url, *(link.href for link in event.links or ())),
        fingerprint=f"{NAME}:{event.dedup_key}" if event.dedup_key else None,
    )

"""Sentry: webhooks of an integration, for issue alerts, metric alerts and issues.

Source of truth: https://docs.sentry.io/organization/integrations/integration-platform/webhooks/
Signed by Sentry with HMAC-SHA256 of the body in the header `Sentry-Hook-Signature`.
"""

from __future__ import annotations

from pydantic import AliasChoices, Field

from bot.alerts.labels import stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, Texts, has, read
from bot.alerts.severity import plain, severity_of
from bot.alerts.status import status_of
from bot.models import Alert, AlertStatus

NAME = "sentry"
ISSUE_ACTIONS = {
    "created": AlertStatus.FIRING,
    "unresolved": AlertStatus.FIRING,
    "resolved": AlertStatus.RESOLVED,
    "archived": AlertStatus.SUPPRESSED,
    "ignored": AlertStatus.SUPPRESSED,
}
"""What is done to an issue and changes where it stands; an assignment does not."""


class Event(Payload):
    """The error that set off an issue alert."""

    issue_id: Text = None
    title: Text = None
    culprit: Text = None
    level: Text = None
    environment: Text = None
    happened_at: Moment = Field(default=None, validation_alias=AliasChoices("datetime", "timestamp", "received"))
    web_url: Text = None
    tags: Tags = Field(default_factory=dict)


class Project(Payload):
    """Whose issue it is."""

    slug: Text = None


class Issue(Payload):
    """Errors that Sentry holds for one."""

    id: Name
    title: Text = None
    short_id: Text = Field(default=None, alias="shortId")
    culprit: Text = None
    level: Text = None
    first_seen: Moment = Field(default=None, alias="firstSeen")
    last_seen: Moment = Field(default=None, alias="lastSeen")
    web_url: Text = None
    permalink: Text = None
    project: Project | None = None


class AlertRule(Payload):
    """A metric alert's rule."""

    id: Text = None
    name: Text = None
    environment: Text = None
    aggregate: Text = None
    query: Text = None


class MetricAlert(Payload):
    """A metric that is over its threshold, or no longer is."""

    id: Name
    title: Text = None
    alert_rule: AlertRule | None = None
    projects: Texts = Field(default_factory=list)
    date_started: Moment = None
    date_closed: Moment = None


class Content(Payload):
    """One of three, by the kind of webhook."""

    event: Event | None = Field(default=None, validation_alias=AliasChoices("event", "error"))
    triggered_rule: Text = None
    metric_alert: MetricAlert | None = None
    description_title: Text = None
    description_text: Text = None
    web_url: Text = None
    issue: Issue | None = None


class Plugin(Payload):
    """The body of the webhooks that came before the integration platform; `id` is the issue's."""

    id: Name
    project: Text = Field(default=None, validation_alias=AliasChoices("project_slug", "project"))
    message: Text = None
    culprit: Text = None
    level: Text = None
    url: Text = None
    triggering_rules: Texts = Field(default_factory=list)
    event: Event = Event()


class Webhook(Payload):
    """The body of every webhook."""

    action: Name
    data: Content


def recognises(body: object) -> bool:
    """Whether the body is a webhook of Sentry's integration platform."""
    ours = has(body, "action", "data", "installation") or has(body, "action", "data", "actor")
    return ours or _is_plugins(body)


def _is_plugins(body: object) -> bool:
    return has(body, "id", "project", "culprit", "event")


def parse(body: object) -> list[Alert]:
    """The alert; none of a webhook that speaks of something else, such as a comment or an installation.

    Raises:
        BadInput: the body has another shape.
    """
    if _is_plugins(body):
        return [_plugins(read(Plugin, body, sender="Sentry (legacy webhooks)"))]
    webhook = read(Webhook, body, sender="Sentry")
    content = webhook.data
    if content.metric_alert:
        return [_metric_alert(content, content.metric_alert, webhook.action)]
    if content.issue:
        status = ISSUE_ACTIONS.get(plain(webhook.action))
        return [_issue(content.issue, status)] if status else []
    if content.event:
        return [_issue_alert(content, content.event)]
    return []


def _issue_alert(content: Content, event: Event) -> Alert:
    return normal(
        source=NAME,
        name=content.triggered_rule or event.title or "issue alert",
        status=AlertStatus.FIRING,
        severity=event.level,
        environment=event.environment,
        summary=event.title,
        labels={**event.tags, **stated(culprit=event.culprit)},
        annotations={"title": event.title},
        starts_at=event.happened_at,
        urls=(event.web_url,),
        fingerprint=f"{NAME}:issue:{event.issue_id}" if event.issue_id else None,
    )


def _plugins(said: Plugin) -> Alert:
    event = said.event
    title = event.title or said.message
    return normal(
        source=NAME,
        name=next(iter(said.triggering_rules), title or f"issue {said.id}"),
        status=AlertStatus.FIRING,
        severity=said.level or event.level,
        service=said.project,
        environment=event.environment,
        summary=title,
        labels={**event.tags, **stated(culprit=said.culprit)},
        annotations={"title": event.title, "message": said.message},
        starts_at=event.happened_at,
        urls=(said.url,),
        fingerprint=f"{NAME}:issue:{said.id}",
    )


def _issue(issue: Issue, status: AlertStatus) -> Alert:
    return normal(
        source=NAME,
        name=issue.title or issue.short_id or issue.id,
        status=status,
        severity=issue.level,
        service=issue.project.slug if issue.project else None,
        summary=issue.title,
        labels=stated(culprit=issue.culprit, short_id=issue.short_id, level=issue.level),
        starts_at=issue.first_seen,
        urls=(issue.web_url, issue.permalink),
        fingerprint=f"{NAME}:issue:{issue.id}",
    )


def _metric_alert(content: Content, alert: MetricAlert, action: str) -> Alert:
    status = status_of(action)
    rule = alert.alert_rule or AlertRule()
    project, *others = alert.projects or [""]
    return normal(
        source=NAME,
        name=rule.name or content.description_title or alert.title or alert.id,
        status=status,
        severity=severity_of(action),
        service=None if others else project,
        environment=rule.environment,
        summary=content.description_text or content.description_title,
        labels=stated(project=", ".join(alert.projects)),
        annotations={"title": content.description_title, "aggregate": rule.aggregate, "query": rule.query},
        starts_at=alert.date_started,
        ends_at=alert.date_closed if status is AlertStatus.RESOLVED else None,
        urls=(content.web_url,),
        # A rule's alert moves between warning and critical as one alert, and comes back as the same.
        fingerprint=f"{NAME}:rule:{rule.id}" if rule.id else f"{NAME}:metric-alert:{alert.id}",
    )

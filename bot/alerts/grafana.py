"""Grafana: the webhook contact point of unified alerting, and the webhook channel of legacy alerting (up to 10).

Source of truth:
https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
https://grafana.com/docs/grafana/v8.5/alerting/old-alerting/notifications/#webhook
"""

from __future__ import annotations

from functools import reduce

from pydantic import Field

from bot.alerts.alertmanager import Group, GroupedAlert
from bot.alerts.labels import fingerprint
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Name, Payload, Text, read
from bot.alerts.status import status_of
from bot.models import Alert

NAME = "grafana"


class UnifiedAlert(GroupedAlert):
    """One alert instance: as Alertmanager's, with Grafana's pages and the values that made it fire."""

    values: Labels = Field(default_factory=dict)
    value_string: Text = Field(default=None, alias="valueString")
    panel_url: Text = Field(default=None, alias="panelURL")
    dashboard_url: Text = Field(default=None, alias="dashboardURL")
    silence_url: Text = Field(default=None, alias="silenceURL")
    image_url: Text = Field(default=None, alias="imageURL")

    @property
    def notes(self) -> dict[str, str | None]:
        """The annotations, with what Grafana says beside them under Grafana's own names."""
        seen = ", ".join(f"{ref}={value}" for ref, value in self.values.items())
        return {
            "values": seen or self.value_string,
            "panelURL": self.panel_url,
            "dashboardURL": self.dashboard_url,
            "silenceURL": self.silence_url,
            "imageURL": self.image_url,
            **self.annotations,
        }


class UnifiedWebhook(Group):
    """The alerts of one notification policy group."""

    alerts: list[UnifiedAlert]


class EvalMatch(Payload):
    """One series for which a legacy rule's condition was true."""

    metric: Text = None
    value: Text = None
    tags: Labels = Field(default_factory=dict)


class LegacyWebhook(Payload):
    """One legacy rule that has changed its state; the series are given while it fires only."""

    rule_name: Name = Field(alias="ruleName")
    rule_id: Text = Field(default=None, alias="ruleId")
    org_id: Text = Field(default=None, alias="orgId")
    state: Text = None
    title: Text = None
    message: Text = None
    rule_url: Text = Field(default=None, alias="ruleUrl")
    image_url: Text = Field(default=None, alias="imageUrl")
    tags: Labels = Field(default_factory=dict)
    eval_matches: list[EvalMatch] | None = Field(default=None, alias="evalMatches")

    @property
    def labels(self) -> dict[str, str]:
        """The rule's tags, and the tags on which all its series agree."""
        series = [match.tags.items() for match in self.eval_matches or ()]
        common = reduce(lambda left, right: left & right, (set(items) for items in series)) if series else set()
        return {**dict(sorted(common)), **self.tags}

    @property
    def values(self) -> str:
        """What the series were when the rule fired."""
        return ", ".join(f"{match.metric or 'value'}={match.value}" for match in self.eval_matches or ())


def recognises(body: object) -> bool:
    """Whether the body is one of Grafana's two webhooks."""
    if not isinstance(body, dict):
        return False
    unified = isinstance(body.get("alerts"), list) and "orgId" in body
    return unified or ("ruleName" in body and "state" in body)


def parse(body: object) -> list[Alert]:
    """Every alert of a unified notification, or the one of a legacy notification.

    Raises:
        BadInput: the body has neither shape.
    """
    if isinstance(body, dict) and "ruleName" in body and "alerts" not in body:
        return [_legacy(read(LegacyWebhook, body, sender="Grafana's legacy alerting"))]
    return _unified(read(UnifiedWebhook, body, sender="Grafana"))


def _unified(webhook: UnifiedWebhook) -> list[Alert]:
    return [
        normal(
            source=NAME,
            name=alert.name,
            status=status_of(alert.status or webhook.status),
            labels=alert.labels,
            annotations={**webhook.notes, **alert.notes},
            starts_at=alert.starts_at,
            ends_at=alert.ends_at,
            urls=(alert.generator_url, alert.panel_url, alert.dashboard_url, alert.silence_url, webhook.external_url),
            fingerprint=alert.fingerprint,
            group_key=webhook.group_key,
        )
        for alert in webhook.alerts
    ]


def _legacy(webhook: LegacyWebhook) -> Alert:
    # The series are missing once the rule is fine again, so the rule alone makes the fingerprint.
    rule = {"orgId": webhook.org_id or "", "ruleId": webhook.rule_id or ""}
    return normal(
        source=NAME,
        name=webhook.rule_name,
        status=status_of(webhook.state),
        summary=webhook.message or webhook.title,
        labels=webhook.labels,
        annotations={
            "title": webhook.title,
            "message": webhook.message,
            "values": webhook.values,
            "imageUrl": webhook.image_url,
        },
        urls=(webhook.rule_url,),
        fingerprint=fingerprint(webhook.rule_name, rule),
    )

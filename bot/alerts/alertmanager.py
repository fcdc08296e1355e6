"""Prometheus Alertmanager, and vmalert behind it: the webhook receiver's payload, version 4.

Source of truth: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from pydantic import Field, model_validator

from bot.alerts.labels import matcher
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Payload, Text, read
from bot.alerts.status import status_of
from bot.models import Alert

NAME = "alertmanager"


class GroupedAlert(Payload):
    """One alert of the group; `endsAt` is the zero time while it fires."""

    status: Text = None
    labels: Labels = Field(default_factory=dict)
    annotations: Labels = Field(default_factory=dict)
    starts_at: Moment = Field(default=None, alias="startsAt")
    ends_at: Moment = Field(default=None, alias="endsAt")
    generator_url: Text = Field(default=None, alias="generatorURL")
    fingerprint: Text = None

    @property
    def name(self) -> str:
        """The rule's name; an alert that has none is named by its labels, as Alertmanager itself tells it apart."""
        return self.labels.get("alertname", "").strip() or matcher(self.labels)

    @model_validator(mode="after")
    def _can_be_told_apart(self) -> GroupedAlert:
        if not self.labels:
            raise ValueError("the alert has no labels; it needs at least alertname")
        return self


class Group(Payload):
    """What is said once for all alerts that are sent together."""

    status: Text = None
    group_key: Text = Field(default=None, alias="groupKey")
    external_url: Text = Field(default=None, alias="externalURL")
    truncated: Text = Field(default=None, alias="truncatedAlerts")

    @property
    def notes(self) -> dict[str, str | None]:
        """How many alerts of the group were left out because of the sender's `max_alerts`, under its own name."""
        return {"truncatedAlerts": None if self.truncated == "0" else self.truncated}


class Webhook(Group):
    """A group of alerts that Alertmanager sends together."""

    alerts: list[GroupedAlert]


def recognises(body: object) -> bool:
    """Whether the body looks like a version 4 webhook; Grafana's looks alike, but names its organisation."""
    return (
        isinstance(body, dict)
        and isinstance(body.get("alerts"), list)
        and "orgId" not in body
        and ("groupKey" in body or "receiver" in body)
    )


def parse(body: object) -> list[Alert]:
    """Every alert of the group.

    Raises:
        BadInput: the body has another shape.
    """
    webhook = read(Webhook, body, sender="Alertmanager")
    return [
        normal(
            source=NAME,
            name=alert.name,
            status=status_of(alert.status or webhook.status),
            labels=alert.labels,
            annotations={**webhook.notes, **alert.annotations},
            starts_at=alert.starts_at,
            ends_at=alert.ends_at,
            urls=(alert.generator_url, webhook.external_url),
            fingerprint=alert.fingerprint,
            group_key=webhook.group_key,
        )
        for alert in webhook.alerts
    ]

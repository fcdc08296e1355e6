"""Datadog: the webhooks integration.

Source of truth: https://docs.datadoghq.com/integrations/webhooks/ (the operator writes the payload from variables)

The default payload is understood (`title`, `body`, `date`, …). It says neither severity nor tags, so the payload to
set in Datadog is the variables under their own names in lower case: `{"alert_title": "$ALERT_TITLE",
"alert_transition": "$ALERT_TRANSITION", "aggreg_key": "$AGGREG_KEY", "alert_id": "$ALERT_ID", "alert_scope":
"$ALERT_SCOPE", "alert_priority": "$ALERT_PRIORITY", "alert_type": "$ALERT_TYPE", "alert_metric": "$ALERT_METRIC",
"alert_query": "$ALERT_QUERY", "alert_status": "$ALERT_STATUS", "text_only_msg": "$TEXT_ONLY_MSG", "tags": "$TAGS",
"hostname": "$HOSTNAME", "link": "$LINK", "date": "$DATE"}`.
"""

from __future__ import annotations

import re

from pydantic import Field

from bot.alerts.labels import from_tags, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Payload, Tags, Text, has, read
from bot.alerts.severity import severity_of
from bot.alerts.status import status_of
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Severity

NAME = "datadog"
_PREFIX = re.compile(
    r"\[(?:P[1-5]|(?P<transition>(?:Re-)?(?:Triggered|Recovered|Warn|No Data)|Renotify)"
    r"(?: on \{(?P<scope>[^}\]]*)\})?)\]\s*"
)


class Webhook(Payload):
    """The default payload and the variables by their names; a variable that Datadog cannot fill stays empty."""

    title: Text = None
    body: Text = None
    date: Moment = None
    last_updated: Moment = None
    alert_title: Text = None
    alert_transition: Text = None
    alert_cycle_key: Text = None
    aggreg_key: Text = None
    alert_id: Text = None
    alert_scope: Tags = Field(default_factory=dict)
    alert_priority: Text = None
    alert_type: Text = None
    alert_metric: Text = None
    alert_query: Text = None
    alert_status: Text = None
    text_only_msg: Text = None
    tags: Tags = Field(default_factory=dict)
    hostname: Text = None
    link: Text = None
    snapshot: Text = None

    @property
    def headline(self) -> str:
        """The title, with the transition that Datadog writes before it."""
        return self.alert_title or self.title or ""

    @property
    def name(self) -> str:
        """The monitor's name."""
        return _PREFIX.sub("", self.headline) or self.headline

    @property
    def transition(self) -> str:
        """The kind of notice, such as Triggered or Recovered."""
        return self.alert_transition or self._before_the_name("transition")

    @property
    def scope(self) -> dict[str, str]:
        """The group of the monitor that the notice is about."""
        return self.alert_scope or from_tags(self._before_the_name("scope"))

    @property
    def severity(self) -> Severity | None:
        """The monitor's priority, else what the transition or the type of the alert says."""
        warns = Severity.WARNING if self.transition.endswith("Warn") else None
        return severity_of(self.alert_priority) or warns or severity_of(self.alert_type)

    @property
    def fingerprint(self) -> str | None:
        """Datadog's key for the monitor and its group, else for this cycle of it."""
        key = self.aggreg_key or self.alert_cycle_key
        return f"{NAME}:{key}" if key else None

    def _before_the_name(self, part: str) -> str:
        return next((match[part] for match in _PREFIX.finditer(self.headline) if match[part]), "")


def recognises(body: object) -> bool:
    """Whether the body has Datadog's variables or is the default payload."""
    return has(body, "alert_transition") or has(body, "aggreg_key") or has(body, "event_type", "last_updated", "title")


def parse(body: object) -> list[Alert]:
    """The alert of the notice.

    Raises:
        BadInput: the body has another shape.
    """
    notice = read(Webhook, body, sender="Datadog")
    if not notice.name:
        raise BadInput("This is not what Datadog sends: title and alert_title are missing; one of them is needed.")
    status = status_of(notice.transition)
    resolved = status is AlertStatus.RESOLVED
    return [
        normal(
            source=NAME,
            name=notice.name,
            status=status,
            severity=notice.severity,
            summary=notice.alert_status or notice.text_only_msg or notice.body,
            labels={
                **notice.tags,
                **notice.scope,
                **stated(host=notice.hostname, monitor_id=notice.alert_id, metric=notice.alert_metric),
            },
            annotations={
                "message": notice.text_only_msg or notice.body,
                "query": notice.alert_query,
                "snapshot": notice.snapshot,
            },
            starts_at=None if resolved else notice.date,
            ends_at=(notice.date or notice.last_updated) if resolved else None,
            urls=(notice.link,),
            fingerprint=notice.fingerprint,
        )
    ]

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

from bot.alerts.labels import fingerprint, from_tags, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Tags, Text, has, read
from bot.alerts.severity import severity_of
from bot.alerts.spelling import Spelled, called, spells, tagged
from bot.alerts.status import status_of
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Severity

NAME = "datadog"
_PREFIX = re.compile(
    r"\[(?:(?P<priority>P[1-5])|(?P<transition>(?:Re-)?(?:Triggered|Recovered|Warn|No Data)|Renotify)"
    r"(?: on \{(?P<scope>[^}\]]*)\})?)\]\s*"
)
MARKDOWN = "%%%"
"""Around a text with markup."""
LEADS = ("alerttransition", "aggregkey", "alertcyclekey", "alertquery", "alertscope")
"""Variables that no other sender has."""


class Webhook(Spelled):
    """The default payload, and the variables by their names or by those that Datadog's own examples give them."""

    headline: Text = called("alerttitle", "title", "eventtitle", "name")
    """The title, with the transition that Datadog writes before it."""
    body: Text = called("textonlymsg", "body", "eventmsg", "message", "text")
    date: Moment = called("date", "eventdate", "timestamp")
    last_updated: Moment = called("lastupdated")
    alert_transition: Text = called("alerttransition", "transition")
    alert_cycle_key: Text = called("alertcyclekey")
    aggreg_key: Text = called("aggregkey", "aggregationkey")
    alert_id: Text = called("alertid", "monitorid")
    alert_scope: Tags = tagged("alertscope", "scope", "scopes")
    alert_priority: Text = called("alertpriority", "priority", "severity")
    alert_type: Text = called("alerttype")
    alert_metric: Text = called("alertmetric", "metric")
    alert_query: Text = called("alertquery", "query")
    alert_status: Text = called("alertstatus")
    tags: Tags = tagged("tags", "alerttags", "eventtags")
    hostname: Text = called("hostname", "host")
    link: Text = called("link", "url", "eventurl", "alerturl")
    snapshot: Text = called("snapshot")

    @property
    def name(self) -> str:
        """The monitor's name."""
        headline = self.headline or ""
        return _PREFIX.sub("", headline) or headline

    @property
    def transition(self) -> str:
        """The kind of notice, such as Triggered or Recovered."""
        return self.alert_transition or self._before_the_name("transition")

    @property
    def status(self) -> AlertStatus:
        """By the transition; a notice that has none says by its type whether all is well."""
        return status_of(self.transition or self.alert_type)

    @property
    def scope(self) -> dict[str, str]:
        """The group of the monitor that the notice is about."""
        return self.alert_scope or from_tags(self._before_the_name("scope"))

    @property
    def severity(self) -> Severity | None:
        """The monitor's priority, else what the transition or the type of the alert says."""
        priority = self.alert_priority or self._before_the_name("priority")
        warns = Severity.WARNING if self.transition.endswith("Warn") else None
        graded = severity_of(f"P{priority}" if priority.isdecimal() else priority)
        return graded or warns or severity_of(self.alert_type)

    @property
    def fingerprint(self) -> str | None:
        """Datadog's key for the monitor and its group, else for this cycle of it, else the monitor and its group."""
        if key := self.aggreg_key or self.alert_cycle_key:
            return f"{NAME}:{key}"
        return f"{NAME}:{fingerprint(self.alert_id, self.scope)}" if self.alert_id else None

    def _before_the_name(self, part: str) -> str:
        return next((match[part] for match in _PREFIX.finditer(self.headline or "") if match[part]), "")


def recognises(body: object) -> bool:
    """Whether the body has Datadog's variables or is the default payload."""
    return any(spells(body, lead) for lead in LEADS) or has(body, "event_type", "last_updated", "title")


def parse(body: object) -> list[Alert]:
    """The alert of the notice.

    Raises:
        BadInput: the body has another shape.
    """
    notice = read(Webhook, body, sender="Datadog")
    if not notice.name:
        raise BadInput("This is not what Datadog sends: title and alert_title are missing; one of them is needed.")
    resolved = notice.status is AlertStatus.RESOLVED
    return [
        normal(
            source=NAME,
            name=notice.name,
            status=notice.status,
            severity=notice.severity,
            summary=notice.alert_status or (notice.body or "").replace(MARKDOWN, ""),
            labels={
                **notice.tags,
                **notice.scope,
                **stated(host=notice.hostname, monitor_id=notice.alert_id, metric=notice.alert_metric),
            },
            annotations={
                "message": notice.body,
                "query": notice.alert_query,
                "snapshot": notice.snapshot,
            },
            starts_at=None if resolved else notice.date,
            ends_at=(notice.date or notice.last_updated) if resolved else None,
            urls=(notice.link,),
            fingerprint=notice.fingerprint,
        )
    ]

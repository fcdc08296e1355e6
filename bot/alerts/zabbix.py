"""Zabbix: a webhook media type that posts its parameters as JSON.

Source of truth: https://www.zabbix.com/documentation/current/en/manual/config/notifications/media/webhook and
https://www.zabbix.com/documentation/current/en/manual/appendix/macros/supported_by_location (the macros)

Zabbix has no payload of its own. The parameters have the names that its bundled media types use: `event_id`
{EVENT.ID}, `event_name` {EVENT.NAME}, `event_value` {EVENT.VALUE}, `event_severity` {EVENT.SEVERITY},
`event_nseverity` {EVENT.NSEVERITY}, `event_tags` {EVENT.TAGSJSON}, `event_opdata` {EVENT.OPDATA},
`event_update_status` {EVENT.UPDATE.STATUS}, `event_ack_status` {EVENT.ACK.STATUS}, `event_timestamp`
{EVENT.TIMESTAMP}, `event_recovery_timestamp` {EVENT.RECOVERY.TIMESTAMP}, `host_name` {HOST.NAME}, `trigger_id`
{TRIGGER.ID}, `trigger_description` {TRIGGER.DESCRIPTION}, `trigger_url` {TRIGGER.URL}, `alert_message`
{ALERT.MESSAGE}, `zabbix_url` {$ZABBIX.URL}; the script is `var r = new HttpRequest();
r.addHeader('Content-Type: application/json'); r.post(URL, value); return 'OK';` with a header for the token.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.alerts.decode import NotJson, decode
from bot.alerts.labels import from_tags, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Text, has, read
from bot.alerts.severity import severity_of
from bot.models import Alert, AlertStatus, Severity

NAME = "zabbix"
SEVERITIES = (
    Severity.LOW,
    Severity.INFO,
    Severity.WARNING,
    Severity.WARNING,
    Severity.HIGH,
    Severity.CRITICAL,
)
"""By {EVENT.NSEVERITY}: not classified, information, warning, average, high, disaster; their names may be changed."""


def _tags(value: object) -> dict[str, str]:
    if not isinstance(value, str) or not value.startswith("["):
        return from_tags(value)
    try:
        return from_tags(decode(value))
    except NotJson:
        return from_tags(value)


class Parameters(Payload):
    """The media type's parameters; a macro that Zabbix cannot fill stays as it is written, in braces."""

    event_id: Name
    event_name: Name
    event_value: Text = None
    event_severity: Text = None
    event_nseverity: Text = None
    event_tags: Annotated[dict[str, str], BeforeValidator(_tags)] = Field(default_factory=dict)
    event_opdata: Text = None
    event_update_status: Text = None
    event_ack_status: Text = None
    event_timestamp: Moment = None
    event_recovery_timestamp: Moment = None
    host_name: Text = None
    trigger_id: Text = None
    trigger_description: Text = None
    trigger_url: Text = None
    alert_message: Text = None
    zabbix_url: Text = None

    @property
    def status(self) -> AlertStatus:
        """Resolved, or else acknowledged where the update says so."""
        if self.event_value == "0":
            return AlertStatus.RESOLVED
        acknowledged = self.event_update_status == "1" and (self.event_ack_status or "").casefold() == "yes"
        return AlertStatus.ACKNOWLEDGED if acknowledged else AlertStatus.FIRING

    @property
    def severity(self) -> Severity | None:
        """By number, which keeps its meaning where names were changed; else by name."""
        number = self.event_nseverity or ""
        return SEVERITIES[int(number)] if number in {*"012345"} else severity_of(self.event_severity)

    @property
    def page(self) -> str | None:
        """The event's page in the frontend, as the bundled media types write it."""
        if not (self.zabbix_url and self.trigger_id):
            return None
        return f"{self.zabbix_url.rstrip('/')}/tr_events.php?triggerid={self.trigger_id}&eventid={self.event_id}"


def recognises(body: object) -> bool:
    """Whether the body has the parameters that a problem needs."""
    return has(body, "event_id", "event_name", "event_value")


def parse(body: object) -> list[Alert]:
    """The problem as one alert.

    Raises:
        BadInput: the body has another shape.
    """
    event = read(Parameters, body, sender="Zabbix (with the parameters of bot/alerts/zabbix.py)")
    resolved = event.status is AlertStatus.RESOLVED
    return [
        normal(
            source=NAME,
            name=event.event_name,
            status=event.status,
            severity=event.severity,
            summary=event.event_opdata or event.trigger_description,
            labels={**event.event_tags, **stated(host=event.host_name, trigger_id=event.trigger_id)},
            annotations={
                "description": event.trigger_description,
                "opdata": event.event_opdata,
                "message": event.alert_message,
            },
            starts_at=event.event_timestamp,
            ends_at=event.event_recovery_timestamp if resolved else None,
            urls=(event.page, event.trigger_url),
            fingerprint=f"{NAME}:{event.trigger_id or ''}:{event.event_id}",
        )
    ]

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

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator

from bot.alerts.decode import NotJson, decode
from bot.alerts.labels import from_tags, stated
from bot.alerts.moment import as_moment
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Text, read
from bot.alerts.severity import severity_of
from bot.alerts.spelling import Spelled, Word, called, needed, spells, tagged
from bot.alerts.status import status_of
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


class Parameters(Spelled):
    """The media type's parameters, in any spelling; a macro that Zabbix cannot fill stays as written, in braces."""

    event_id: Name = needed("eventid", "problemid", "id")
    event_name: Name = needed("eventname", "problemname", "triggername", "alertsubject", "subject", "name")
    event_value: Text = called("eventvalue", "triggervalue", "value")
    event_status: Text = called("eventstatus", "triggerstatus", "problemstatus", "status")
    event_severity: Text = called("eventseverity", "triggerseverity", "severity")
    event_nseverity: Text = called("eventnseverity", "triggernseverity", "nseverity")
    event_tags: Annotated[dict[str, str], BeforeValidator(_tags)] = tagged("eventtags", "eventtagsjson", "tags")
    event_opdata: Text = called("eventopdata", "opdata")
    event_update_status: Text = called("eventupdatestatus", "updatestatus")
    event_update_action: Text = called("eventupdateaction", "updateaction")
    event_ack_status: Text = called("eventackstatus", "ackstatus")
    event_timestamp: Moment = called("eventtimestamp")
    event_date: Text = called("eventdate")
    event_time: Text = called("eventtime")
    event_recovery_timestamp: Moment = called("eventrecoverytimestamp")
    event_recovery_date: Text = called("eventrecoverydate")
    event_recovery_time: Text = called("eventrecoverytime")
    host_name: Word = called("hostname", "hosthost", "host")
    trigger_id: Text = called("triggerid")
    trigger_description: Text = called("triggerdescription", "description")
    trigger_url: Text = called("triggerurl")
    alert_message: Text = called("alertmessage", "message")
    zabbix_url: Text = called("zabbixurl")

    @property
    def status(self) -> AlertStatus:
        """Resolved, or else acknowledged or suppressed where the update says so."""
        if self.event_value == "0" or (not self.event_value and status_of(self.event_status) is AlertStatus.RESOLVED):
            return AlertStatus.RESOLVED
        if self.event_update_status != "1":
            return AlertStatus.FIRING
        actions = {action.strip().casefold() for action in (self.event_update_action or "").split(",")}
        if "suppressed" in actions:
            return AlertStatus.SUPPRESSED
        acknowledged = (self.event_ack_status or "").casefold() == "yes" or "acknowledged" in actions
        return AlertStatus.ACKNOWLEDGED if acknowledged else AlertStatus.FIRING

    @property
    def starts_at(self) -> datetime | None:
        """By the timestamp; date and time, where they are all there is, are those of the server's clock."""
        return self.event_timestamp or as_moment(f"{self.event_date or ''} {self.event_time or ''}")

    @property
    def ends_at(self) -> datetime | None:
        """When the problem was over."""
        written = f"{self.event_recovery_date or ''} {self.event_recovery_time or ''}"
        return self.event_recovery_timestamp or as_moment(written)

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
    return spells(body, "eventid", "eventname", "eventvalue") or spells(body, "eventid", "triggerid")


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
            starts_at=event.starts_at,
            ends_at=event.ends_at if resolved else None,
            urls=(event.page, event.trigger_url),
            fingerprint=f"{NAME}:{event.trigger_id or ''}:{event.event_id}",
        )
    ]

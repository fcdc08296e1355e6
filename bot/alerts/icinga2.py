"""Icinga 2: a notification command that posts the runtime macros as JSON.

Sources of truth: https://icinga.com/docs/icinga-2/latest/doc/03-monitoring-basics/#runtime-macros and
https://icinga.com/docs/icinga-2/latest/doc/12-icinga2-api/#event-streams (the events)

Icinga has no payload of its own. The command of docs/alerts.md sends the macros under these names: `notification_type`
$notification.type$, `host_name` $host.name$, `host_display_name` $host.display_name$, `host_address` $address$,
`host_state` $host.state$, `host_output` $host.output$, `service_name` $service.name$, `service_display_name`
$service.display_name$, `service_state` $service.state$, `service_output` $service.output$, `last_state_change`
$service.last_state_change$ or $host.last_state_change$, `author` $notification.author$, `comment`
$notification.comment$, `notes_url` $service.notes_url$ or $host.notes_url$.
"""

from __future__ import annotations

from bot.alerts.labels import stated
from bot.alerts.nagios import HOST_STATES, SERVICE_STATES, kind_of, looks_like_checkmk, severity_of, status_of
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Text, read
from bot.alerts.severity import plain
from bot.alerts.spelling import Spelled, Word, called, needed, spells, tagged
from bot.models import Alert, AlertStatus

NAME = "icinga2"


STREAMED = {
    "acknowledgementset": "acknowledgement",
    "downtimestarted": "downtimestart",
    "downtimetriggered": "downtimestart",
}
"""Events that are worth a notification of another name."""
HARD = "1"


class Notification(Spelled):
    """What Icinga tells of a host, or of a service on it. `vars` may hold custom variables, such as the environment.

    The names are those of this module, those of the scripts that Icinga ships (`NOTIFICATIONTYPE`, `SERVICEDESC`, …),
    or those of an event of its API's stream, whose states are numbers.
    """

    notification_type: Text = called("notificationtype")
    event: Text = called("type")
    host_name: Name = needed("hostname", "hostalias", "host")
    host_display_name: Text = called("hostdisplayname")
    host_address: Text = called("hostaddress", "address")
    host_state: Text = called("hoststate")
    host_output: Text = called("hostoutput")
    service_name: Word = called("servicename", "servicedesc", "service")
    service_display_name: Text = called("servicedisplayname")
    service_state: Text = called("servicestate")
    service_output: Text = called("serviceoutput")
    number: Text = called("checkresultstate", "checkresultexitstatus", "state")
    state_type: Text = called("statetype")
    output: Text = called("checkresultoutput")
    last_state_change: Moment = called(
        "laststatechange", "servicelaststatechange", "hostlaststatechange", "timestamp", "longdatetime"
    )
    author: Text = called("author", "notificationauthor", "notificationauthorname")
    comment: Text = called("comment", "notificationcomment", "text")
    notes_url: Text = called("notesurl", "servicenotesurl", "hostnotesurl")
    vars: Labels = tagged("vars", "servicevars", "hostvars")

    @property
    def of_service(self) -> bool:
        """Whether it is about a service."""
        return self.service_name is not None

    @property
    def state(self) -> str | None:
        """The state in words."""
        told = self.service_state if self.of_service else self.host_state
        numbers = SERVICE_STATES if self.of_service else HOST_STATES
        return told or (numbers.get(self.number, self.number) if self.number else None)

    @property
    def said(self) -> str | None:
        """What the check printed."""
        return (self.service_output if self.of_service else self.host_output) or self.output

    @property
    def kind(self) -> str | None:
        """The type of notification; a state that may still change back (a soft one) is worth none."""
        if self.notification_type:
            return self.notification_type
        named = STREAMED.get(plain(self.event))
        return named or (kind_of(self.state) if self.state_type in {None, HARD} else None)


def recognises(body: object) -> bool:
    """Whether the body has the macros of this module, or is an event of a stream."""
    if looks_like_checkmk(body) or not isinstance(body, dict):
        return False
    return spells(body, "notificationtype", "hostname") or (
        "type" in body and spells(body, "host", "checkresult") and not isinstance(body["type"], dict)
    )


def parse(body: object) -> list[Alert]:
    """The host or the service as one alert; none of a notification that changes nothing.

    Raises:
        BadInput: the body has another shape.
    """
    told = read(Notification, body, sender="Icinga 2 (with the command of docs/alerts.md)")
    status = status_of(told.kind)
    return [_alert(told, status)] if status else []


def _alert(told: Notification, status: AlertStatus) -> Alert:
    resolved = status is AlertStatus.RESOLVED
    return normal(
        source=NAME,
        name=told.service_display_name or told.service_name or told.host_display_name or told.host_name,
        status=status,
        severity=severity_of(told.state),
        summary=told.said,
        labels={
            **told.vars,
            **stated(host=told.host_name, address=told.host_address, check=told.service_name),
        },
        annotations={"author": told.author, "comment": told.comment},
        starts_at=None if resolved else told.last_state_change,
        ends_at=told.last_state_change if resolved else None,
        runbook_url=told.notes_url,
        fingerprint=f"{NAME}:{told.host_name}!{told.service_name or ''}",
    )

"""Checkmk: a notification script that posts the notification's context as JSON.

Source of truth: https://docs.checkmk.com/latest/en/notifications.html#scripts (the variables NOTIFY_…)

The script of docs/alerts.md sends every `NOTIFY_` variable without that prefix.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import model_validator

from bot.alerts.labels import stated
from bot.alerts.nagios import looks_like_checkmk, severity_of, status_of
from bot.alerts.normal import normal
from bot.alerts.payload import Labels, Moment, Name, Text, read
from bot.alerts.spelling import Spelled, called, needed, spells, tagged
from bot.alerts.text import scalar
from bot.models import Alert, AlertStatus

NAME = "checkmk"
LABELS = ("HOSTLABEL_", "SERVICELABEL_")
"""Prefixes of variables that hold one label each."""
PREFIX = "NOTIFY_"
"""Before every variable, where the script has left it."""


class Context(Spelled):
    """What Checkmk tells of a host, or of a service on it."""

    kind: Name = needed("notificationtype")
    what: Text = called("what")
    host: Name = needed("hostname", "host")
    alias: Text = called("hostalias", "alias")
    address: Text = called("hostaddress", "address")
    host_state: Text = called("hoststate", "status", "state")
    host_output: Text = called("hostoutput", "output")
    service: Text = called("servicedesc", "service")
    service_state: Text = called("servicestate", "status", "state")
    service_output: Text = called("serviceoutput", "output")
    long_output: Text = called("longserviceoutput", "longhostoutput", "longoutput")
    host_changed_at: Moment = called("lasthoststatechange", "longdatetime", "shortdatetime")
    service_changed_at: Moment = called("lastservicestatechange", "longdatetime", "shortdatetime")
    site: Text = called("omdsite", "site")
    comment: Text = called("notificationcomment", "comment")
    author: Text = called("notificationauthor", "author")
    url: Text = called("serviceurl", "hosturl", "url")
    labels: Labels = tagged("labels")

    @model_validator(mode="before")
    @classmethod
    def _gather_labels(cls, said: Any) -> Any:
        """SERVICELABEL_team is the label `team`; a service's wins over its host's."""
        if not isinstance(said, Mapping):
            return said
        context = {key.removeprefix(PREFIX): value for key, value in said.items() if isinstance(key, str)}
        found = {
            key.removeprefix(prefix): scalar(value)
            for prefix in LABELS
            for key, value in context.items()
            if key.startswith(prefix)
        }
        return {**context, "labels": found}


def recognises(body: object) -> bool:
    """Whether the body is a notification's context."""
    kinds, hosts = ("notificationtype", "notifynotificationtype"), ("hostname", "host", "notifyhostname")
    told = any(spells(body, kind, host) for kind in kinds for host in hosts)
    return told and looks_like_checkmk(body)


def parse(body: object) -> list[Alert]:
    """The host or the service as one alert; none of a notification that changes nothing.

    Raises:
        BadInput: the body has another shape.
    """
    context = read(Context, body, sender="Checkmk (with the script of docs/alerts.md)")
    status = status_of(context.kind)
    return [_alert(context, status)] if status else []


def _alert(context: Context, status: AlertStatus) -> Alert:
    of_service = context.service is not None
    changed_at = context.service_changed_at if of_service else context.host_changed_at
    resolved = status is AlertStatus.RESOLVED
    return normal(
        source=NAME,
        name=context.service or context.alias or context.host,
        status=status,
        severity=severity_of(context.service_state if of_service else context.host_state),
        summary=context.service_output if of_service else context.host_output,
        labels={
            **context.labels,
            **stated(host=context.host, address=context.address, check=context.service, site=context.site),
        },
        annotations={"details": context.long_output, "author": context.author, "comment": context.comment},
        starts_at=None if resolved else changed_at,
        ends_at=changed_at if resolved else None,
        urls=(context.url,),
        fingerprint=f"{NAME}:{context.site or ''}:{context.host}!{context.service or ''}",
    )

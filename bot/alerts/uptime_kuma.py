"""Uptime Kuma: the webhook notification with the JSON preset.

Source of truth: https://github.com/louislam/uptime-kuma/blob/master/server/notification-providers/webhook.js
"""

from __future__ import annotations

from pydantic import Field

from bot.alerts.labels import fingerprint, stated
from bot.alerts.normal import normal
from bot.alerts.payload import Moment, Name, Payload, Tags, Text, has, read
from bot.models import Alert, AlertStatus

NAME = "uptime_kuma"
STATES = {
    "0": AlertStatus.FIRING,
    "1": AlertStatus.RESOLVED,
    "2": AlertStatus.FIRING,
    "3": AlertStatus.SUPPRESSED,
}
"""Down, up, pending, maintenance."""


class Heartbeat(Payload):
    """One look at the monitored thing; `time` is UTC."""

    status: Text = None
    time: Moment = None
    msg: Text = None


class Monitor(Payload):
    """The monitored thing."""

    id: Text = None
    name: Name
    type: Text = None
    url: Text = None
    hostname: Text = None
    tags: Tags = Field(default_factory=dict)


class Notification(Payload):
    """A change of state; a message about a certificate, and a test, have neither heartbeat nor monitor."""

    msg: Text = None
    heartbeat: Heartbeat | None = None
    monitor: Monitor | None = None


def recognises(body: object) -> bool:
    """Whether the body is a notification of Uptime Kuma."""
    return has(body, "heartbeat", "monitor", "msg")


def parse(body: object) -> list[Alert]:
    """The monitor, or the message, as one alert; none of a test.

    Raises:
        BadInput: the body has another shape.
    """
    said = read(Notification, body, sender="Uptime Kuma")
    if said.monitor:
        return [_alert(said.monitor, said.heartbeat or Heartbeat(), said.msg)]
    if not said.msg or said.msg.endswith(" Testing"):
        return []
    return [normal(source=NAME, name=said.msg, status=AlertStatus.FIRING, summary=said.msg)]


def _alert(monitor: Monitor, heartbeat: Heartbeat, message: str | None) -> Alert:
    status = STATES.get(heartbeat.status or "", AlertStatus.FIRING)
    resolved = status is AlertStatus.RESOLVED
    return normal(
        source=NAME,
        name=monitor.name,
        status=status,
        summary=heartbeat.msg or message,
        labels={
            **monitor.tags,
            **stated(monitor_type=monitor.type, target=monitor.url, host=monitor.hostname),
        },
        annotations={"message": message},
        starts_at=None if resolved else heartbeat.time,
        ends_at=heartbeat.time if resolved else None,
        # Ids count from 1 in every installation; with the name they tell installations apart.
        fingerprint=fingerprint(monitor.name, stated(id=monitor.id)),
    )

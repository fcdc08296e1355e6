"""What Icinga 2 and Checkmk have from Nagios: types of notifications, and states of hosts and services."""

from __future__ import annotations

from bot.alerts.payload import has
from bot.alerts.severity import plain
from bot.alerts.spelling import spells
from bot.models import AlertStatus, Severity

TYPES = {
    "problem": AlertStatus.FIRING,
    "recovery": AlertStatus.RESOLVED,
    "acknowledgement": AlertStatus.ACKNOWLEDGED,
    "downtimestart": AlertStatus.SUPPRESSED,
}
"""Those that change where an alert stands; flapping, custom notifications and the end of a downtime do not."""
STATES = {
    "critical": Severity.CRITICAL,
    "down": Severity.CRITICAL,
    "unreachable": Severity.HIGH,
    "unreach": Severity.HIGH,
    "warning": Severity.WARNING,
    "unknown": Severity.WARNING,
}
"""A state that is fine has no severity."""
FINE = frozenset({"ok", "up"})
SERVICE_STATES = {"0": "OK", "1": "WARNING", "2": "CRITICAL", "3": "UNKNOWN"}
HOST_STATES = {"0": "UP", "1": "DOWN", "2": "UNREACHABLE"}
"""Where a state is told by its number."""


def status_of(kind: str | None) -> AlertStatus | None:
    """Where the alert stands after the notification; None where that does not change."""
    return TYPES.get(plain(kind))


def kind_of(state: str | None) -> str | None:
    """The type of notification that a state is worth, where none is told."""
    if state is None:
        return None
    return "recovery" if plain(state) in FINE else "problem"


def severity_of(state: str | None) -> Severity | None:
    """How bad the state is."""
    return STATES.get(plain(state))


def looks_like_checkmk(body: object) -> bool:
    """Whether a notification with names that both have is Checkmk's: it says `WHAT` or its site, or has these alone.

    The scripts that Icinga ships have them too, with the names that are displayed beside them.
    """
    if any(spells(body, name) for name in ("what", "omdsite", "notifywhat")):
        return True
    displayed = any(spells(body, name) for name in ("hostdisplayname", "servicedisplayname", "notificationauthorname"))
    return has(body, "NOTIFICATIONTYPE", "HOSTNAME") and not displayed

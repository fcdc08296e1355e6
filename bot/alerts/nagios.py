"""What Icinga 2 and Checkmk have from Nagios: types of notifications, and states of hosts and services."""

from __future__ import annotations

from bot.alerts.severity import plain
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


def status_of(kind: str | None) -> AlertStatus | None:
    """Where the alert stands after the notification; None where that does not change."""
    return TYPES.get(plain(kind))


def severity_of(state: str | None) -> Severity | None:
    """How bad the state is."""
    return STATES.get(plain(state))

"""Alerts that come and go: after a few changes within a while, their incident stays open until they are quiet.

Every change is kept; what is damped is the talk about it, and the end and the return of the incident.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from bot.models import Alert, AlertJoined, AlertStatus, Incident, Opened, Phase, Reopened


@dataclass(frozen=True)
class Damping:
    """When an alert counts as flapping, and when it counts as quiet again."""

    changes: int = 4
    within: timedelta = timedelta(minutes=15)
    quiet_for: timedelta = timedelta(minutes=10)

    def flaps(self, incident: Incident, alert: Alert, now: datetime) -> bool:
        """Whether the alert, with what it says now, has changed between firing and resolved too often of late."""
        said = [alert.status, *(told.status for told in _told_lately(incident, alert.fingerprint, now - self.within))]
        turns = [status is AlertStatus.RESOLVED for status in said]
        return sum(one is not other for one, other in pairwise(turns)) >= self.changes

    def over(self, incident: Incident, now: datetime) -> bool:
        """Whether an incident that was kept open for flapping alerts has been quiet for long enough to end."""
        if incident.phase is Phase.RESOLVED or any(a.status is not AlertStatus.RESOLVED for a in incident.alerts):
            return False
        last = next(_alert_events(incident), None)
        return isinstance(last, AlertJoined) and last.damped and now - last.at >= self.quiet_for

    def says(self, alert: Alert) -> str:
        """What the thread is told once."""
        return (
            f"{alert.name} is flapping: it has changed between firing and resolved {self.changes} times within "
            f"{_minutes(self.within)}. From here on its changes are kept and no longer told, and the incident stays "
            f"open until it has been quiet for {_minutes(self.quiet_for)}."
        )


def _told_lately(incident: Incident, fingerprint: str, since: datetime) -> Iterator[Alert]:
    """What was said of the alert, latest first."""
    for event in _alert_events(incident):
        if event.at < since:
            return
        if event.alert.fingerprint == fingerprint:
            yield event.alert


def _alert_events(incident: Incident) -> Iterator[Opened | AlertJoined | Reopened]:
    for recorded in reversed(incident.history):
        if isinstance(recorded.event, Opened | AlertJoined | Reopened):
            yield recorded.event


def _minutes(span: timedelta) -> str:
    return f"{span / timedelta(minutes=1):g} minutes"

"""What an agent is sent out with: where to look, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

from bot.agents.scope import Scope
from bot.catalog import Catalog
from bot.models import Brief, Finding, Incident, Window
from bot.settings import TriageSettings

LONGEST = 8
"""An alert that has fired for long widens the window to at most so many times its configured length."""


def scope_of(
    incident: Incident,
    catalog: Catalog,
    settings: TriageSettings,
    now: datetime,
    *,
    brief: Brief | None = None,
    heard: tuple[Finding, ...] = (),
) -> Scope:
    """One agent's assignment."""
    window, baseline = windows(incident, now, settings)
    return Scope(
        incident_id=incident.id,
        alert=incident.alert,
        service=incident.service,
        catalog=catalog,
        window=window,
        baseline=baseline,
        brief=brief,
        heard=heard,
        deadline_s=settings.agent_deadline_s,
    )


def last_began(incident: Incident) -> datetime:
    """When the incident was opened, or opened again."""
    begun = (incident.last("reopened"), incident.last("opened"))
    return next((recorded.event.at for recorded in begun if recorded), incident.opened_at)


def run_of(incident: Incident) -> str:
    """The name of the incident's current run: every time it is opened or reopened, a new one begins."""
    openings = (recorded.id for recorded in reversed(incident.history) if recorded.event.kind in {"opened", "reopened"})
    return next(openings)


def windows(incident: Incident, now: datetime, settings: TriageSettings) -> tuple[Window, Window]:
    """The suspicious stretch, and the stretch before it for comparison.

    The suspicious one ends now and starts before the trouble did: rules fire only after their `for` has passed, so
    half a window is kept in front of the moment at which the alert says it began.
    """
    length = timedelta(seconds=settings.window_s)
    latest = incident.alerts[-1]
    began = min(latest.starts_at or now, now)
    start = max(min(now - length, began - length / 2), now - length * LONGEST)
    return Window(start=start, end=now), Window(start=start - timedelta(seconds=settings.baseline_s), end=start)

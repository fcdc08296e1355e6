"""What an agent is told: the incident, where and when to look, and its own brief. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from bot.catalog import Catalog
from bot.models import Alert, Brief, Finding, Window


@dataclass(frozen=True)
class Scope:
    """One agent's assignment."""

    incident_id: str
    alert: Alert
    service: str | None
    """Catalogue name of the service that the alert is about, where it is known."""
    catalog: Catalog
    window: Window
    """The suspicious stretch, ending now or at the alert."""
    baseline: Window
    """The stretch before, for comparison."""
    quiet: tuple[Window, ...] = ()
    """Further stretches that are known to be good, such as a calm hour of the same day."""
    brief: Brief | None = None
    heard: tuple[Finding, ...] = ()
    """What the board has delivered: others' findings that this agent has subscribed to."""
    deadline_s: float = 10.0

    @property
    def baselines(self) -> tuple[Window, ...]:
        """Everything that the window is compared with, the stretch just before it first."""
        return (self.baseline, *self.quiet)

    @property
    def neighbourhood(self) -> tuple[str, ...]:
        """The service and everything that it stands on, nearest first."""
        return (self.service, *self.catalog.dependencies(self.service)) if self.service else ()

"""What an agent is told: the incident, where and when to look, and its own brief. Nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from bot.catalog import Catalog
from bot.models import Alert, Brief, Window


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
    brief: Brief | None = None
    deadline_s: float = 10.0

    @property
    def neighbourhood(self) -> tuple[str, ...]:
        """The service and everything that it stands on, nearest first."""
        return (self.service, *self.catalog.dependencies(self.service)) if self.service else ()

"""What a monitoring system said, in one vocabulary for every sender."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from pydantic import Field

from bot.models.base import Instant, Noun


class AlertStatus(StrEnum):
    """Where the sender says that the alert stands."""

    FIRING = "firing"
    RESOLVED = "resolved"
    ACKNOWLEDGED = "acknowledged"
    SUPPRESSED = "suppressed"


class Severity(StrEnum):
    """How bad, in the words most senders share; the order of the members is worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    WARNING = "warning"
    INFO = "info"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return list(Severity).index(self)


class Alert(Noun):
    """One alert as its sender described it. A field that the sender did not give stays empty."""

    source: str = Field(description="the door it came through: alertmanager, grafana, generic, …")
    name: str = Field(min_length=1, description="the rule's name, such as alertname")
    status: AlertStatus
    severity: Severity | None = None
    service: str | None = Field(default=None, description="as the sender wrote it; the catalogue resolves aliases")
    environment: str | None = None
    summary: str | None = Field(default=None, description="the sender's one-line description")
    labels: Mapping[str, str] = Field(default_factory=dict)
    annotations: Mapping[str, str] = Field(default_factory=dict)
    starts_at: Instant | None = None
    ends_at: Instant | None = None
    url: str | None = Field(default=None, description="where the sender shows this alert")
    runbook_url: str | None = None
    fingerprint: str = Field(min_length=1, description="the same for firing and resolved of one alert")
    group_key: str | None = Field(default=None, description="the sender's own grouping, where it has one")

"""What the door counts."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter

from bot.alerts.refusal import Reason

UNKNOWN = "unknown"
"""The label of every source that does not exist: what strangers write in a URL is no label value."""


class Tally:
    """Counters of one registry; use `tally`, since a registry takes a name once."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._accepted = Counter(
            "nightdesk_alerts_accepted", "Alerts made durable and acknowledged.", ["source"], registry=registry
        )
        self._refused = Counter(
            "nightdesk_alert_requests_refused",
            "Requests with alerts that were not acknowledged.",
            ["source", "reason"],
            registry=registry,
        )

    def accepted(self, source: str, alerts: int) -> None:
        """Alerts of the source were acknowledged."""
        self._accepted.labels(source).inc(alerts)

    def refused(self, source: str, reason: Reason) -> None:
        """A request to the source was refused."""
        self._refused.labels(source, reason).inc()


@cache
def tally(registry: CollectorRegistry) -> Tally:
    """The one tally of the registry."""
    return Tally(registry)

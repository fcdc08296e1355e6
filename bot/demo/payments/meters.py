"""What the service measures of itself, for Prometheus."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

SERVICE = "payments"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
OPERATIONS = {"scan-to-pay": ("ok", "declined", "error"), "balance": ("ok", "error")}


class Meters:
    """The meters of one process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "payments_requests",
            "Requests by how they ended",
            ["service", "operation", "outcome"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "payments_request_duration_seconds",
            "How long requests took",
            ["service", "operation"],
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._in_flight = Gauge(
            "payments_in_flight_requests", "Requests being served", ["service"], registry=self._registry
        ).labels(SERVICE)
        self._cents = Counter(
            "payments_paid_cents", "Money that changed hands", ["service"], registry=self._registry
        ).labels(SERVICE)
        for operation, outcomes in OPERATIONS.items():  # a counter that starts at zero gives its first rise a rate
            self._seconds.labels(SERVICE, operation)
            for outcome in outcomes:
                self._requests.labels(SERVICE, operation, outcome)

    def watch_pool(self, statistics: Callable[[], dict[str, int]]) -> None:
        """Show the connection pool's state at each scrape."""
        gauges = {
            "payments_pool_connections": ("pool_size", "Open database connections"),
            "payments_pool_connections_idle": ("pool_available", "Database connections at rest"),
            "payments_pool_connections_max": ("pool_max", "The most database connections that may be open"),
            "payments_pool_waiting_requests": ("requests_waiting", "Requests that wait for a database connection"),
        }
        for name, (statistic, what) in gauges.items():
            gauge = Gauge(name, what, ["service"], registry=self._registry).labels(SERVICE)
            gauge.set_function(partial(_read, statistics, statistic))

    @contextmanager
    def serving(self, operation: str) -> Iterator[Callable[[str], None]]:
        """Measure one request; call what it gives with the outcome."""
        started = time.perf_counter()
        outcomes = ["error"]
        self._in_flight.inc()
        try:
            yield outcomes.append
        finally:
            self._in_flight.dec()
            self._seconds.labels(SERVICE, operation).observe(time.perf_counter() - started)
            self._requests.labels(SERVICE, operation, outcomes[-1]).inc()

    def paid(self, cents: int) -> None:
        """Count money."""
        self._cents.inc(cents)

    def page(self) -> bytes:
        """The exposition text."""
        return generate_latest(self._registry)


def _read(statistics: Callable[[], dict[str, int]], name: str) -> float:
    return statistics().get(name, 0)

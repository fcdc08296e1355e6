"""A service without selectors and with far too many series, in a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.catalog import Catalog
from bot.telemetry.prometheus import MOST_SERIES
from tests.integration.agents.remembered import ONSET, ask, remembering, times
from tests.servers.prometheus import History

CATALOG = Catalog.model_validate({"services": {"shop": {"aliases": ["store"]}}})
PATHS = MOST_SERIES // 2 + 200
"""Of each of two codes; a few metrics of other kinds beside them."""


def storm() -> History:
    """One careless label makes thousands of series; a fifth of all calls fails since the onset."""
    history, moments = History(), times(1.4, step_s=120)

    def well(now: float) -> float:
        return 0.8 if now >= ONSET.timestamp() else 1.0

    for path in range(PATHS):
        history.counter(f'http_requests_total{{app="store",path="/{path}",code="200"}}', moments, well)
        failing = f'http_requests_total{{app="store",path="/{path}",code="500"}}'
        history.counter(failing, moments, lambda now: 1.0 - well(now))
    for number in range(60):
        history.gauge(f'worker_{number:02}_queue_depth{{app="store"}}', moments, lambda _: 3.0)
    for le in ("0.1", "+Inf"):
        history.counter(f'http_request_duration_seconds_bucket{{app="store",le="{le}"}}', moments, lambda _: 9.0)
    return history


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("storm")
    with remembering(storm(), folder) as address:
        yield address


async def test_a_storm_of_series_is_asked_for_in_aggregates_and_every_kind_gets_its_turn(url: str) -> None:
    report = await ask(url, "metrics.look", CATALOG)
    reasons = "\n".join(gap.reason for gap in report.gaps)
    assert f"shop has {2 * PATHS + 62:,} series: only labels that are known to tell failures were looked at" in reasons
    assert "signals, of which 24 were looked at" in reasons
    assert {finding.kind for finding in report.findings} >= {"error_rate", "latency", "traffic_drop", "saturation"}
    errors = next(finding for finding in report.findings if finding.kind == "error_rate")
    assert errors.facts["error_ratio"] == pytest.approx(0.2, abs=0.02)

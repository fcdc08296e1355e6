"""Calls between services, as a mesh and a service graph count them, in a real Prometheus."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.catalog import Catalog
from tests.integration.agents.remembered import ONSET, ask, remembering, times
from tests.servers.prometheus import History

CATALOG = Catalog.model_validate(
    {
        "services": {
            "shop": {"depends_on": ["payments"], "selectors": {"app": "shop"}},
            "payments": {"aliases": ["pay-v1"]},
        }
    }
)


def mesh() -> History:
    """The shop's calls to payments fail since the onset; those to stock, and those of the front door, are as ever."""
    history, moments = History(), times(1.4)

    def calls(caller: str, callee: str, code: str, before: float, after: float) -> None:
        ends = f'source_workload="{caller}",destination_workload="{callee}",response_code="{code}"'
        for reporter in ("source", "destination"):
            series = f'istio_requests_total{{reporter="{reporter}",{ends}}}'
            history.counter(series, moments, lambda now: after if now >= ONSET.timestamp() else before)

    history.gauge('up{app="shop"}', moments, lambda _: 1.0)
    calls("shop", "pay-v1", "200", 10, 4)
    calls("shop", "pay-v1", "503", 0, 6)
    calls("shop", "stock", "200", 10, 10)
    calls("front", "shop", "200", 10, 10)
    calls("front", "unknown", "503", 0, 9)
    for le, count in (("0.1", 5.0), ("1", 9.0), ("+Inf", 9.0)):
        series = f'traces_service_graph_request_server_seconds_bucket{{client="shop",server="search",le="{le}"}}'
        history.counter(series, moments, lambda _, count=count: count)  # type: ignore[misc]
    return history


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("mesh")
    with remembering(mesh(), folder) as address:
        yield address


async def test_the_edge_that_fails_is_named_with_both_its_ends(url: str) -> None:
    report = await ask(url, "metrics.edges", CATALOG)
    worst = report.findings[0]
    assert worst.title == (
        f"Istio request failures of calls from shop to pay-v1 rose from 0 % to 60 % at {ONSET:%H:%M} UTC (payments)"
    )
    assert (worst.service, worst.kind) == ("payments", "error_rate")
    assert report.facts.items() >= {
        "edge_count": 4, "worst_caller": "shop", "worst_callee": "pay-v1", "worst_edge_kind": "error_rate",
    }.items()  # fmt: skip
    assert all("stock" not in finding.title and "unknown" not in finding.title for finding in report.findings)
    assert report.gaps == ()


async def test_each_call_is_counted_once_though_both_ends_count_it(url: str) -> None:
    report = await ask(url, "metrics.edges", CATALOG)
    queries = [evidence.query or "" for finding in report.findings for evidence in finding.evidence]
    assert all('reporter="destination"' in query for query in queries if "istio_" in query)
    assert any("istio_" in query for query in queries)


async def test_edges_that_are_as_ever_are_looked_at_and_normal(url: str) -> None:
    report = await ask(url, "metrics.edges", CATALOG, service="payments")
    assert [finding.score > 0 for finding in report.findings][:1] == [True]  # payments sees the failing calls, too
    alone = Catalog.model_validate({"services": {"stock": {}}})
    calm = await ask(url, "metrics.edges", alone, service="stock")
    assert [finding.title for finding in calm.findings] == [
        "calls of stock to and from others: looked, and normal – 1 edge"
    ]


async def test_a_service_that_nobody_counts_calls_of_is_a_gap(url: str) -> None:
    lonely = Catalog.model_validate({"services": {"lonely": {}}})
    report = await ask(url, "metrics.edges", lonely, service="lonely")
    assert "no metric counts calls of lonely by caller and callee" in report.gaps[0].reason


async def test_a_look_at_the_incident_sees_the_edges_too(url: str) -> None:
    report = await ask(url, "metrics.look", CATALOG)
    assert report.facts["worst_callee"] == "pay-v1"
    assert report.charts[0].alt.count("calls from shop to pay-v1") >= 1

"""How full things are and when they will be, seen through a real Prometheus that remembers well-known exporters."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.agents.exporters import EXPIRIES, RULES
from bot.agents.forms import Choice, of_several
from bot.catalog import Catalog
from bot.telemetry.prometheus import Prometheus
from tests.integration.agents.remembered import END, WINDOW, ask, remembering, times
from tests.servers.prometheus import History

CATALOG = Catalog.model_validate(
    {
        "services": {"shop": {"depends_on": ["shop-db"], "aliases": ["store"]}},
        "databases": {"shop-db": {"dsn_env": "SHOP_DB"}},
    }
)
SIZE = 1e11


def filling() -> History:
    """The disk /var of the shop's host fills by a tenth an hour; its database is short of connections."""
    history, moments = History(), times(6, step_s=60)
    left = {"/var": lambda now: SIZE * (0.08 + 0.1 * (END.timestamp() - now) / 3600), "/": lambda _: SIZE * 0.6}
    for mount, free in left.items():
        labels = f'{{job="node",instance="10.0.0.5:9100",mountpoint="{mount}",fstype="ext4"}}'
        history.gauge(f"node_filesystem_avail_bytes{labels}", moments, free)
        history.gauge(f"node_filesystem_size_bytes{labels}", moments, lambda _: SIZE)
    elsewhere = '{job="node",instance="10.0.0.9:9100",mountpoint="/",fstype="ext4"}'
    history.gauge(f"node_filesystem_avail_bytes{elsewhere}", moments, lambda _: 1.0)
    history.gauge(f"node_filesystem_size_bytes{elsewhere}", moments, lambda _: SIZE)
    history.counter('http_requests_total{service="shop",instance="10.0.0.5:8080",code="200"}', moments, lambda _: 5.0)
    for state, count in (("active", 60.0), ("idle", 34.0)):
        series = f'pg_stat_activity_count{{service="shop-db",instance="db:9187",state="{state}"}}'
        history.gauge(series, moments, lambda _, count=count: count)  # type: ignore[misc]
    history.gauge('pg_settings_max_connections{service="shop-db",instance="db:9187"}', moments, lambda _: 100)
    for host, days in (("store.example.com", 3), ("workshop.example.com", 1), ("shop.example.com", 90)):
        ends = (END + timedelta(days=days)).timestamp()
        history.gauge(f'probe_ssl_earliest_cert_expiry{{instance="{host}"}}', moments, lambda _, ends=ends: ends)  # type: ignore[misc]
    return history


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("filling")
    with remembering(filling(), folder) as address:
        yield address


async def test_a_disk_that_fills_steadily_is_full_within_the_hour(url: str) -> None:
    report = await ask(url, "metrics.forecast", CATALOG, {"resource": "disk"})
    (finding,) = report.findings
    assert finding.title.startswith("Disk /var of 10.0.0.5:9100 at 92 %, full in 48 min if it goes on like this")
    assert report.facts["full_in_s"] == pytest.approx(2880, rel=0.02)
    assert report.facts["full_soonest_s"] <= report.facts["full_in_s"]
    assert (report.facts["full_resource"], report.facts["filling_count"]) == ("disk", 1)
    assert report.gaps == ()


async def test_what_is_full_beyond_the_horizon_is_not_told(url: str) -> None:
    report = await ask(url, "metrics.forecast", CATALOG, {"resource": "disk", "horizon_hours": 0.5})
    assert [finding.score for finding in report.findings] == [0.0]
    assert report.findings[0].title.startswith("looked, and calm: nothing of 2 resources fills steadily")


async def test_the_fullest_item_of_the_service_and_of_what_it_stands_on_is_named(url: str) -> None:
    report = await ask(url, "metrics.saturation", CATALOG)
    assert report.facts["fullest"] == "Postgres connections of db:9187"
    assert report.facts["fullest_ratio"] == pytest.approx(0.94)
    assert report.facts["near_full_count"] == 2
    assert [finding.service for finding in report.findings[:2]] == ["shop-db", "shop"]
    assert all("10.0.0.9" not in finding.title for finding in report.findings)


async def test_one_resource_alone_can_be_asked_for(url: str) -> None:
    report = await ask(url, "metrics.saturation", CATALOG, {"resource": "disk", "dependencies": False})
    assert [finding.indicator for finding in report.findings] == [
        "node_filesystem_avail_bytes /var of 10.0.0.5:9100", "node_filesystem_avail_bytes / of 10.0.0.5:9100",
    ]  # fmt: skip
    nothing = await ask(url, "metrics.saturation", CATALOG, {"resource": "inodes"})
    assert "no exporter tells how full inodes are" in nothing.gaps[0].reason


async def test_a_certificate_that_runs_out_is_told_by_the_service_that_it_names(url: str) -> None:
    report = await ask(url, "metrics.forecast", CATALOG, {"resource": "certificates"})
    (finding,) = report.findings
    assert finding.title == "The certificate of store.example.com runs out in 3 days (shop)"
    assert report.facts["certificate_ends_in_s"] == pytest.approx(3 * 86_400)


async def test_a_look_at_the_incident_foretells_what_is_full_within_hours(url: str) -> None:
    report = await ask(url, "metrics.look", CATALOG)
    foretold = [finding for finding in report.findings if finding.indicator.endswith(" forecast")]
    assert [finding.title.partition(",")[0] for finding in foretold] == ["Disk /var of 10.0.0.5:9100 at 92 %"]
    assert report.facts["full_in_s"] == pytest.approx(2880, rel=0.05)


async def test_every_rule_is_promql_that_prometheus_understands(url: str) -> None:
    async with Prometheus(url) as prometheus:
        for rule in RULES:
            together = of_several(rule.form, [Choice.of({"job": "x"}), Choice.of({"job": "y"})], "job")
            for promql in (rule.whole('job="x"'), rule.items('job="x"'), together):
                assert (await prometheus.query(promql.replace("{rate}", "60s"), WINDOW.end)).series == (), rule.metric
        for metric, by in EXPIRIES:
            await prometheus.query(f"bottomk(3, min by ({', '.join(by)}) (({metric} > 0) - time()))", WINDOW.end)

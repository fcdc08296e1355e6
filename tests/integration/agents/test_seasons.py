"""Earlier days as baselines: what is usual at this time, and what crept up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.catalog import Catalog
from bot.errors import BadInput
from tests.integration.agents.remembered import BASELINE, END, ONSET, WINDOW, ask, remembering, times
from tests.servers.prometheus import History

CATALOG = Catalog.model_validate({"services": {"shop": {"selectors": {"job": "shop"}}}})
DAYS = (timedelta(days=7), timedelta(days=1), timedelta(0))


def nightly() -> History:
    """Every night at ten past three the batch comes; today its errors come too, and the queue has grown since noon."""
    moments = [at for back in DAYS for at in times(1.4, end=END - back)]
    history = History()

    def tonight(now: float) -> bool:
        return now >= (END - timedelta(hours=2)).timestamp()

    def after_the_onset(now: float) -> bool:
        return any((ONSET - back).timestamp() <= now <= (END - back).timestamp() + 60 for back in DAYS)

    def beginning(now: float) -> bool:
        return datetime.fromtimestamp(now, END.tzinfo) >= ONSET

    history.gauge('batch_queue_depth{job="shop"}', moments, lambda now: 500.0 if after_the_onset(now) else 20.0)
    history.gauge('mail_queue_depth{job="shop"}', moments, lambda now: 900.0 if tonight(now) else 20.0)
    history.gauge('disk_pool_usage_ratio{job="shop"}', moments, lambda now: 0.8 if beginning(now) else 0.2)
    history.counter('http_requests_total{job="shop",code="200"}', moments, lambda _: 20.0)
    history.counter(
        'http_requests_total{job="shop",code="500"}', moments, lambda now: 5.0 if after_the_onset(now) else 0
    )
    return history


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("nightly")
    with remembering(nightly(), folder) as address:
        yield address


ALONE = {"dependencies": False}
"""Then each series is told by itself."""


async def test_what_comes_every_night_at_this_time_weighs_little_and_what_is_new_weighs_in_full(url: str) -> None:
    report = await ask(url, "metrics.golden_signals", CATALOG, ALONE)
    found = {finding.indicator: finding for finding in report.findings}
    assert found["batch_queue_depth"].title.endswith("(shop), as at this time yesterday and a week ago")
    assert found["batch_queue_depth"].score < 0.4
    assert found["disk_pool_usage_ratio"].score > 0.8


async def test_among_what_is_measured_together_earlier_days_weigh_the_same(url: str) -> None:
    report = await ask(url, "metrics.look", CATALOG)
    (saturation,) = (finding for finding in report.findings if finding.kind == "saturation")
    assert saturation.indicator == "disk_pool_usage_ratio"
    told = [fact.statement.partition(",")[0] for fact in saturation.evidence]
    at = f"{ONSET:%H:%M} UTC"
    assert told == [
        f"disk pool usage ratio rose from 20 % to 80 % at {at} (shop)",
        "mail queue depth: 900",
        f"batch queue depth rose from 20 to 500 at {at} (shop)",
    ]


async def test_errors_are_not_excused_by_having_happened_before(url: str) -> None:
    report = await ask(url, "metrics.look", CATALOG)
    errors = next(finding for finding in report.findings if finding.kind == "error_rate")
    assert errors.score > 0.7
    assert "yesterday" not in errors.title


async def test_what_was_already_so_an_hour_ago_is_seen_against_earlier_days(url: str) -> None:
    report = await ask(url, "metrics.golden_signals", CATALOG, ALONE)
    found = {finding.indicator: finding for finding in report.findings}
    assert found["mail_queue_depth"].title == (
        "Mail queue depth: 900, but 20 at this time yesterday and a week ago; the hour before was no better (shop)"
    )
    assert found["mail_queue_depth"].score > 0.4
    assert found["mail_queue_depth"].started_at is None


async def test_a_stretch_that_is_known_to_be_good_is_a_baseline(url: str) -> None:
    good = {"good_from": BASELINE.start - timedelta(days=1), "good_until": BASELINE.end - timedelta(days=1)}
    given = {"signal": "saturation", "against": "known good", **good}
    report = await ask(url, "metrics.compare", CATALOG, given)
    assert {finding.indicator for finding in report.findings if finding.score > 0.8} == {
        "batch_queue_depth", "mail_queue_depth", "disk_pool_usage_ratio",
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"against": "known good"},
        {"good_from": WINDOW.start},
        {"against": "known good", "good_from": WINDOW.end, "good_until": WINDOW.start},
    ],
)
async def test_half_a_stretch_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        await ask("http://127.0.0.1:9", "metrics.compare", CATALOG, {"signal": "saturation", **wrong})

"""What the store keeps, finds and forgets."""

from __future__ import annotations

import pytest

from bot.demo.metrics.scrape import Scraper, Target
from bot.demo.metrics.series import LOOKBACK_MS, NAME, Labels, Matcher, Series, Store, drop, keep, labels_of

PAGE = """\
# HELP paid_total Payments made
# TYPE paid_total counter
paid_total{shop="north"} 3
# TYPE depth gauge
depth 1.5
# TYPE took_seconds histogram
took_seconds_bucket{le="1.0"} 2
took_seconds_bucket{le="+Inf"} 3
took_seconds_sum 4
took_seconds_count 3
"""


def series(*samples: tuple[int, float | None]) -> Series:
    one = Series(())
    for at_ms, value in samples:
        one.append(at_ms, value)
    return one


def test_the_newest_sample_counts_until_it_is_five_minutes_old() -> None:
    one = series((1000, 1.0), (2000, 2.0))
    assert one.at(999) is None
    assert one.at(1999) == (1000, 1.0)
    assert one.at(2000 + LOOKBACK_MS - 1) == (2000, 2.0)
    assert one.at(2000 + LOOKBACK_MS) is None


def test_a_series_that_has_ended_has_no_value_any_more() -> None:
    one = series((1000, 1.0), (2000, None))
    assert one.at(2500) is None
    assert one.between(0, 3000) == ([1000], [1.0])


def test_a_stretch_excludes_its_start_and_includes_its_end() -> None:
    assert series((1000, 1.0), (2000, 2.0), (3000, 3.0)).between(1000, 3000) == ([2000, 3000], [2.0, 3.0])


def test_a_sample_that_is_not_newer_than_the_last_is_dropped() -> None:
    assert series((2000, 2.0), (2000, 9.0), (1000, 9.0)).between(0, 9000) == ([2000], [2.0])


def test_what_is_old_is_forgotten_and_empty_series_go() -> None:
    store = Store()
    store.add((("a", "old"),), 1000, 1.0)
    store.add((("a", "new"),), 1000, 1.0)
    store.add((("a", "new"),), 5000, 2.0)
    store.forget(2000)
    assert [(one.labels, one.times) for one in store] == [((("a", "new"),), [5000])]


@pytest.mark.parametrize(
    ("matcher", "fits"),
    [
        (Matcher("shop", "=", "north"), ["north"]),
        (Matcher("shop", "!=", "north"), ["south", ""]),
        (Matcher("shop", "=~", "n.*|s"), ["north"]),
        (Matcher("shop", "!~", "n.*"), ["south", ""]),
        (Matcher("shop", "=", ""), [""]),
    ],
)
def test_a_matcher_takes_a_missing_label_for_an_empty_one(matcher: Matcher, fits: list[str]) -> None:
    store = Store()
    for shop in ("north", "south", ""):
        store.add(labels_of({NAME: "paid", "shop": shop}), 1, 1.0)
    found = store.select([matcher])
    assert [dict(one.labels).get("shop", "") for one in found] == fits


def test_labels_can_be_kept_and_dropped_by_name() -> None:
    labels: Labels = (("a", "1"), ("b", "2"))
    assert keep(labels, ["a", "z"]) == (("a", "1"),)
    assert drop(labels, ["a", "z"]) == (("b", "2"),)


def test_a_page_is_read_with_the_targets_own_labels() -> None:
    store = Store()
    found = Scraper(store, ()).read(PAGE, Target("pay", "http://127.0.0.1:9/metrics"))
    assert found[labels_of({NAME: "paid_total", "shop": "north", "job": "pay", "instance": "127.0.0.1:9"})] == 3.0
    assert len(found) == 6
    assert {name: about["type"] for name, about in store.metadata.items()} == {
        "paid_total": "counter",
        "depth": "gauge",
        "took_seconds": "histogram",
    }
    assert store.metadata["paid_total"]["help"] == "Payments made"

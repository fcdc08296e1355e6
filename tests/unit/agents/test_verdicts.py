"""What counts of log lines mean."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.agents.census import Census
from bot.agents.verdicts import Verdict, shares, verdicts
from bot.models import Window
from bot.telemetry.loglines import Level, LogLine

ONSET = datetime(2026, 3, 4, 3, 12, tzinfo=UTC)
WINDOW = Window(start=ONSET - timedelta(minutes=5), end=ONSET + timedelta(minutes=10))
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
LENGTH_S = BASELINE.seconds + WINDOW.seconds
Kind = Literal["before", "after", "always"]


def lines(message: str, *, every_s: float, when: Kind = "always", level: Level = "info") -> Iterator[LogLine]:
    """A line that comes regularly, before the onset, after it, or always."""
    for place in range(int(LENGTH_S / every_s)):
        at = BASELINE.start.timestamp() + place * every_s
        if when == "always" or (at >= ONSET.timestamp()) == (when == "after"):
            yield LogLine(at, message, level, "shop")


def census(*parts: Iterator[LogLine]) -> Census:
    counted = Census(WINDOW, BASELINE)
    for part in parts:
        counted.add(part)
    return counted


def judged(*parts: Iterator[LogLine]) -> dict[str, Verdict]:
    return {verdict.kind: verdict for verdict in verdicts(census(*parts))}


def usual() -> Iterator[LogLine]:
    return lines("order 17 placed in 30ms by the web shop", every_s=1)


def test_a_night_as_ever_has_no_verdict() -> None:
    assert judged(usual(), lines("cache of prices refreshed from the store", every_s=60)) == {}


def test_an_error_that_was_never_there_is_new_since_its_first_line() -> None:
    verdict = judged(usual(), lines("lock timeout while settling order 4", every_s=2, when="after", level="error"))
    found = verdict["new_error"]
    assert (found.count, found.expected, found.started_at) == (300, 0, ONSET)
    assert found.template == "lock timeout while settling order <num>"
    assert found.score > 0.9


def test_a_new_line_that_complains_of_nothing_scores_little() -> None:
    found = judged(usual(), lines("release 41 is now live on all hosts", every_s=100, when="after"))["new_log"]
    assert 0 < found.score <= 0.3


def test_an_error_that_always_came_and_now_comes_often_surges() -> None:
    found = judged(
        usual(),
        lines("retry of stock call 3 after timeout", every_s=40, level="warning"),
        lines("retry of stock call 3 after timeout", every_s=1, when="after", level="warning"),
    )["surging_error"]
    assert found.started_at == ONSET
    assert found.count > 10 * found.expected


def test_a_line_that_stays_away_is_missing_since_it_was_last_seen() -> None:
    found = judged(usual(), lines("settled order 9 with the bank", every_s=4, when="before"))["vanished_log"]
    assert found.started_at == ONSET - timedelta(seconds=4)
    assert found.expected == pytest.approx(150, rel=0.02)


def test_a_rare_line_that_stays_away_says_nothing() -> None:
    assert judged(usual(), lines("nightly report number 7 was written", every_s=1500, when="before")) == {}


def test_a_service_that_stops_is_one_verdict_and_not_one_for_each_line() -> None:
    found = judged(lines("order placed by the web shop", every_s=1, when="before"),
                   lines("settled order with the bank", every_s=2, when="before"))  # fmt: skip
    assert found.keys() == {"silent"}
    assert found["silent"].expected == pytest.approx(900, rel=0.02)


def test_more_traffic_makes_no_error_surge() -> None:
    def both(when: Kind, factor: float) -> list[Iterator[LogLine]]:
        return [
            lines("order 1 placed in 3ms by the web shop", every_s=2 / factor, when=when),
            lines("price 4 read from the cache for a basket", every_s=2 / factor, when=when),
            lines("stock call 3 took a timeout, trying again", every_s=8 / factor, when=when, level="warning"),
        ]

    assert judged(*both("before", 1), *both("after", 3)) == {}


def test_without_a_baseline_nothing_is_strange_for_sure() -> None:
    found = judged(lines("lock timeout while settling order 4", every_s=2, when="after", level="error"))
    assert found["new_error"].score <= 0.3


def test_the_error_share_is_compared_with_its_own_normal() -> None:
    [share] = shares(census(usual(), lines("lock timeout on settling", every_s=3, when="after", level="error")))
    assert share.baseline == 0.0
    assert share.share == pytest.approx(200 / 1100, rel=0.01)
    assert share.score > 0.5


def test_a_weight_counts_as_so_many_lines() -> None:
    thinned = (LogLine(line.at, line.message, line.level, line.service, 4.0) for line in lines("a b c", every_s=4))
    [share] = shares(census(thinned))
    assert share.lines == 900


def test_what_a_late_thread_still_brings_is_not_counted() -> None:
    counted = census(usual())
    known = counted.lines
    counted.close()
    counted.add(lines("lock timeout on settling", every_s=3, level="error"))
    assert counted.lines == known
    assert verdicts(counted) == []


def test_only_the_part_of_the_baseline_that_was_read_makes_the_rate() -> None:
    counted = census(
        line for line in lines("settled order 9 with the bank", every_s=4, when="before")
        if line.at and not BASELINE.start.timestamp() + 1200 <= line.at < WINDOW.start.timestamp()
    )  # fmt: skip
    counted.add(usual())
    before = {verdict.kind: verdict.expected for verdict in verdicts(counted)}
    counted.baseline_slots = range(-12, -8)
    assert before.get("vanished_log", 0) < 80
    assert {verdict.kind: verdict.expected for verdict in verdicts(counted)}["vanished_log"] == pytest.approx(
        150, rel=0.02
    )


MESSAGES = st.sampled_from(["order 1 placed", "lock timeout", "x", "", "started", "failed: no route to host"])


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-10, LENGTH_S + 10), MESSAGES, st.sampled_from(["info", "error", "unknown"]))))
def test_any_lines_have_scores_between_0_and_1(found: list[tuple[float, str, Level]]) -> None:
    start = BASELINE.start.timestamp()
    counted = census(LogLine(start + at, message, level, "shop") for at, message, level in found)
    assert all(0 <= verdict.score <= 1 for verdict in verdicts(counted))
    assert all(0 <= share.share <= 1 and 0 <= share.score <= 1 for share in shares(counted))
    counted.cut_short()
    assert all(0 <= verdict.score <= 1 for verdict in verdicts(counted))

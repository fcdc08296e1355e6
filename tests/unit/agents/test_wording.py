"""Figures and sentences as a tired person reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.agents.change import Change
from bot.agents.forecast import Forecast
from bot.agents.metrics_findings import when_full
from bot.agents.wording import begun, figure, sentence, spelled

AT = datetime(2026, 3, 4, 3, 12, 40, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "ratio", "0 %"),
        (0.96, "ratio", "96 %"),
        (0.00432, "ratio", "0.43 %"),
        (0.04, "s", "40 ms"),
        (0.0, "s", "0 s"),
        (3.14159, "s", "3.14 s"),
        (209.0, "s", "3.48 min"),
        (-300.0, "s", "-5 min"),
        (9000.0, "s", "2.5 h"),
        (260_000.0, "s", "3.01 days"),
        (1234.5, "/s", "1,234/s"),
        (42.0, "count", "42"),
        (0.75, "cores", "0.75 cores"),
        (166.4, "", "166"),
        (1.5e9, "bytes", "1.5 GB"),
        (0.0, "bytes", "0 B"),
        (3e15, "bytes", "3,000 TB"),
    ],
)
def test_a_figure_has_its_unit_and_no_false_precision(value: float, unit: str, text: str) -> None:
    assert figure(value, unit) == text


def test_a_rise_says_from_what_to_what_and_when() -> None:
    change = Change(0.97, baseline=0.0, level=0.96, current=0.96, deviations=96, onset=AT)
    said = sentence("payment failures", "scan-to-pay", change, "ratio")
    assert said == "payment failures rose from 0 % to 96 % at 03:12 UTC (scan-to-pay)"


def test_what_is_over_says_since_when() -> None:
    change = Change(0.9, baseline=120, level=3, current=118, deviations=-40, onset=AT, ended=AT + timedelta(minutes=8))
    said = sentence("http requests", "shop", change, "/s")
    assert said == "http requests fell from 120/s to 3/s at 03:12 UTC, back to normal at 03:20 UTC (shop)"


def test_what_is_normal_says_that_it_was_looked_at() -> None:
    change = Change(0.0, baseline=0.04, level=0.041, current=0.041, deviations=0.1)
    assert sentence("p95", "shop", change, "s") == "p95: looked, and normal – 41 ms now, 40 ms before (shop)"


def test_a_figure_far_from_its_middle_is_not_called_normal_without_more_words() -> None:
    change = Change(score=0.0, baseline=15_183, level=0, current=0, deviations=-2.6)
    said = sentence("payments paid", "payments", change, "/s")
    assert said == "payments paid: looked, and within its usual swing – 0/s now, 15,183/s before (payments)"


def test_the_same_figure_is_not_told_twice() -> None:
    change = Change(0.0, baseline=0.0, level=0.0, current=0.0, deviations=0.0)
    assert sentence("payment failures", "shop", change, "ratio") == (
        "payment failures: looked, and normal – 0 %, as before (shop)"
    )


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("cpu usage", "CPU usage"),
        ("db pool of http clients", "DB pool of HTTP clients"),
        ("grpc calls", "gRPC calls"),
        ("idle connections", "idle connections"),
    ],
)
def test_abbreviations_are_spelled_as_people_write_them(words: str, text: str) -> None:
    assert spelled(words) == text


@pytest.mark.parametrize(
    ("text", "with_a_capital"),
    [("disk /var at 92 %", "Disk /var at 92 %"), ("p95 rose", "P95 rose"), ("gRPC calls fell", "gRPC calls fell")],
)
def test_a_sentence_begins_with_a_capital_unless_its_first_word_has_its_own(text: str, with_a_capital: str) -> None:
    assert begun(text) == with_a_capital


@pytest.mark.parametrize(
    ("soonest_s", "latest_s", "text"),
    [
        (2880, 2890, "full in 48 min if it goes on like this"),
        (1980, 3120, "full in 48 min (33 min to 52 min) if it goes on like this"),
        (2880, None, "full in 48 min (48 min to much later) if it goes on like this"),
    ],
)
def test_an_interval_that_says_no_more_than_its_middle_is_left_out(
    soonest_s: float, latest_s: float | None, text: str
) -> None:
    assert when_full(Forecast(0.9, 0.0001, 2881, soonest_s, latest_s)) == text

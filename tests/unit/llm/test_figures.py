"""Which figures say the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.llm.figures import figures, moments, names


def says(said: str, seen: str) -> bool:
    """Whether every figure of the first text is said of one of the second."""
    known = figures(seen)
    return all(any(figure.fits(one) for one in known) for figure in figures(said))


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("12 % of the requests fail", "the error ratio is 0.1234 ratio"),
        ("12% fail", "12.34 % fail"),
        ("0.12 of them", "error_ratio = 0.1234"),
        ("about 1,800 waiters", "1834 sessions wait"),
        ("1.8k waiters", "1834 sessions wait"),
        ("1.5 s", "1500 ms"),
        ("2 minutes", "it took 120 s"),
        ("a 5-minute pause", "5 minutes without a word"),
        ("2 GB", "2.1 GB"),
        ("2 GiB", "2147483648 bytes"),
        ("12 waiters", "blocked_count = 12"),
        ("有12个会话在等待", "12 sessions wait"),
        ("错误率为百分之十二，即 12%", "0.12 ratio"),
        ("1.8万条", "18034 lines"),
        ("等了 340 秒", "a lock for 340 s"),
    ],
)
def test_a_figure_may_be_rounded_and_said_in_another_unit(said: str, seen: str) -> None:
    assert figures(said), said
    assert says(said, seen)


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("13 % fail", "12.34 % fail"),
        ("12 s", "12 ms"),
        ("12.3 % fail", "12 % fail"),
        ("1.9", "1"),
        ("2000 waiters", "1834 sessions wait"),
        ("99 % fail", "nothing fails"),
        ("3 of 5", "3 of them"),
        ("12 GB", "12 MB"),
        ("等了 34 秒", "a lock for 340 s"),
    ],
)
def test_a_figure_is_not_made_up_sharpened_or_said_of_something_else(said: str, seen: str) -> None:
    assert not says(said, seen)


def test_names_that_hold_digits_are_no_figures() -> None:
    assert figures("p95 of web-3 in v2.3.1 is 5xx at 10.0.0.7:5432") == []
    assert names("p95 of web-3 in v2.3.1 is 5xx at 10.0.0.7:5432") == {"p95", "web-3", "v2.3.1", "5xx", "10.0.0.7:5432"}


def test_plain_words_are_no_names() -> None:
    assert names("Read/write is read-only, e.g. the up-stream. And so on; note:this too.") == set()
    assert names("idle_in_transaction /var/log/app.log https://x.example/a kafka.consumer") == {
        "idle_in_transaction", "var/log/app.log", "https://x.example/a", "kafka.consumer",
    }  # fmt: skip


def test_moments_are_told_from_figures() -> None:
    assert moments("at 03:12:05 on 2026-03-01, and 3:14") == {"03:12:05", "2026-03-01", "3:14"}
    assert figures("at 03:12:05 on 2026-03-01") == []


@given(st.floats(0.001, 1e9), st.integers(0, 3))
def test_what_is_rounded_says_what_it_was_rounded_from(value: float, places: int) -> None:
    rounded = f"{value:.{places}f}"
    if float(rounded):
        assert says(rounded, f"{value:.12f}")


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_two_whole_numbers_that_are_not_round_say_the_same_only_if_they_are(said: int, seen: int) -> None:
    if said % 10:
        assert says(str(said), str(seen)) == (said == seen)


@given(st.text(max_size=200))
def test_no_text_is_too_strange(text: str) -> None:
    figures(text)
    moments(text)
    names(text)

"""What an outsider marks up is shown as it was written, and what cannot be taken for a mark can still be copied."""

from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.slack.marks import WORD_JOINER, unmarked
from bot.slack.text import bold, escape

LIKE = str.maketrans({"\u2217": "*", "\u02cd": "_", "\u223c": "~", "\u02cb": "`", WORD_JOINER: None})
PIECES = st.lists(
    st.sampled_from(["*", "_", "~", "`", "```", ":", ":tada:", ":+1:", ">", "\n", " ", "a", "Z", "7", ".", "(", ")",
                     "é", "漢"]),
    max_size=40,
).map("".join)  # fmt: skip
OPENS = r"(?<![A-Za-z0-9]){0}(?=\S)"
CLOSES = r"(?<=\S){0}(?![A-Za-z0-9])"
"""A mark at the edge of a word, by the loosest reading: at a beginning, at an end and beside any sign too."""


@given(PIECES)
@example("x:white_check_mark: approved")
@example(":a::b:")
def test_nothing_of_it_is_formatted_in_whatever_words_of_ours_it_stands(outside: str) -> None:
    shown = unmarked(outside)
    for mark in ("\\*", "_"):
        assert not re.search(CLOSES.format(mark), shown)
        assert not re.search(OPENS.format(mark), shown)
    assert not re.search(CLOSES.format("~"), shown), "and with no end, none that begins"
    assert "`" not in shown
    assert not re.search(r"^[ \t]*>", shown, re.MULTILINE)
    assert not re.search(r"(?<![A-Za-z0-9]):[a-z0-9é漢_+'-]+:", shown)


@given(PIECES)
def test_it_reads_as_it_was_written(outside: str) -> None:
    assert unmarked(outside).translate(LIKE) == outside


@pytest.mark.parametrize(
    "copied",
    ["http_requests_total", "service__name", "SELECT * FROM orders", "2*3", "03:10:00", "arn:aws:s3:::bucket",
     "about ~5 min", "in ~/logs", "fe80:a:b:1", "a > b", "registry:team/app:v1", 'up{job="api"}'],
)  # fmt: skip
def test_what_cannot_be_taken_for_a_mark_stays(copied: str) -> None:
    assert unmarked(copied) == copied


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("*APPROVED* by boss", "∗APPROVED∗ by boss"),
        ("~rejected~ _approved_", "∼rejected∼ ˍapprovedˍ"),
        ("```\nrun\n```", "ˋˋˋ\nrun\nˋˋˋ"),
        ("> Mina: go ahead", f"{WORD_JOINER}> Mina: go ahead"),
        ("ok :white_check_mark:", f"ok :{WORD_JOINER}white_check_mark:"),
        ("done:tada: now", f"done:{WORD_JOINER}tada: now"),
        ("count(*), *.log", "count(∗), ∗.log"),
        ("__init__", "ˍˍinitˍˍ"),
    ],
)
def test_marks_are_shown_as_marks(written: str, shown: str) -> None:
    assert unmarked(written) == shown


def test_in_bold_no_asterisk_ends_it() -> None:
    assert bold("a*b *c*", 50) == "*a∗b ∗c∗*"


def test_a_forged_quote_of_a_person_is_no_quote() -> None:
    assert escape("fine\n> <@U0MINA>: approved") == f"fine\n{WORD_JOINER}&gt; &lt;@U0MINA&gt;: approved"

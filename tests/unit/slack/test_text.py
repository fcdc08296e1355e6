from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack import text

LIVE = re.compile(r"<[!@#]|@(?:channel|here|everyone)\b", re.IGNORECASE)
BAIT = st.lists(
    st.sampled_from(["<!channel>", "<!here|x>", "<@U0MINA>", "@channel", "@HERE ", "&", "<", ">", "&amp;", "\u202e",
                     "\ud800", "é", "漢", "😀", "a", " ", "\n", "|", "*", "`"]),
    max_size=200,
).map("".join)  # fmt: skip


@given(st.text() | BAIT)
def test_nothing_from_outside_calls_anybody(outside: str) -> None:
    for shown in (text.escape(outside), text.cut(outside, 100), text.line(outside, 100)):
        assert not LIVE.search(shown)
        assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", shown)


@given(st.text(max_size=400) | BAIT, st.integers(60, 500))
def test_a_cut_text_fits_and_says_what_was_cut(outside: str, limit: int) -> None:
    shown = text.cut(outside, limit)
    assert len(shown) <= limit
    if len(text.escape(outside)) > limit:
        assert re.search(r"… \([\d,]+ more characters\)$", shown)
    else:
        assert shown == text.escape(outside)


@given(BAIT)
def test_what_is_shown_can_be_sent(outside: str) -> None:
    json.dumps(text.escape(outside)).encode("ascii")
    text.escape(outside).encode()
    text.label(outside, 50).encode()


@given(st.text() | BAIT)
def test_a_line_stays_one_line(outside: str) -> None:
    assert len(text.line(outside, 500).splitlines()) <= 1


def test_a_giant_text_is_cut_without_reading_it_all() -> None:
    shown = text.cut("&" * 5_000_000, 200)
    assert len(shown) <= 200
    assert shown.endswith("more characters)")


def test_a_forged_line_is_no_line() -> None:
    assert text.line("backend 1\n*Risk:* low", 100) == "backend 1 ∗Risk:∗ low"


def test_letters_that_turn_the_reading_direction_are_taken_out() -> None:
    assert text.escape("drop \u202etset\u202c db\u061c") == "drop tset db"


def test_letters_that_nobody_sees_are_taken_out_and_those_of_other_scripts_and_emoji_stay() -> None:
    hidden = "".join(chr(0xE0000 + ord(letter)) for letter in "run")
    assert text.escape(f"pay\u200bm\u00aden\u200dt\u2060s{hidden}\u180e\ufffa") == "payments"
    assert text.escape("می\u200cخواهم 👩\u200d🔧") == "می\u200cخواهم 👩\u200d🔧"


@given(st.text() | BAIT, st.integers(10, 100))
def test_our_own_text_is_never_cut_inside_an_entity(outside: str, limit: int) -> None:
    shown = text.own(f"*Cause* {text.escape(outside)} <https://example.com/a|see it>", limit)
    assert len(shown) <= limit
    assert shown.count("<") == shown.count(">")
    assert not re.search(r"&(?!amp;|lt;|gt;)", shown)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "ftp://x/", "//x", "https://", "http://a b", "https://u:p@example.com", "https://a/>|<!channel",
     "https://a/\u202e", "https://[::1", "mailto:a@b", "", None, "https://a/" + "x" * 3000],
)  # fmt: skip
def test_what_is_no_plain_web_address_is_no_link(url: str | None) -> None:
    assert text.safe_url(url) is None
    assert text.link(url, "see | it") == "see | it"


def test_a_web_address_becomes_a_link() -> None:
    assert text.link("https://a.example/?x=1&y=2", "see <it>") == "<https://a.example/?x=1&amp;y=2|see &lt;it&gt;>"


@given(BAIT, st.integers(5, 100))
def test_a_plain_label_holds_nothing_that_could_be_taken_for_a_mention(outside: str, limit: int) -> None:
    shown = text.label(outside, limit)
    assert len(shown) <= limit
    assert not LIVE.search(shown)


def test_in_a_title_no_name_becomes_an_emoji() -> None:
    assert text.label(":white_check_mark: Approved", 50) == ":\u2060white_check_mark: Approved"


@given(st.text(max_size=80) | BAIT)
def test_a_code_span_ends_where_we_end_it(outside: str) -> None:
    shown = text.code(outside, 200)
    assert (shown[0], shown[-1], shown.count("`")) == ("`", "`", 2)
    assert not LIVE.search(shown)


def test_what_stands_in_a_code_span_can_be_copied() -> None:
    query = 'sum(rate(http_requests_total{job=~"api.*",__name__!="up"}[1m])) * 100'
    assert text.code(query, 200) == f"`{query}`"


def test_a_person_is_mentioned_and_another_actor_is_named() -> None:
    assert text.person("U0MINA") == "<@U0MINA>"
    assert text.person("alertmanager <!here>") == "alertmanager &lt;!here&gt;"


def test_a_moment_is_shown_in_the_readers_time_and_in_words() -> None:
    moment = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
    assert text.date(moment) == "<!date^1772334000^{date_short_pretty} at {time}|2026-03-01 03:00 UTC>"


@pytest.mark.parametrize(
    ("slack", "read"),
    [
        ("a &lt; b &amp;&amp; c", "a < b && c"),
        ("<@U0MINA> look", "@U0MINA look"),
        ("<@U0MINA|mina> look", "@mina look"),
        ("<#C1|deploys>", "#deploys"),
        ("<#C1>", "#C1"),
        ("<!here> now", "@here now"),
        ("<!subteam^S1|@oncall>", "@oncall"),
        ("<!date^1^{time}|noon>", "noon"),
        ("<https://a.example|board>", "board (https://a.example)"),
        ("<https://a.example>", "https://a.example"),
        ("&lt;@U0MINA&gt;", "<@U0MINA>"),
    ],
)
def test_slacks_entities_become_words(slack: str, read: str) -> None:
    assert text.plain(slack) == read

"""Statements of others are shown without what they carry."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.statement import bounded, masked, mysql_masked


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT * FROM orders WHERE id = 4711", "SELECT * FROM orders WHERE id = ?"),
        ("UPDATE t SET a = 'it''s', b=1.5e10", "UPDATE t SET a = ?, b=?"),
        ("SELECT E'a\\'b secret' FROM t1", "SELECT ? FROM t1"),
        ("SELECT 'a\\' secret', b", "SELECT ?"),
        ("SELECT $1, $2 FROM table_2", "SELECT $1, $2 FROM table_2"),
        ("DO $body$ SELECT 'x' $body$; COMMIT", "DO ?; COMMIT"),
        ("SELECT $$secret", "SELECT ?"),
        ("SELECT 1 -- customer 99\nFROM t", "SELECT ? FROM t"),
        ("SELECT /* a /* b */ secret */ x", "SELECT x"),
        ("SELECT /* never closed", "SELECT"),
        ("SELECT 'never closed", "SELECT ?"),
        ('SELECT "Name 7" FROM t', 'SELECT "Name 7" FROM t'),
        ("WHERE id IN (1, 2,3 , 4)", "WHERE id IN (?, …)"),
        ("SELECT\n\t x\x00\x1b[mh", "SELECT x [mh"),
        ("SELECT -5, x, 0x1F", "SELECT -?, x, ?"),
    ],
)
def test_literals_and_comments_are_not_shown(statement: str, shown: str) -> None:
    assert masked(statement) == shown


@given(st.text(alphabet=st.characters(exclude_characters="\\"), max_size=60))
def test_no_quoted_secret_survives(noise: str) -> None:
    secret = "zqsecretqz"
    literal = (noise + secret).replace("'", "''")
    assert secret not in masked(f"UPDATE t SET a = '{literal}', b = '{secret}'", limit=10_000)


@given(st.text(max_size=400), st.integers(min_value=1, max_value=300))
def test_the_text_is_one_printable_line_within_its_limit(text: str, limit: int) -> None:
    shown = masked(text, limit)
    assert len(shown) <= limit
    assert shown.isprintable()


@given(st.text(max_size=200))
def test_masking_twice_changes_nothing(text: str) -> None:
    assert masked(masked(text)) == masked(text)


def test_a_long_text_ends_with_an_ellipsis() -> None:
    assert bounded("a" * 100, 10) == "a" * 9 + "…"


@pytest.mark.parametrize(
    ("statement", "shown"),
    [
        ("SELECT `a 1` FROM t WHERE n = \"secret\" AND m = 'it''s'", "SELECT `a 1` FROM t WHERE n = ? AND m = ?"),
        ("SELECT 1 # secret 'x\nFROM t", "SELECT ? FROM t"),
        ("SELECT 1 -- secret\n- 2", "SELECT ? - ?"),
        ("SELECT 2--1", "SELECT ?--?"),
        ('INSERT INTO t VALUES ("a\\"", "secret")', "INSERT INTO t VALUES (?"),
        ("SELECT 0xFF, x'AB', _utf8'secret'", "SELECT ?, x?, _utf8?"),
        ("SELECT 'cut off in the midd", "SELECT ?"),
    ],
)
def test_what_mysql_calls_a_string_is_masked(statement: str, shown: str) -> None:
    assert mysql_masked(statement) == shown

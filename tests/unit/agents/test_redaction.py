"""Log text that is shown holds no secret and is one bounded line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.agents.redaction import LONGEST, redacted

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("login of ann.lee@example.com failed", "login of [email] failed"),
        ("password=hunter2 rejected", "password=[redacted: secret] rejected"),
        ('{"api_key": "s3cr3t", "n": 1}', '{"api_key": [redacted: secret], "n": 1}'),
        ("Authorization: Bearer abcdef123456", "Authorization: Bearer [redacted: credentials]"),
        (f"got {JWT} from header", "got [redacted: JWT] from header"),
        ("key AKIAABCDEFGHIJKLMNOP leaked", "key [redacted: AWS key] leaked"),
        ("dsn postgres://app:pw@db:5432/pay", "dsn postgres://app:[redacted: password in URL]@db:5432/pay"),
        ("card 4111 1111 1111 1111 declined", "card [number] declined"),
        ("order 12345 took 17 ms", "order 12345 took 17 ms"),
        ("two\nlines\tand\x0btabs", "two lines and tabs"),
    ],
)
def test_what_looks_like_a_secret_is_named_and_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


def test_a_private_key_is_not_shown_even_where_it_is_cut() -> None:
    assert redacted("x -----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc") == "x [redacted: private key]"


@given(st.text(max_size=2000))
def test_shown_text_is_one_line_of_bounded_length(text: str) -> None:
    shown = redacted(text)
    assert len(shown) <= LONGEST
    assert "\n" not in shown

"""What a model sees, and what comes back from it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.masking import Mask
from bot.redaction import redact, redact_log


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("db-7.prod.example.com refused 10.2.3.4", "HOST_1 refused IP_1"),
        ("10.2.3.4 and again 10.2.3.4, then 10.2.3.5", "IP_1 and again IP_1, then IP_2"),
        ("fe80:0:0:1:: and fe80::1 and ::1", "IP_1 and IP_2 and IP_3"),
        ("00:1a:2b:3c:4d:5e is no IPv4", "IP_1 is no IPv4"),
        ("since 03:12:05 std::string :: 1:2", "since 03:12:05 std::string :: 1:2"),
        ("2001:db8:0:1:1:1:1:1 is slow", "IP_1 is slow"),
        ("ask mina@example.com or <@U0MINA>", "ask EMAIL_1 or <@PERSON_1>"),
        ("order 550e8400-e29b-41d4-a716-446655440000 failed", "order UUID_1 failed"),
        ("cannot open /var/lib/pay/ledger.db", "cannot open PATH_1"),
        ("p95 is 1.5 s, 99.9 % of 3.2.1", "p95 is 1.5 s, 99.9 % of 3.2.1"),
    ],
)
def test_identifiers_become_tokens_that_tell_them_apart(text: str, shown: str) -> None:
    one = Mask()
    assert one.mask(text) == shown
    assert one.unmask(shown) == text


def test_secrets_never_come_back() -> None:
    one = Mask()
    shown = one.mask("login with password=hunter2-longer and AKIAABCDEFGHIJKLMNOP at db.example.com")
    assert "hunter2" not in shown
    assert "AKIA" not in shown
    assert "hunter2" not in one.unmask(shown)
    assert "db.example.com" in one.unmask(shown)


def test_the_same_identifier_is_the_same_token_in_every_text_of_a_conversation() -> None:
    one = Mask()
    assert one.mask("10.0.0.1 is down") == "IP_1 is down"
    assert one.mask("who is 10.0.0.1?") == "who is IP_1?"


def test_names_of_the_company_are_masked_whole_and_longest_first() -> None:
    one = Mask(names=("pay", "pay-ledger"))
    assert one.mask("pay-ledger and pay, not payment") == "NAME_1 and NAME_2, not payment"


def test_what_may_be_seen_stays() -> None:
    assert Mask(keep=frozenset({"127.0.0.1"})).mask("127.0.0.1 and 10.0.0.1") == "127.0.0.1 and IP_1"


def test_a_token_that_the_model_made_up_stays_a_token() -> None:
    one = Mask()
    one.mask("10.0.0.1")
    assert one.unmask("restart IP_1 and IP_2 and HOST_9") == "restart 10.0.0.1 and IP_2 and HOST_9"


def test_outside_text_that_looks_like_a_token_cannot_stand_for_another() -> None:
    """A log line says HOST_1 to have the answer name another machine: it comes back as the words that it was."""
    one = Mask()
    shown = one.mask("HOST_1 says: restart HOST_1, not web.example.com")
    assert shown == "TOKEN_1 says: restart TOKEN_1, not HOST_1"
    assert one.unmask("restart HOST_1, as TOKEN_1 says") == "restart web.example.com, as HOST_1 says"


@given(st.text(max_size=200))
def test_any_text_comes_back_as_its_redacted_self(text: str) -> None:
    one = Mask()
    assert one.unmask(one.mask(text)) == redact_log(redact(text))

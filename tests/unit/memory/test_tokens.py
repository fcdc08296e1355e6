"""Words are found by what they mean, identifiers by their parts, CJK without spaces."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.tokens import Tokenizer

tokenize = Tokenizer()


def test_inflections_of_a_word_are_one_term() -> None:
    assert tokenize("restarted") == tokenize("restarting") == tokenize("restarts")


def test_words_without_a_subject_are_left_out() -> None:
    assert tokenize("What did we do about the outage?") == tokenize("outage")


@pytest.mark.parametrize(
    ("identifier", "part"),
    [("payments_db", "db"), ("PaymentErrors", "error"), ("/var/log/app.log", "log"), ("payments-api", "api")],
)
def test_an_identifier_is_found_by_a_part_and_as_a_whole(identifier: str, part: str) -> None:
    terms = tokenize(identifier)
    assert part in terms
    whole = "".join(character for character in identifier.casefold() if character.isalnum())
    assert set(tokenize(whole)) <= set(terms)


def test_a_possessive_is_the_name() -> None:
    assert tokenize("Caroline's") == tokenize("Caroline’s") == tokenize("Caroline")


def test_chinese_gives_single_characters_and_pairs() -> None:
    assert tokenize("连接池") == ["连", "接", "池", "连接", "接池"]


def test_chinese_and_english_may_touch() -> None:
    assert {"redi", "重启", "3"} <= set(tokenize("重启redis了3次"))


def test_full_width_letters_are_the_plain_ones() -> None:
    assert tokenize("Ｒｅｄｉｓ") == tokenize("redis")


@given(st.text(max_size=200))
def test_any_text_can_be_split_and_no_term_is_empty(text: str) -> None:
    assert all(tokenize(text))

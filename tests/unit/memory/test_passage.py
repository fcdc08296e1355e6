"""Of a long message what bears on the question is told, and never more than there is room for."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.memory.passage import passage
from bot.memory.tokens import Tokenizer

TOKENIZE = Tokenizer()
FILLER = "Nothing of note happened in this minute. "


def test_a_short_text_is_told_whole() -> None:
    assert passage("the ledger was locked", "zebra", TOKENIZE) == "the ledger was locked"


def test_what_the_question_asks_for_is_told_with_what_stands_around_it() -> None:
    text = FILLER * 50 + "The cause was a full disk on ledger-3. We deleted old dumps. " + FILLER * 50
    told = passage(text, "what was the cause on the ledger?", TOKENIZE)
    assert "The cause was a full disk on ledger-3. We deleted old dumps." in told
    assert told.startswith("… Nothing")
    assert told.endswith("minute. …")


def test_rare_words_count_more_than_words_that_are_everywhere() -> None:
    text = "The ledger answers the payment. " * 40 + "The quota of wallets is 12. " + "The ledger pays. " * 40
    assert "quota of wallets is 12" in passage(text, "the ledger's payment quota", TOKENIZE)


def test_of_a_text_without_a_word_of_the_question_the_beginning_is_told() -> None:
    assert passage("First of all. " + FILLER * 50, "zebra", TOKENIZE).startswith("First of all.")


def test_lines_of_a_log_and_chinese_sentences_are_sentences() -> None:
    log = "".join(f"12:{minute:02}:00 INFO request served in 12 ms\n" for minute in range(50))
    assert "ERROR pool exhausted" in passage(f"{log}12:51:00 ERROR pool exhausted\n{log}", "pool exhausted", TOKENIZE)
    calm = "一切正常。" * 100
    assert "原因是连接池满了。" in passage(f"{calm}原因是连接池满了。{calm}", "连接池", TOKENIZE)


@given(st.text(max_size=3000), st.text(max_size=60), st.integers(60, 500))
def test_no_passage_is_longer_than_asked(text: str, question: str, longest: int) -> None:
    told = passage(text, question, TOKENIZE, longest=longest)
    assert len(told) <= longest
    assert told.removeprefix("… ").removesuffix(" …").strip() in text


@given(st.text(st.characters(categories=["L", "Z", "P"]), min_size=500, max_size=1500))
def test_every_text_without_spaces_is_cut_too(text: str) -> None:
    assert 0 < len(passage(text, text[700:720], TOKENIZE)) <= 400

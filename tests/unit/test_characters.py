from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.characters import loads, sound, well_formed

TEXT = st.text(st.characters(codec=None))
"""Halves of characters among them."""


def test_what_was_cut_in_half_is_replaced_and_what_meets_is_joined() -> None:
    assert well_formed("ledger \ud83d!") == "ledger \ufffd!"
    assert well_formed("joined \ud83d\udd25") == "joined 🔥"
    assert well_formed("whole 🔥 日本") == "whole 🔥 日本"


@pytest.mark.parametrize(
    "document",
    [b'{"a": ["\\ud83d", {"\\uDE00": 1.5}]}', b'{"a": ["\xed\xa0\xbd", {"\xed\xb8\x80": 1.5}]}'],
    ids=["escaped", "in bytes"],
)
def test_a_document_is_read_with_whole_characters_only(document: bytes) -> None:
    assert loads(document) == {"a": ["\ufffd", {"\ufffd": 1.5}]}


@given(
    st.recursive(
        TEXT | st.integers() | st.none() | st.floats(allow_nan=False),
        lambda inside: st.lists(inside) | st.dictionaries(TEXT, inside),
    )
)
def test_any_document_can_be_stored_once_it_is_read(value: object) -> None:
    read = loads(json.dumps(value))
    assert read == sound(value)
    json.dumps(read, ensure_ascii=False).encode("utf-8")


@given(st.binary())
def test_what_is_no_json_is_refused_as_the_library_refuses_it(document: bytes) -> None:
    try:
        json.loads(document)
    except ValueError as refused:
        with pytest.raises(type(refused)):
            loads(document)

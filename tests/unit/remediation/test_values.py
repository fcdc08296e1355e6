"""A value from outside is what people take it for, or it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import RemediationError
from bot.remediation.values import MAX_VALUE, require_match

CARELESS = {"host": "(?s:.*)"}
LOOK_ALIKES = {
    "a Cyrillic a": "pаyments",
    "all of it Cyrillic": "раура",
    "a Greek omicron": "shοp",
    "an i without its dot": "payments-apı",
    "a g of phonetics": "ɡateway",
    "a fullwidth digit": "web-１",
    "an Arabic digit": "web-١",
    "a ligature": "ofﬁce",
    "the Kelvin sign": "\u212aafka",
    "a long s": "paymentſ",
    "a hyphen of its own": "web‐1",
    "a minus sign": "web−1",
    "a division slash": "shop∕web",
    "a fraction slash": "shop⁄web",
    "a ratio for a colon": "web∶80",
    "one dot leader": "web․1",
    "a no-break space": "web\u00a01",
}
UNSEEN = {
    "zero width space": "pay\u200bments",
    "zero width joiner": "pay\u200dments",
    "word joiner": "pay\u2060ments",
    "byte order mark": "\ufeffpayments",
    "soft hyphen": "pay\u00adments",
    "grapheme joiner": "pay\u034fments",
    "variation selector": "payments\ufe0f",
    "another variation selector": "payments\U000e0100",
    "Hangul filler": "payments\u115f",
    "half width filler": "payments\uffa0",
    "braille blank": "payments\u2800",
    "Mongolian separator": "payments\u180e",
    "a tag": "payments\U000e0041",
    "right to left": "\u202estnemyap",
    "an isolate": "pay\u2066ments\u2069",
    "an Arabic mark": "payments\u061c",
    "a line separator": "payments\u2028x",
    "a mark on a letter": "payments\u0301",
    "a mark that nothing composes": "pay\u0332ments",
    "a line end": "payments\n",
    "null": "pay\x00ments",
    "delete": "pay\x7fments",
    "half of a pair": "pay\ud800ments",
}


def matched(value: str | int, pattern: str = CARELESS["host"]) -> None:
    require_match("The job", {"host": pattern}, {"host": value})


@pytest.mark.parametrize("value", [*LOOK_ALIKES.values(), *UNSEEN.values()], ids=[*LOOK_ALIKES, *UNSEEN])
def test_what_looks_like_another_name_or_is_not_seen_is_refused_by_its_number(value: str) -> None:
    with pytest.raises(RemediationError, match=r"'host' holds U\+[0-9A-F]{4,6} \(.*may look like another"):
        matched(value)


@pytest.mark.parametrize("value", ["payments", "größer", "Ångström", "café", "œuvre", "a b", "{x}", "a@b:80/c?d=e#f"])
def test_plain_letters_and_letters_with_a_mark_that_is_seen_are_taken(value: str) -> None:
    matched(value)


def test_another_alphabet_counts_where_the_operators_own_pattern_is_written_in_it() -> None:
    matched("東京-1", "[東京大阪]+-[0-9]")
    with pytest.raises(RemediationError, match="does not match"):
        matched("pаyments", "[東京大阪]+-[0-9]")
    with pytest.raises(RemediationError, match="holds"):
        matched("東\u200b京", "[東京\u200b]+")


def test_a_value_may_not_be_longer_than_people_read() -> None:
    matched("x" * MAX_VALUE)
    with pytest.raises(RemediationError, match="longer than 200"):
        matched("x" * (MAX_VALUE + 1))


@given(st.text(max_size=40))
def test_whatever_is_taken_prints_and_reads_the_same_when_it_is_normalised(value: str) -> None:
    try:
        matched(value)
    except RemediationError:
        return
    assert value.isprintable()
    assert all(letter.isascii() or letter.isalpha() for letter in value)

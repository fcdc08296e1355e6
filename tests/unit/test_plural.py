"""Numbers and their nouns agree."""

from __future__ import annotations

import pytest

from bot.plural import many, verb


@pytest.mark.parametrize(
    ("count", "noun", "said"),
    [
        (0, "session", "0 sessions"),
        (1, "session", "1 session"),
        (1_200, "session", "1,200 sessions"),
        (2, "query", "2 queries"),
        (2, "day", "2 days"),
        (2, "freeze", "2 freezes"),
    ],
)
def test_a_noun_fits_its_number(count: int, noun: str, said: str) -> None:
    assert many(count, noun) == said


def test_a_verb_fits_its_number() -> None:
    assert [verb(count, stem) for stem in ("wait", "do") for count in (1, 2)] == ["waits", "wait", "does", "do"]

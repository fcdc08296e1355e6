"""The inverted index: rare words weigh more, and what is taken out is gone."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bot.memory.lexical import Lexical

TEXTS = st.lists(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=6), min_size=1, max_size=12)


def _index(*texts: str) -> Lexical:
    index = Lexical()
    for row, text in enumerate(texts):
        index.add(row, text.split())
    return index


def test_a_rare_word_weighs_more_than_a_common_one() -> None:
    scores = _index("lock common", "deploy common", "common").scores({"lock": 1, "common": 1})
    assert scores[0] > scores[1]
    assert scores[0] > scores[2]


def test_a_short_text_beats_a_long_one_with_the_same_word() -> None:
    scores = _index("lock", "lock and many other words besides").scores({"lock": 1})
    assert scores[0] > scores[1]


def test_a_removed_row_leaves_no_term_behind() -> None:
    index = _index("lock shared", "deploy shared")
    index.remove(0)
    assert "lock" not in index
    assert "shared" in index
    assert index.scores({"lock": 1, "shared": 1})[0] == 0


def test_words_of_one_family_stand_in_for_each_other() -> None:
    index = _index("photograph album", "photo", "photos", "phosphor", "connect", "connector", "international")
    assert index.kin("photos") == ["photo"]
    assert index.kin("connect") == ["connector"]
    assert index.kin("internal") == []
    assert index.kin("db") == []


def test_a_word_that_nobody_uses_any_more_is_no_kin() -> None:
    index = _index("connector", "deploy")
    index.remove(0)
    assert index.kin("connect") == []
    assert not index._kin.get("conne")


def test_an_empty_index_answers_with_nothing() -> None:
    assert not Lexical().scores({"lock": 1}).any()


@given(TEXTS, st.data())
def test_removing_and_adding_leads_to_the_same_scores_as_building_anew(
    texts: list[list[str]], data: st.DataObject
) -> None:
    index = Lexical()
    for row, text in enumerate(texts):
        index.add(row, text)
    moved = data.draw(st.lists(st.sampled_from(range(len(texts))), unique=True))
    for row in moved:
        index.remove(row)
    for row in moved:
        index.add(row, texts[row])
    fresh = Lexical()
    for row, text in enumerate(texts):
        fresh.add(row, text)
    query = dict.fromkeys("abc", 1.0)
    np.testing.assert_allclose(index.scores(query), fresh.scores(query), rtol=1e-5)

"""Templates: figures are masked, shapes fall together, memory has a bound."""

from __future__ import annotations

import pytest
from drain3.drain import Drain
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry.templates import DEPTH, OTHER, SIMILARITY, Templates, _Drain, fold, mask, without_idents

WORDS = st.text(alphabet=st.characters(categories=["Ll", "Lu"]), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("order 17 took 3.5", "order <num> took <num>"),
        ("took 35ms, limit 1m30s", "took <dur>, limit <dur>"),
        ("from 10.0.3.17:8080 to 2001:db8:0:1:1:1:1:1", "from <ip> to <ip>"),
        ("id 6fa459ea-ee8a-3ca4-894e-db77e160355e done", "id <uuid> done"),
        ("commit 9fceb02d0ae598e9 at 0xDEADBEEF", "commit <hex> at <hex>"),
        ("at 2026-03-04T03:12:05.123Z on 2026-03-04", "at <time> on <time>"),
        ('user "ann \\"b\\"" said \'no\'', "user <str> said <str>"),
        ("it's Ann's turn", "it's Ann's turn"),
        ("facade decade added", "facade decade added"),
    ],
)
def test_what_differs_between_lines_of_one_kind_is_masked(line: str, masked: str) -> None:
    assert mask(line) == masked


@given(st.text())
def test_masking_twice_masks_once(line: str) -> None:
    once = mask(line)
    assert mask(once) == once


@given(st.lists(st.tuples(st.text(), st.text("0123456789", min_size=1))), st.integers(0, 9))
def test_lines_that_differ_in_their_digits_fold_alike(parts: list[tuple[str, str]], other: int) -> None:
    one = "".join(text + figure for text, figure in parts)
    another = "".join(text + str(other) for text, _ in parts)
    assert fold(one.encode("utf-8", "replace")) == fold(another.encode("utf-8", "replace"))


def test_lines_that_differ_in_a_letter_fold_apart() -> None:
    assert fold(b"settled order 17") != fold(b"settled orders 17")


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("id 6fa459ea-ee8a-3ca4-894e-db77e160355e done", "id  done"),
        ("commit 9fceb02d0ae598e9 of feedback", "commit  of feedback"),
        ("defaced facade a1", "defaced facade a1"),
    ],
)
def test_idents_are_left_out_and_words_stay(line: str, bare: str) -> None:
    assert without_idents(line.encode()).decode() == bare


@given(st.lists(WORDS, min_size=2, max_size=8), st.lists(st.integers(0, 10**9), min_size=2, max_size=20))
def test_lines_that_differ_in_their_figures_have_one_template(words: list[str], figures: list[int]) -> None:
    templates = Templates()
    numbers = templates.add_all(f"{' '.join(words)} {figure} {' '.join(words)}" for figure in figures)
    assert len(set(numbers)) == 1
    assert len(templates) == 1


@given(st.lists(st.text(max_size=60), max_size=60))
def test_a_line_keeps_its_template_when_it_comes_again(lines: list[str]) -> None:
    templates = Templates()
    first = templates.add_all(lines)
    assert templates.add_all(lines) == first
    assert all(isinstance(templates.text(number), str) for number in first)


@given(st.lists(st.text(max_size=40), max_size=80))
def test_no_more_templates_are_kept_than_allowed(lines: list[str]) -> None:
    templates = Templates(max_templates=5, memo_size=3)
    templates.add_all(lines)
    assert len(templates) <= 5


def test_shapes_beyond_the_limit_share_one_number_and_known_ones_keep_theirs() -> None:
    templates = Templates(max_templates=1)
    known = templates.add("connection to the stock database opened in 3ms")
    assert templates.add("an entirely different thing happened over there") == OTHER
    assert templates.add("ping") == OTHER
    assert templates.add("connection to the stock database opened in 99ms") == known
    assert templates.text(OTHER) == "(lines of further shapes)"


def test_a_word_of_its_own_comes_back_to_its_template() -> None:
    templates = Templates()
    assert templates.add("started") == templates.add("started")
    assert templates.add("started") != templates.add("stopped")


def test_a_name_that_varies_becomes_a_star() -> None:
    templates = Templates()
    numbers = {templates.add(f"user {name} logged in from the office network") for name in ("ann", "bob", "eve")}
    assert [templates.text(number) for number in numbers] == ["user <*> logged in from the office network"]


def test_the_memo_forgets_but_the_grouping_stays() -> None:
    small, large = Templates(memo_size=2), Templates()
    lines = [f"step {name} of plan {place} is done now" for place in range(30) for name in ("one", "two", "three")]
    assert small.add_all(lines) == large.add_all(lines)


def test_a_line_without_end_is_read_to_a_limit() -> None:
    templates = Templates()
    assert templates.add("x " * 400 + "tail a") == templates.add("x " * 400_000 + "tail b")


@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d", "e5", "f6"]), min_size=3, max_size=7), max_size=60))
def test_looking_templates_up_finds_what_comparing_with_all_of_them_does(lines: list[list[str]]) -> None:
    quick, plain = (
        _Drain(depth=DEPTH, sim_th=SIMILARITY, max_children=4),
        Drain(depth=DEPTH, sim_th=SIMILARITY, max_children=4),
    )
    for line in lines:
        text = " ".join(line)
        (found, _), (expected, _) = quick.add_log_message(text), plain.add_log_message(text)
        assert (found.cluster_id, found.get_template()) == (expected.cluster_id, expected.get_template())


def test_a_leaf_that_is_full_of_templates_finds_the_most_similar() -> None:
    templates = Templates()
    shapes = [f"start {a}{b} {b}q{a} {a}r{b} {b}s{a} {a}t{b} end" for a in "ghijklmnop" for b in "ghijklmnop"]
    numbers = templates.add_all(shapes)
    assert len(set(numbers)) == 100
    assert templates.add_all(shape.replace(" end", " over") for shape in shapes) == numbers

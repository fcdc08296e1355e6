"""Queries become trees, or a sentence that says where they cannot be read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.metrics.evaluate import Evaluator
from bot.demo.metrics.series import NAME, Matcher, Store, labels_of
from bot.demo.metrics.syntax import Aggregation, Binary, Call, Matching, Number, Selector, duration_ms, parse
from bot.demo.metrics.values import Sample
from bot.errors import BadInput

X = Selector((Matcher(NAME, "=", "x"),))
Y = Selector((Matcher(NAME, "=", "y"),))


@pytest.mark.parametrize(
    ("query", "tree"),
    [
        ("1 + 2 * 3", Binary("+", Number(1), Binary("*", Number(2), Number(3)))),
        ("1 - 2 - 3", Binary("-", Binary("-", Number(1), Number(2)), Number(3))),
        ("2 ^ 3 ^ 2", Binary("^", Number(2), Binary("^", Number(3), Number(2)))),
        ("-x ^ 2", Binary("*", Binary("^", X, Number(2)), Number(-1))),
        ("x > bool 1", Binary(">", X, Number(1), returns_bool=True)),
        ("x and x or y", Binary("or", Binary("and", X, X), Y)),
        (
            "x / on (a) group_left (b) y",
            Binary("/", X, Y, Matching(on=True, names=("a",), many="left", include=("b",))),
        ),
        ("sum by (a) (x)", Aggregation("sum", X, names=("a",))),
        ("SUM(x) WITHOUT (a, b)", Aggregation("sum", X, without=True, names=("a", "b"))),
        ("topk(3, x)", Aggregation("topk", X, Number(3))),
        ("time()", Call("time", ())),
        ("x[1m30s] offset 5m", Selector(X.matchers, 90_000, 300_000)),
        ("x  # a comment", X),
        ("summary", Selector((Matcher(NAME, "=", "summary"),))),
    ],
)
def test_a_query_becomes_its_tree(query: str, tree: object) -> None:
    assert parse(query) == tree


@pytest.mark.parametrize(
    "query", ["", "sum(", "x[5m:1m]", "x @ 5", "{}", '{a=~".*"}', "sum(x, y)", "topk(x)", '{a=~"("}', "x[5]", "x y"]
)
def test_what_is_not_understood_is_refused(query: str) -> None:
    with pytest.raises(BadInput):
        parse(query)


@pytest.mark.parametrize(
    "query",
    ["rate(x)", "x[5m] + 1", "sum(1)", "vector(x)", "clamp(x, 1)", "label_replace(x)", "1 > 2", "1 and 2", "rate(1)"],
)
def test_what_makes_no_sense_is_refused_when_it_is_evaluated(query: str) -> None:
    with pytest.raises(BadInput):
        Evaluator(Store()).value(parse(query), 0)


@pytest.mark.parametrize(("text", "ms"), [("5m", 300_000), ("1h30m", 5_400_000), ("250ms", 250), ("1w", 604_800_000)])
def test_durations_are_read(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


def test_a_duration_without_a_unit_is_refused() -> None:
    with pytest.raises(BadInput):
        duration_ms("5")


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), min_size=1))
def test_a_quoted_label_value_selects_exactly_that_text(value: str) -> None:
    store = Store()
    store.add(labels_of({NAME: "x", "a": value}), 1, 1.0)
    store.add(labels_of({NAME: "x", "a": value + "!"}), 1, 1.0)
    query = f"x{{a={json.dumps(value, ensure_ascii=False)}}}"
    assert Evaluator(store).value(parse(query), 1) == [Sample(labels_of({NAME: "x", "a": value}), 1.0)]


@given(st.text(alphabet='x{}()[]=~!"/+-*5m,abyoruns ', max_size=40))
def test_no_text_is_worse_than_bad_input(query: str) -> None:
    try:
        parse(query)
    except BadInput as error:
        assert str(error)  # noqa: PT017 - any other exception fails the test

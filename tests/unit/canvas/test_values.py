"""Conditions and references: decided, never raised; resolved, never evaluated."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.canvas import conditions, templates
from bot.canvas.outcome import Outcome
from bot.errors import PlaybookError

FACTS = {"locks": {"count": 4, "age_s": 90.5, "owner": None, "names": ["a", "b"]}, "n": 2}


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("locks.count >= 3 && locks.age_s > 60", True),
        ("locks.count == 4.0", True),
        ("locks.count * 0.5 < locks.age_s", True),
        ("locks.count / n == 2", True),
        ("locks.count - 0.5 > 3 && locks.count + 0.5 != 4", True),
        ("size(locks.names) == n", True),
        ("has(locks.missing) || 'a' in locks.names", True),
        ("locks.names.all(name, name < 'c')", True),
        ("locks.count < 3", False),
    ],
)
def test_a_condition_is_decided_over_the_facts(expression: str, holds: bool) -> None:
    assert conditions.decide(expression, FACTS) == conditions.Verdict(holds)


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("locks.missing > 3", "locks.missing is missing"),
        ("nothing.at.all", "nothing.at.all is missing"),
        ("locks.missing > locks.owner", "locks.missing and locks.owner are missing"),
        ("locks.owner > 3", "locks.owner is missing"),
        ("locks.names > 3", "cannot be decided"),
        ("locks.count", "not a yes or no"),
        ("locks.count / 0 > 1", "cannot be decided"),
    ],
)
def test_what_cannot_be_decided_is_false_and_the_verdict_says_why(expression: str, said: str) -> None:
    verdict = conditions.decide(expression, FACTS)
    assert not verdict.holds
    assert said in (verdict.note or "")


@pytest.mark.parametrize(
    ("value", "said"),
    [(299.86800000000005, "300"), (12345.6, "12,346"), (2.4000000000000004, "2.4"), (0.09, "0.09"), (7, "7"),
     (True, "yes"), ("a", "a"), (None, "(f.x is not known)")],
)  # fmt: skip
def test_a_text_for_people_says_figures_as_people_write_them(value: object, said: str) -> None:
    assert templates.worded("{{ f.x }}", {"f": {"x": value}}) == said


def test_a_missing_value_does_not_spoil_an_alternative_that_holds() -> None:
    assert conditions.decide("locks.missing > 3 || locks.count > 3", FACTS).holds


@pytest.mark.parametrize("expression", ["locks.count >", "a b", "((x)", ""])
def test_what_is_not_cel_is_an_error_for_lint(expression: str) -> None:
    with pytest.raises(PlaybookError, match="is not CEL"):
        conditions.references(expression)


def test_the_references_of_a_condition_leave_out_what_macros_bind() -> None:
    expression = "has(a.b) && c.d.exists(x, x.e > f.g[0].h) && size(i) > 0 && j.k.startsWith(l)"
    assert conditions.references(expression) == {("a", "b"), ("c", "d"), ("f", "g"), ("i",), ("j", "k"), ("l",)}


def test_references_are_resolved_however_deep() -> None:
    value = {"a": ["{{ locks.count }}", {"b": "{{locks.names[1]}} of {{ locks.names }}"}], "c": 1}
    assert templates.resolve(value, FACTS) == {"a": [4, {"b": "b of ['a', 'b']"}], "c": 1}


@pytest.mark.parametrize(
    "reference", ["{{ locks.missing }}", "{{ nothing }}", "{{ locks.names[7] }}", "{{ locks.owner }}", "{{ n.x }}"]
)
def test_a_reference_to_nothing_is_named(reference: str) -> None:
    with pytest.raises(templates.MissingValue, match=reference.strip("{ }").split("[", maxsplit=1)[0]):
        templates.resolve({"x": [reference]}, FACTS)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=6,
    )
)
def test_a_value_from_outside_comes_through_untouched(value: Any) -> None:
    if value is not None:
        assert templates.resolve("{{ x.y }}", {"x": {"y": value}}) == value


@pytest.mark.parametrize("text", ["{{ a + b }}", "{{ a", "a }}", "{{ f(x) }}", "{{}}", "{{ a['b'] }}"])
def test_braces_that_are_no_reference_are_told(text: str) -> None:
    assert templates.malformed({"x": [text]}) == text


def test_facts_are_the_same_before_and_after_they_were_stored() -> None:
    outcome = Outcome(facts={"ratio": float("nan"), "names": ("a", "b")})
    assert Outcome.model_validate_json(outcome.model_dump_json()) == outcome
    assert outcome.facts == {"ratio": None, "names": ["a", "b"]}

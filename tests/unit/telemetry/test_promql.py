"""Outside words in PromQL stay words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import BadInput
from bot.telemetry.promql import any_of, quoted, selector


def read_literal(literal: str) -> str:
    """What PromQL reads between the quotes; fails where the literal ends early or holds a bare line end."""
    inner = re.fullmatch(r'"((?:[^"\\\n]|\\["\\n])*)"', literal)
    assert inner
    return re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), inner[1])


@given(st.text())
def test_a_quoted_value_reads_back_as_itself(value: str) -> None:
    assert read_literal(quoted(value)) == value.encode("utf-8", "replace").decode()


def test_a_value_that_tries_to_end_its_literal_does_not() -> None:
    assert quoted('x"} or vector(1) #') == '"x\\"} or vector(1) #"'


def test_a_label_name_that_is_no_name_is_refused() -> None:
    with pytest.raises(BadInput, match="letters, digits and underscores"):
        selector(None, {'job="x"} or up{a': "b"})


def test_a_selector_names_the_metric_and_its_labels() -> None:
    assert selector("up", {"job": "checkout"}, 'code=~"5.."') == '{__name__="up",job="checkout",code=~"5.."}'


def test_an_alternative_matches_its_values_as_they_are_written() -> None:
    assert any_of(["b", "a.c"]) == '"a\\\\.c|b"'

"""Payloads whose keys an operator writes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.alerts.payload import Text, read
from bot.alerts.spelling import MOST_KEYS, Spelled, Word, called, spelled, spells
from bot.errors import BadInput


class Check(Spelled):
    title: Text = called("alerttitle", "title")
    state: Text = called("state")


@pytest.mark.parametrize(
    "body",
    [
        {"alert_title": "Disk"},
        {"ALERT_TITLE": "Disk"},
        {"alertTitle": "Disk"},
        {"alert-title": "Disk"},
        {"alert": {"title": "Disk"}},
        {"title": "Disk", "alert": {"id": "7"}},
    ],
)
def test_a_key_is_known_in_any_spelling(body: dict[str, object]) -> None:
    assert read(Check, body, sender="a check").title == "Disk"


def test_the_names_of_a_field_are_asked_in_their_order_and_what_stands_nearer_to_the_top_first() -> None:
    assert read(Check, {"title": "late", "alert_title": "soon"}, sender="a check").title == "soon"
    assert read(Check, {"alert": {"title": "inside"}, "alertTitle": "outside"}, sender="a check").title == "outside"


@pytest.mark.parametrize(
    "unfilled",
    ["$ALERT_TITLE", "{{alert.title}}", "{ProblemTitle}", "{EVENT.NAME}", "{$ZABBIX.URL}", "$service.name$",
     "$HOSTNAME$", "*UNKNOWN*", "*insert desired application name*", "", "  ", None, [], {}],
)  # fmt: skip
def test_a_variable_that_was_not_filled_is_not_given(unfilled: object) -> None:
    assert spelled({"alert_title": unfilled}) == {}
    assert not spells({"alert_title": unfilled}, "alerttitle")
    assert read(Check, {"alert_title": unfilled, "title": "Disk"}, sender="a check").title == "Disk"


@pytest.mark.parametrize("text", ["$5 are missing", '{job="cart"}', "{}", "{{a}} of {{b}}", "100 $"])
def test_text_that_only_looks_like_a_variable_stays(text: str) -> None:
    assert spelled({"alert_title": text}) == {"alerttitle": text}


def test_an_object_is_no_word() -> None:
    class Named(Spelled):
        service: Word = called("servicename", "service")

    assert read(Named, {"service": "cart"}, sender="a check").service == "cart"
    assert read(Named, {"service": {"name": "cart"}}, sender="a check").service == "cart"
    assert read(Named, {"service": {"id": "7"}}, sender="a check").service is None


def test_a_body_of_very_many_keys_is_read_up_to_a_bound() -> None:
    assert len(spelled({f"key{number}": "x" for number in range(3 * MOST_KEYS)})) == MOST_KEYS


def test_another_shape_is_refused() -> None:
    with pytest.raises(BadInput, match="The body is a list"):
        read(Check, [], sender="a check")


@given(st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.dictionaries(st.text(), inner)))
def test_whatever_the_keys_are_they_are_spelled_or_passed_over(body: object) -> None:
    assert isinstance(spells(body, "alerttitle"), bool)

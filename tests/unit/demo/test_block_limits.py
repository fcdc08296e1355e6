"""The workspace refuses what Slack refuses."""

from __future__ import annotations

from typing import Any

import pytest

from bot.demo.workspace.limits import check_blocks, check_metadata, check_text, check_view
from bot.demo.workspace.refusal import Refusal


def plain(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words}


def mrkdwn(words: str) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": words}


def section(words: str = "x", **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn(words), **more}


def button(**changes: Any) -> dict[str, Any]:
    return {"type": "button", "text": plain("Go"), "action_id": "go", **changes}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def confirm(**changes: Any) -> dict[str, Any]:
    whole = {"title": plain("Sure?"), "text": mrkdwn("It ends."), "confirm": plain("Yes"), "deny": plain("No")}
    return {**whole, **changes}


def raw(words: str) -> dict[str, Any]:
    return {"type": "raw_text", "text": words}


FITS: list[list[dict[str, Any]]] = [
    [section("x" * 3000)],
    [{"type": "divider"}] * 50,
    [{"type": "header", "text": plain("x" * 150)}],
    [{"type": "section", "fields": [mrkdwn("x" * 500)] * 10}],
    [actions(*(button(action_id=f"a{n}") for n in range(25)))],
    [actions(button(text=plain("x" * 75), value="v" * 2000, confirm=confirm(), style="danger"))],
    [{"type": "context", "elements": [mrkdwn("x")] * 10}],
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "table", "rows": [[raw("x")] * 20] * 3}],
    [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a chart", "title": plain("t")}],
    [section(accessory=button())],
]


@pytest.mark.parametrize("blocks", FITS, ids=range(len(FITS)))
def test_what_is_within_the_limits_is_taken(blocks: list[dict[str, Any]]) -> None:
    check_blocks(blocks)


BREAKS: list[tuple[str, list[dict[str, Any]], str]] = [
    ("long section", [section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    ("empty text", [section("")], "must be more than 0 characters"),
    ("51 blocks", [{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    ("long header", [{"type": "header", "text": plain("x" * 151)}], "less than 151"),
    ("mrkdwn header", [{"type": "header", "text": mrkdwn("x")}], "unsupported type: mrkdwn"),
    ("11 fields", [{"type": "section", "fields": [mrkdwn("x")] * 11}], "no more than 10"),
    ("long field", [{"type": "section", "fields": [mrkdwn("x" * 2001)]}], "less than 2001"),
    ("empty section", [{"type": "section"}], "one of text, fields must be given"),
    ("26 buttons", [actions(*(button(action_id=f"a{n}") for n in range(26)))], "no more than 25"),
    ("no buttons", [actions()], "no less than 1"),
    ("same action", [actions(button(), button())], "`action_id` 'go' already exists"),
    ("same block", [{"type": "divider", "block_id": "b"}] * 2, "`block_id` 'b' already exists"),
    ("long label", [actions(button(text=plain("x" * 76)))], "less than 76"),
    ("long value", [actions(button(value="x" * 2001))], "less than 2001"),
    ("long spoken label", [actions(button(accessibility_label="x" * 76))], "less than 76"),
    ("strange style", [actions(button(style="green"))], "must be one of: primary, danger"),
    ("long confirm title", [actions(button(confirm=confirm(title=plain("x" * 101))))], "less than 101"),
    ("long confirm text", [actions(button(confirm=confirm(text=mrkdwn("x" * 301))))], "less than 301"),
    ("long confirm button", [actions(button(confirm=confirm(deny=plain("x" * 31))))], "less than 31"),
    ("11 in a context", [{"type": "context", "elements": [mrkdwn("x")] * 11}], "no more than 10"),
    ("101 rows", [{"type": "table", "rows": [[raw("x")]] * 101}], "no more than 100"),
    ("21 columns", [{"type": "table", "rows": [[raw("x")] * 21]}], "no more than 20"),
    ("ragged rows", [{"type": "table", "rows": [[raw("x")], [raw("x"), raw("y")]]}], "same number of cells"),
    ("silent picture", [{"type": "image", "image_url": "https://example.com"}], "missing required field: alt_text"),
    ("unknown block", [{"type": "sticker"}], "unsupported type: sticker"),
    ("unknown field", [section(colour="red")], "invalid additional property: colour"),
    ("no block", ["x"], "unsupported type: None"),  # type: ignore[list-item]
]


@pytest.mark.parametrize(("blocks", "problem"), [case[1:] for case in BREAKS], ids=[case[0] for case in BREAKS])
def test_what_breaks_a_limit_is_refused_and_located(blocks: list[dict[str, Any]], problem: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_blocks(blocks)
    assert caught.value.code == "invalid_blocks"
    assert any(problem in detail for detail in caught.value.details)


def test_all_blocks_together_have_a_limit_of_their_own() -> None:
    with pytest.raises(Refusal, match="msg_blocks_too_long"):
        check_blocks([section("x" * 2900)] * 5)


def test_one_message_shows_one_table() -> None:
    with pytest.raises(Refusal, match="only_one_table_allowed"):
        check_blocks([{"type": "table", "rows": [[raw("x")]]}] * 2)


ASKS = {"type": "input", "block_id": "why", "label": plain("Why?"),
        "element": {"type": "plain_text_input", "action_id": "reason"}}  # fmt: skip


def modal(**changes: Any) -> dict[str, Any]:
    return {"type": "modal", "title": plain("Reject"), "submit": plain("Reject"), "blocks": [ASKS], **changes}


def test_a_modal_with_an_input_is_taken() -> None:
    check_view(modal(private_metadata="{}", callback_id="reject", close=plain("Cancel")))


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(title=plain("x" * 25)), "less than 25"),
        (modal(submit=plain("x" * 25)), "less than 25"),
        (modal(private_metadata="x" * 3001), "less than 3001"),
        (modal(callback_id="x" * 256), "less than 256"),
        (modal(blocks=[{"type": "divider"}] * 101), "no more than 100"),
        (modal(blocks=[{"type": "markdown", "text": "x"}]), "unsupported type: markdown"),
        ({"type": "modal", "title": plain("t"), "blocks": [ASKS]}, "must define `submit`"),
        ({"type": "home", "blocks": [], "title": plain("t")}, "invalid additional property: title"),
        (None, "unsupported type: None"),
    ],
)
def test_a_view_that_breaks_a_limit_is_refused(view: Any, problem: str) -> None:
    with pytest.raises(Refusal) as caught:
        check_view(view)
    assert caught.value.code == "invalid_arguments"
    assert any(problem in detail for detail in caught.value.details)


def test_text_and_metadata_have_limits() -> None:
    check_text("x" * 40_000)
    with pytest.raises(Refusal, match="msg_too_long"):
        check_text("x" * 40_001)
    with pytest.raises(Refusal, match="invalid_metadata_format"):
        check_metadata({"event_type": "x"})
    with pytest.raises(Refusal, match="metadata_too_large"):
        check_metadata({"event_type": "x", "event_payload": {"k": "x" * 9000}})

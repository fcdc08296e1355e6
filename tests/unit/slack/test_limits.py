from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import SlackRefused
from bot.slack.limits import check_message, check_view

Block = dict[str, Any]


def words(text: str, kind: str = "plain_text") -> Block:
    return {"type": kind, "text": text}


def section(text: str = "x", **more: Any) -> Block:
    return {"type": "section", "text": words(text, "mrkdwn"), **more}


def button(**changes: Any) -> Block:
    return {"type": "button", "text": words("Go"), "action_id": "go", "value": "1", **changes}


def actions(*elements: Block, **more: Any) -> Block:
    return {"type": "actions", "elements": list(elements), **more}


def dialog(**changes: Any) -> Block:
    return {"title": words("Sure?"), "text": words("Really"), "confirm": words("Yes"), "deny": words("No"), **changes}


def modal(**changes: Any) -> Block:
    return {"type": "modal", "title": words("Why"), "blocks": [section()], **changes}


def question(**changes: Any) -> Block:
    element = {"type": "plain_text_input", "action_id": "a", "max_length": 3000, "placeholder": words("p")}
    return {"type": "input", "label": words("Why?"), "hint": words("h"), "element": {**element, **changes}}


ACCEPTED = [
    [section("x" * 3000)],
    [{"type": "header", "text": words("x" * 150)}],
    [{"type": "section", "fields": [words("x" * 200)] * 10}],
    [{"type": "context", "elements": [words("x")] * 10}],
    [{"type": "context", "elements": [{"type": "image", "image_url": "https://a/b.png", "alt_text": "a chart"}]}],
    [{"type": "divider"}] * 50,
    [{"type": "markdown", "text": "x" * 12_000}],
    [{"type": "image", "image_url": "https://a/b.png", "alt_text": "x" * 2000, "title": words("t")}],
    [{"type": "table", "rows": [[words("x")] * 20] * 10}],
    [actions(*(button(action_id=f"go{number}") for number in range(25)))],
    [actions(button(style="danger", confirm=dialog(text=words("x" * 300)), accessibility_label="x" * 75))],
    [section(accessory=button())],
    [actions({"type": "overflow", "action_id": "o", "options": [{"text": words("x"), "value": "1"}] * 5})],
]


@pytest.mark.parametrize("blocks", ACCEPTED)
def test_what_is_at_a_limit_passes(blocks: list[Block]) -> None:
    check_message("text", blocks)


REFUSED: list[tuple[str, list[Block]]] = [
    ("51 blocks, at most 50", [{"type": "divider"}] * 51),
    (r"block 1 \(section\): its text has 3,001 characters", [section("x" * 3001)]),
    ("its text is empty", [section("")]),
    ("neither text nor fields", [{"type": "section"}]),
    ("neither text nor fields", [{"type": "section", "fields": []}]),
    ("11 fields", [{"type": "section", "fields": [words("x")] * 11}]),
    ("field 2 has 2,001", [{"type": "section", "fields": [words("x"), words("x" * 2001)]}]),
    (r"block 2 \(header\): its text has 151", [section(), {"type": "header", "text": words("x" * 151)}]),
    ("must be plain_text", [{"type": "header", "text": words("x", "mrkdwn")}]),
    ("not a text object", [{"type": "header", "text": "x"}]),
    ("is NoneType, not text", [{"type": "header", "text": {"type": "plain_text"}}]),
    ("11 elements", [{"type": "context", "elements": [words("x")] * 11}]),
    ("has no elements", [{"type": "context", "elements": []}]),
    ("26 elements", [actions(*[button()] * 26)]),
    ("a button's text has 76", [actions(button(text=words("x" * 76)))]),
    ("a button's value has 2,001", [actions(button(value="x" * 2001))]),
    ("a button's url has 3,001", [actions(button(url="x" * 3001))]),
    ("accessibility_label has 76", [actions(button(accessibility_label="x" * 76))]),
    ("action_id has 256", [actions(button(action_id="x" * 256))]),
    ("action_id 'go' is there twice", [actions(button(), button())]),
    ("action_id 'go' is there twice", [section(accessory=button()), actions(button())]),
    ("block_id 'b' is there twice", [section(block_id="b"), section(block_id="b")]),
    ("a button's style is 'pink'", [actions(button(style="pink"))]),
    ("confirm dialog's title has 101", [actions(button(confirm=dialog(title=words("x" * 101))))]),
    ("confirm dialog's text has 301", [actions(button(confirm=dialog(text=words("x" * 301))))]),
    ("confirm dialog's deny button has 31", [actions(button(confirm=dialog(deny=words("x" * 31))))]),
    ("confirm dialog's title is not a text object", [actions(button(confirm={}))]),
    ("6 options", [actions({"type": "overflow", "options": [{"text": words("x"), "value": "1"}] * 6})]),
    ("alt_text is NoneType", [{"type": "image", "image_url": "https://a"}]),
    ("alt_text is empty", [{"type": "image", "image_url": "https://a", "alt_text": ""}]),
    ("its text has 12,001", [{"type": "markdown", "text": "x" * 12_001}]),
    ("101 rows", [{"type": "table", "rows": [[words("x")]] * 101}]),
    ("21 columns", [{"type": "table", "rows": [[words("x")] * 21]}]),
    ("'static_select', which is not used here", [actions({"type": "static_select"})]),
    ("of a kind that is not used here", [{"type": "carousel"}]),
    ("of a kind that is not used here", [question()]),
    ("would notify a whole channel", [section("hi <!channel>")]),
    ("would notify a whole channel", [{"type": "section", "fields": [words("<!HERE|x>", "mrkdwn")]}]),
    ("as JSON, has .* at most 13,000", [section("x" * 2900)] * 5),
]


@pytest.mark.parametrize(("complaint", "blocks"), REFUSED)
def test_what_breaks_a_limit_is_refused_by_name(complaint: str, blocks: list[Block]) -> None:
    with pytest.raises(SlackRefused, match=complaint):
        check_message("text", blocks)


@given(st.integers(1, 9000))
def test_the_text_may_have_4000_characters(size: int) -> None:
    if size <= 4000:
        check_message("x" * size, [])
    else:
        with pytest.raises(SlackRefused, match="4,000"):
            check_message("x" * size, [])


def test_a_message_without_words_is_refused() -> None:
    with pytest.raises(SlackRefused, match="text is empty"):
        check_message("", [section()])


def test_metadata_is_measured() -> None:
    with pytest.raises(SlackRefused, match="metadata"):
        check_message("x", [], {"event_type": "nightdesk", "event_payload": {"x": "y" * 17_000}})


def test_modals_and_home_tabs_at_their_limits_pass() -> None:
    check_view(modal(title=words("x" * 24), private_metadata="x" * 3000, blocks=[section()] * 99 + [question()]))
    check_view({"type": "home", "blocks": [section()] * 100})


@pytest.mark.parametrize(
    ("complaint", "view"),
    [
        ("modal's title has 25", modal(title=words("x" * 25))),
        ("modal's title is not a text object", {"type": "modal", "blocks": []}),
        ("modal's submit button has 25", modal(submit=words("x" * 25))),
        ("private_metadata has 3,001", modal(private_metadata="x" * 3001)),
        ("callback_id has 256", modal(callback_id="x" * 256)),
        ("101 blocks", modal(blocks=[section()] * 101)),
        ("max_length has 3,001", modal(blocks=[question(max_length=3001)])),
        ("placeholder has 151", modal(blocks=[question(placeholder=words("x" * 151))])),
        ("'datepicker', which is not used here", modal(blocks=[question(type="datepicker")])),
        ("not 'message'", {"type": "message"}),
    ],
)
def test_views_that_break_a_limit_are_refused_by_name(complaint: str, view: Block) -> None:
    with pytest.raises(SlackRefused, match=complaint):
        check_view(view)

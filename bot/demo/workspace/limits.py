"""What Slack accepts as Block Kit, and how much of it.

Written from Slack's published limits, and on purpose apart from the bot's own validator: this one catches its mistakes.
Unknown properties are refused, as Slack does.
"""

from __future__ import annotations

import json
from typing import Any

from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.schema import (
    Problems,
    Rule,
    Shape,
    anything,
    at,
    boolean,
    both,
    either,
    integer,
    listing,
    one_of,
    string,
    typed,
    unique,
)

MAX_BLOCKS_IN_MESSAGE = 50
MAX_BLOCKS_IN_VIEW = 100
MAX_PAYLOAD_CHARS = 13_200
MAX_MARKDOWN_CHARS = 12_000
MAX_TEXT_CHARS = 40_000
MAX_UPDATE_TEXT_CHARS = 4_000
MAX_METADATA_BYTES = 8_000

KIND: dict[str, Rule] = {"type": string(255)}
NAMES: dict[str, Rule] = {"block_id": string(255)}


def plain(most: int) -> Rule:
    """A plain_text object."""
    return typed({"plain_text": Shape({**KIND, "text": string(most)}, {"emoji": boolean})})


def words(most: int) -> Rule:
    """A plain_text or an mrkdwn object."""
    mrkdwn = Shape({**KIND, "text": string(most)}, {"verbatim": boolean})
    return typed({"plain_text": Shape({**KIND, "text": string(most)}, {"emoji": boolean}), "mrkdwn": mrkdwn})


CONFIRM = Shape({"title": plain(100), "text": words(300), "confirm": plain(30), "deny": plain(30)},
                {"style": one_of("primary", "danger")})  # fmt: skip
OPTION = Shape({"text": words(75), "value": string(150)}, {"description": words(75), "url": string(3000)})
OPTIONS = listing(OPTION, most=100)
SLACK_FILE = Shape({}, {"id": string(255), "url": string(3000)}, either("id", "url"))
IMAGE_FIELDS: dict[str, Rule] = {"image_url": string(3000), "slack_file": SLACK_FILE}
IMAGE_ELEMENT = Shape({**KIND, "alt_text": string(2000)}, IMAGE_FIELDS, either("image_url", "slack_file"))

ACTION: dict[str, Rule] = {"action_id": string(255), "confirm": CONFIRM, "focus_on_load": boolean}
PICK: dict[str, Rule] = {**ACTION, "placeholder": plain(150)}


BUTTON = Shape(
    {**KIND, "text": plain(75)},
    {**ACTION, "value": string(2000), "url": string(3000), "style": one_of("primary", "danger"),
     "accessibility_label": string(75)},
)  # fmt: skip
SELECT = Shape({**KIND, "options": OPTIONS}, {**PICK, "initial_option": OPTION})
USERS_SELECT = Shape(KIND, {**PICK, "initial_user": string(255)})
OVERFLOW = Shape({**KIND, "options": listing(OPTION, most=5)}, ACTION)
RADIO = Shape({**KIND, "options": listing(OPTION, most=10)}, {**ACTION, "initial_option": OPTION})
CHECKBOXES = Shape(
    {**KIND, "options": listing(OPTION, most=10)}, {**ACTION, "initial_options": listing(OPTION, most=10)}
)
TEXT_INPUT = Shape(
    KIND,
    {**PICK, "initial_value": string(3000, least=0), "multiline": boolean, "min_length": integer,
     "max_length": integer, "dispatch_action_config": anything},
)  # fmt: skip

CHOICES: dict[str, Rule] = {
    "static_select": SELECT,
    "users_select": USERS_SELECT,
    "radio_buttons": RADIO,
    "checkboxes": CHECKBOXES,
}
CLICKABLE: dict[str, Rule] = {**CHOICES, "button": BUTTON, "overflow": OVERFLOW}


def _elements(shapes: dict[str, Rule], most: int) -> Rule:
    return both(listing(typed(shapes), most=most), unique("action_id"))


RICH = Shape({**KIND, "elements": listing(anything, most=500, least=0)},
             {"border": integer, "style": one_of("bullet", "ordered"), "indent": integer, "offset": integer,
              "language": string(255)})  # fmt: skip
RICH_PARTS: dict[str, Rule] = dict.fromkeys(
    ("rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"), RICH
)
RICH_TEXT = Shape({**KIND, "elements": listing(typed(RICH_PARTS), most=500)}, NAMES)
RAW_CELL = Shape({**KIND, "text": string(3000)}, {})
CELL = typed({"raw_text": RAW_CELL, "rich_text": RICH_TEXT})


def _even_rows(value: Json, pointer: str) -> Problems:
    rows = value.get("rows")
    widths = {len(row) for row in rows if isinstance(row, list)} if isinstance(rows, list) else set()
    if len(widths) > 1:
        yield f"all rows must have the same number of cells {at(pointer + '/rows')}"


TABLE = Shape(
    {**KIND, "rows": listing(listing(CELL, most=20), most=100)},
    {**NAMES, "column_settings": listing(anything, most=20)},
    _even_rows,
)
SECTION = Shape(
    KIND,
    {**NAMES, "text": words(3000), "fields": listing(words(2000), most=10), "expand": boolean,
     "accessory": typed({**CLICKABLE, "image": IMAGE_ELEMENT})},
    either("text", "fields"),
)  # fmt: skip
IMAGE = Shape(
    {**KIND, "alt_text": string(2000)},
    {**NAMES, **IMAGE_FIELDS, "title": plain(2000)},
    either("image_url", "slack_file"),
)
CONTEXT_ELEMENT = typed({"image": IMAGE_ELEMENT, "plain_text": plain(3000), "mrkdwn": words(3000)})
INPUT = Shape(
    {**KIND, "label": plain(2000), "element": typed({**CHOICES, "plain_text_input": TEXT_INPUT})},
    {**NAMES, "hint": plain(2000), "optional": boolean, "dispatch_action": boolean},
)

EVERYWHERE: dict[str, Rule] = {
    "actions": Shape({**KIND, "elements": _elements(CLICKABLE, 25)}, NAMES),
    "context": Shape({**KIND, "elements": listing(CONTEXT_ELEMENT, most=10)}, NAMES),
    "divider": Shape(KIND, NAMES),
    "header": Shape({**KIND, "text": plain(150)}, NAMES),
    "image": IMAGE,
    "input": INPUT,
    "rich_text": RICH_TEXT,
    "section": SECTION,
}
IN_MESSAGES: dict[str, Rule] = {
    **EVERYWHERE,
    "markdown": Shape({**KIND, "text": string(MAX_MARKDOWN_CHARS)}, NAMES),
    "table": TABLE,
}

MESSAGE_BLOCKS = both(listing(typed(IN_MESSAGES), most=MAX_BLOCKS_IN_MESSAGE, least=0), unique("block_id"))
VIEW_BLOCKS = both(listing(typed(EVERYWHERE), most=MAX_BLOCKS_IN_VIEW), unique("block_id"))


def _submit_with_input(value: Json, pointer: str) -> Problems:
    blocks = value.get("blocks")
    asks = isinstance(blocks, list) and any(
        isinstance(block, dict) and block.get("type") == "input" for block in blocks
    )
    if asks and "submit" not in value:
        yield f"must define `submit` to use an `input` block in modals {at(pointer)}"


VIEW_FIELDS: dict[str, Rule] = {
    "private_metadata": string(3000, least=0),
    "callback_id": string(255, least=0),
    "external_id": string(255, least=0),
}
VIEW = typed(
    {
        "modal": Shape(
            {**KIND, "title": plain(24), "blocks": VIEW_BLOCKS},
            {**VIEW_FIELDS, "submit": plain(24), "close": plain(24), "clear_on_close": boolean,
             "notify_on_close": boolean, "submit_disabled": boolean},
            _submit_with_input,
        ),
        "home": Shape({**KIND, "blocks": VIEW_BLOCKS}, VIEW_FIELDS),
    }
)  # fmt: skip


def check_blocks(blocks: Any) -> None:
    """Refuse what Slack would refuse in a message.

    Raises:
        Refusal: `invalid_blocks` with every problem, `msg_blocks_too_long`, `only_one_table_allowed`.
    """
    problems = list(MESSAGE_BLOCKS(blocks, "/blocks"))
    if problems:
        raise Refusal("invalid_blocks", problems)
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MAX_MARKDOWN_CHARS or len(json.dumps(blocks, ensure_ascii=False)) > MAX_PAYLOAD_CHARS:
        raise Refusal("msg_blocks_too_long")
    if sum(block["type"] == "table" for block in blocks) > 1:
        raise Refusal("invalid_attachments", ["only_one_table_allowed"])


def check_view(view: Any) -> None:
    """Refuse what Slack would refuse as a modal or a home tab.

    Raises:
        Refusal: `invalid_arguments` with every problem.
    """
    problems = list(VIEW(view, "/view"))
    if problems:
        raise Refusal("invalid_arguments", problems)


def check_text(text: str, most: int = MAX_TEXT_CHARS) -> None:
    """Raises: Refusal `msg_too_long`."""
    if len(text) > most:
        raise Refusal("msg_too_long")


def check_metadata(metadata: Any) -> None:
    """Raises: Refusal `invalid_metadata_format`, `metadata_too_large`."""
    event_type, payload = (
        (metadata.get("event_type"), metadata.get("event_payload")) if isinstance(metadata, dict) else (None, None)
    )
    if not isinstance(event_type, str) or not event_type or not isinstance(payload, dict):
        raise Refusal("invalid_metadata_format")
    if len(json.dumps(payload).encode()) > MAX_METADATA_BYTES:
        raise Refusal("metadata_too_large")

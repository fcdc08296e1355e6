"""What Slack takes: one check at the send edge, before anything leaves. Slack's own answer would be `invalid_blocks`.

Sources: https://docs.slack.dev/reference/block-kit/blocks, …/block-elements and …/composition-objects. The size of
all blocks together is not documented; users report `msg_blocks_too_long` from 13,200 characters on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from bot.errors import SlackRefused

BLOCKS_IN_MESSAGE = 50
BLOCKS_IN_VIEW = 100
PAYLOAD = 13_000
TEXT = 4_000
METADATA = 16_000
_SHOUT = re.compile(r"<!(?:channel|here|everyone)\b", re.IGNORECASE)

Json = Mapping[str, Any]


def check_message(text: str, blocks: Sequence[Json], metadata: Json | None = None) -> None:
    """Whether Slack takes the message.

    Raises:
        SlackRefused: naming the block and the limit.
    """
    _length("the message's text", text, TEXT)
    _no_shout("the message's text", text)
    _blocks(blocks, BLOCKS_IN_MESSAGE, _MESSAGE_BLOCKS)
    _at_most("the message's blocks, as JSON,", len(json.dumps(list(blocks))), PAYLOAD, "characters")
    if metadata is not None:
        _at_most("the message's metadata, as JSON,", len(json.dumps(metadata)), METADATA, "characters")


def check_view(view: Json) -> None:
    """Whether Slack takes the modal or the home tab.

    Raises:
        SlackRefused: naming the block and the limit.
    """
    kind = view.get("type")
    if kind not in {"modal", "home"}:
        _refuse(f"A view is a modal or a home tab, not {kind!r}.")
    if kind == "modal":
        _plain("the modal's title", view.get("title"), 24)
        for name in ("submit", "close"):
            if name in view:
                _plain(f"the modal's {name} button", view[name], 24)
    for name, limit in (("private_metadata", 3000), ("callback_id", 255), ("external_id", 255)):
        _length(f"the view's {name}", view.get(name, ""), limit, least=0)
    _blocks(view.get("blocks", ()), BLOCKS_IN_VIEW, _VIEW_BLOCKS)


def _refuse(sentence: str) -> NoReturn:
    raise SlackRefused(f"Not sent to Slack: {sentence}")


def _at_most(what: str, size: int, limit: int, unit: str) -> None:
    if size > limit:
        _refuse(f"{what} has {size:,} {unit}, at most {limit:,} are allowed.")


def _length(what: str, text: object, limit: int, *, least: int = 1) -> str:
    if not isinstance(text, str):
        _refuse(f"{what} is {type(text).__name__}, not text.")
    if len(text) < least:
        _refuse(f"{what} is empty.")
    _at_most(what, len(text), limit, "characters")
    return text


def _no_shout(what: str, text: str) -> None:
    if _SHOUT.search(text):
        _refuse(f"{what} would notify a whole channel.")


def _blocks(blocks: Sequence[Json], most: int, known: Mapping[str, Callable[[str, Json], None]]) -> None:
    _at_most("the payload", len(blocks), most, "blocks")
    seen: dict[str, set[str]] = {"block_id": set(), "action_id": set()}
    for place, block in enumerate(blocks, start=1):
        what = f"block {place} ({block.get('type')})"
        if block.get("type") not in known:
            _refuse(f"{what} is of a kind that is not used here.")
        known[block["type"]](what, block)
        for name, value in _ids(block):
            _length(f"{what}: its {name}", value, 255)
            if value in seen[name]:
                _refuse(f"{what}: the {name} '{value}' is there twice.")
            seen[name].add(value)


def _ids(block: Json) -> Iterator[tuple[str, str]]:
    if "block_id" in block:
        yield "block_id", block["block_id"]
    elements = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
    for element in elements:
        if element and "action_id" in element:
            yield "action_id", element["action_id"]


def _text(what: str, value: Any, limit: int) -> None:
    if not isinstance(value, Mapping) or value.get("type") not in {"plain_text", "mrkdwn"}:
        _refuse(f"{what} is not a text object.")
    _no_shout(what, _length(what, value.get("text"), limit))


def _plain(what: str, value: Any, limit: int) -> None:
    _text(what, value, limit)
    if value["type"] != "plain_text":
        _refuse(f"{what} must be plain_text.")


def _header(what: str, block: Json) -> None:
    _plain(f"{what}: its text", block.get("text"), 150)


def _section(what: str, block: Json) -> None:
    if "text" not in block and not block.get("fields"):
        _refuse(f"{what} has neither text nor fields.")
    if "text" in block:
        _text(f"{what}: its text", block["text"], 3000)
    _at_most(what, len(block.get("fields", ())), 10, "fields")
    for number, field in enumerate(block.get("fields", ()), start=1):
        _text(f"{what}: field {number}", field, 2000)
    if "accessory" in block:
        _element(what, block["accessory"])


def _context(what: str, block: Json) -> None:
    elements = block.get("elements", ())
    _some(what, elements, 10, "elements")
    for number, element in enumerate(elements, start=1):
        if element.get("type") == "image":
            _image(f"{what}: image {number}", element)
        else:
            _text(f"{what}: element {number}", element, 3000)


def _actions(what: str, block: Json) -> None:
    elements = block.get("elements", ())
    _some(what, elements, 25, "elements")
    for element in elements:
        _element(what, element)


def _some(what: str, items: Sequence[object], most: int, unit: str) -> None:
    if not items:
        _refuse(f"{what} has no {unit}.")
    _at_most(what, len(items), most, unit)


def _element(what: str, element: Json) -> None:
    kind = element.get("type")
    if kind == "button":
        _button(what, element)
    elif kind == "overflow":
        _some(f"{what}: its overflow menu", element.get("options", ()), 5, "options")
        for option in element["options"]:
            _option(what, option)
    elif kind == "image":
        _image(what, element)
    else:
        _refuse(f"{what} has an element of kind {kind!r}, which is not used here.")


def _button(what: str, button: Json) -> None:
    _plain(f"{what}: a button's text", button.get("text"), 75)
    _length(f"{what}: a button's value", button.get("value", ""), 2000, least=0)
    _length(f"{what}: a button's url", button.get("url", ""), 3000, least=0)
    _length(f"{what}: a button's accessibility_label", button.get("accessibility_label", ""), 75, least=0)
    if button.get("style") not in {None, "primary", "danger"}:
        _refuse(f"{what}: a button's style is {button['style']!r}.")
    if "confirm" in button:
        _confirm(f"{what}: the confirm dialog", button["confirm"])


def _confirm(what: str, dialog: Json) -> None:
    _plain(f"{what}'s title", dialog.get("title"), 100)
    _text(f"{what}'s text", dialog.get("text"), 300)
    for name in ("confirm", "deny"):
        _plain(f"{what}'s {name} button", dialog.get(name), 30)


def _image(what: str, image: Json) -> None:
    _length(f"{what}: its alt_text", image.get("alt_text"), 2000)
    _length(f"{what}: its image_url", image.get("image_url", ""), 3000, least=0)
    if "title" in image:
        _plain(f"{what}: its title", image["title"], 2000)


def _markdown(what: str, block: Json) -> None:
    _length(f"{what}: its text", block.get("text"), 12_000)


def _table(what: str, block: Json) -> None:
    rows = block.get("rows", ())
    _some(what, rows, 100, "rows")
    for row in rows:
        _some(what, row, 20, "columns")


def _divider(_: str, __: Json) -> None:
    """A line has no limits."""


def _input(what: str, block: Json) -> None:
    _plain(f"{what}: its label", block.get("label"), 2000)
    if "hint" in block:
        _plain(f"{what}: its hint", block["hint"], 2000)
    element = block.get("element", {})
    if element.get("type") == "static_select":
        _select(what, element)
    elif element.get("type") != "plain_text_input":
        _refuse(f"{what} has an element of kind {element.get('type')!r}, which is not used here.")
    _at_most(f"{what}: its max_length", element.get("max_length", 1), 3000, "characters")
    if "placeholder" in element:
        _plain(f"{what}: its placeholder", element["placeholder"], 150)


def _select(what: str, element: Json) -> None:
    _some(f"{what}: its menu", element.get("options", ()), 100, "options")
    for option in element["options"]:
        _option(what, option)
    if element.get("initial_option") not in (None, *element["options"]):
        _refuse(f"{what}: its initial option is none of its options.")


def _option(what: str, option: Json) -> None:
    _plain(f"{what}: an option", option.get("text"), 75)
    _length(f"{what}: an option's value", option.get("value"), 150)


_MESSAGE_BLOCKS: dict[str, Callable[[str, Json], None]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "image": _image,
    "markdown": _markdown,
    "table": _table,
    "divider": _divider,
}
_VIEW_BLOCKS = {**_MESSAGE_BLOCKS, "input": _input}

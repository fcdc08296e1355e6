"""The interactive parts of blocks: finding one, and reading what a person entered."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.demo.workspace.refusal import Json, Refusal


def controls(blocks: Sequence[Json]) -> Iterator[tuple[Json, Json]]:
    """Every interactive element with its block."""
    for block in blocks:
        candidates = [*block.get("elements", ()), block.get("accessory"), block.get("element")]
        for element in candidates:
            if isinstance(element, dict) and element.get("type") in {*PICKED, "button", "plain_text_input"}:
                yield block, element


def control(blocks: Sequence[Json], action_id: str) -> tuple[Json, Json]:
    """The element of that action id with its block. Raises: Refusal `no_such_action`."""
    for block, element in controls(blocks):
        if element.get("action_id") == action_id:
            return block, element
    raise Refusal("no_such_action", [f"there is no control with action_id {action_id!r} here"])


PICKED = {
    "static_select": "selected_option",
    "radio_buttons": "selected_option",
    "overflow": "selected_option",
    "checkboxes": "selected_options",
    "users_select": "selected_user",
}


def pressed(block: Json, element: Json, choice: str | None) -> Json:
    """The entry in `actions` that a press makes; `choice` is the value of the option that was picked."""
    action = {"type": element["type"], "action_id": element.get("action_id", ""), "block_id": block.get("block_id", "")}
    if element["type"] == "button":
        value = {"value": element["value"]} if "value" in element else {}
        return {**action, "text": element["text"], **value}
    return {**action, **entered(element, choice)}


def entered(element: Json, value: Any) -> Json:
    """What `view.state.values` says of one input."""
    kind = element["type"]
    if kind == "plain_text_input":
        return {"type": kind, "value": value or None}
    if kind == "users_select":
        return {"type": kind, "selected_user": value or None}
    if kind == "checkboxes":
        return {
            "type": kind,
            "selected_options": [option for option in element["options"] if option["value"] in (value or ())],
        }
    chosen = next((option for option in element["options"] if option["value"] == value), None)
    return {"type": kind, PICKED[kind]: chosen}


def initially(element: Json) -> Any:
    """What an untouched input holds."""
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [option["value"] for option in element["initial_options"]]
    return element.get("initial_value") or element.get("initial_user")


def filled(blocks: Sequence[Json], values: Mapping[str, Any]) -> tuple[Json, dict[str, str]]:
    """The state of a form, and the errors that Slack itself shows before it asks the app.

    Args:
        values: what was entered, by action id or block id.
    """
    state: Json = {}
    errors: dict[str, str] = {}
    for block in blocks:
        if block["type"] != "input":
            continue
        element, block_id = block["element"], block["block_id"]
        action_id = element.get("action_id", "")
        value = values.get(action_id, values.get(block_id, initially(element)))
        state[block_id] = {action_id: entered(element, value)}
        if complaint := _complaint(block, element, value):
            errors[block_id] = complaint
    return state, errors


def _complaint(block: Json, element: Json, value: Any) -> str | None:
    if not (value.strip() if isinstance(value, str) else value):
        return None if block.get("optional") else "Please complete this required field."
    if "min_length" in element and len(value) < element["min_length"]:
        return f"Please enter at least {element['min_length']} characters."
    if "max_length" in element and len(value) > element["max_length"]:
        return f"Please enter at most {element['max_length']} characters."
    return None

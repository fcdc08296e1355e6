"""The few blocks that the views are written in. Texts given to them are already escaped (see `text`).

https://docs.slack.dev/reference/block-kit
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.text import cut, label, own

Block = dict[str, Any]

SECTION = 2900
"""Room for our own text in a section; Slack takes 3000."""
FIELD = 1900
NOTHING = "—"
"""Stands where outside text turns out to be empty; Slack takes no empty text."""
MESSAGE_BLOCKS = 45
WIRE_BUDGET = 11_500
"""What the blocks of a message may take as the JSON that is sent; Slack refuses near 13,200."""


@dataclass(frozen=True)
class Post:
    """One message: what is shown, and the words for notifications and screen readers."""

    text: str
    blocks: tuple[Block, ...]
    broadcast: bool = False


def post(text: str, blocks: Iterable[Block | None], *, broadcast: bool = False) -> Post:
    """A message that fits: blocks that do not are left out, and the message says so."""
    return Post(
        text=own(text.strip(), 3000) or NOTHING, blocks=fit([block for block in blocks if block]), broadcast=broadcast
    )


def together(posts: Sequence[Post]) -> Post | None:
    """Several messages as one; None for none."""
    if len(posts) < 2:
        return posts[0] if posts else None
    blocks: list[Block] = []
    for one in posts:
        blocks += [{"type": "divider"}, *one.blocks] if blocks else one.blocks
    return post(" ".join(one.text for one in posts), blocks, broadcast=any(one.broadcast for one in posts))


def with_note(told: Post, note: str) -> Post:
    """The message with small print below it; the note is from outside, and escaped here."""
    return Post(told.text, fit([*told.blocks, context(cut(note, 600))]), broadcast=told.broadcast)


def words_of(told: Post) -> str:
    """The message as text alone, for answers that take no blocks."""
    parts = [part for block in told.blocks for part in (*block.get("elements", ()), block.get("text") or {})]
    return "\n".join(part["text"] for part in parts if part.get("type") == "mrkdwn") or told.text


def fit(blocks: Sequence[Block], *, most: int = MESSAGE_BLOCKS) -> tuple[Block, ...]:
    """As many blocks as a message takes. Buttons always stay; a note names the number of parts left out."""
    buttons = [block for block in blocks if block["type"] == "actions"]
    count, room = most - len(buttons), WIRE_BUDGET - wire_size(buttons)
    kept: list[Block] = []
    left_out: list[Block] = []
    for block in blocks:
        if block["type"] == "actions":
            continue
        room -= wire_size(block)
        (kept if room >= 0 and len(kept) < count and not left_out else left_out).append(block)
    note = [context(f"{len(left_out)} more parts did not fit into one message.")] if left_out else []
    return (*kept, *note, *buttons)


def wire_size(block: object) -> int:
    """How long the block is as the JSON that is sent, where every letter outside ASCII takes six or more characters."""
    return len(json.dumps(block)) + 2


def plain(text: str, limit: int) -> Block:
    """A `plain_text` object."""
    return {"type": "plain_text", "text": label(text, limit) or NOTHING, "emoji": True}


def mrkdwn(text: str, limit: int = SECTION) -> Block:
    """A `mrkdwn` object; `verbatim` keeps Slack from making links and mentions out of bare words."""
    return {"type": "mrkdwn", "text": own(text.strip(), limit) or NOTHING, "verbatim": True}


def header(text: str) -> Block:
    """A large line; outside text need not be escaped here."""
    return {"type": "header", "text": plain(text, 150)}


def section(text: str) -> Block:
    """A paragraph."""
    return {"type": "section", "text": mrkdwn(text)}


def beside(text: str, accessory: Block | None) -> Block:
    """A paragraph with a button or a menu at its side; with nothing, a paragraph."""
    return {**section(text), "accessory": accessory} if accessory else section(text)


def fields(pairs: Sequence[tuple[str, str]]) -> Block:
    """Up to ten labelled values, two in a row."""
    return {"type": "section", "fields": [mrkdwn(f"*{name}*\n{value or NOTHING}", FIELD) for name, value in pairs[:10]]}


def context(*texts: str) -> Block:
    """Small print."""
    return {"type": "context", "elements": [mrkdwn(text, 1500) for text in texts[:10]]}


def bullets(items: Sequence[str], *, most: int = 12) -> str:
    """Items one under the other, and how many more there are."""
    shown = [f"• {item}" for item in items[:most]]
    if len(items) > most:
        shown.append(f"… and {len(items) - most} more")
    return "\n".join(shown)


def paragraphs(title: str, items: Sequence[str], *, most: int = 12) -> list[Block]:
    """Titled items, over as many sections as their length needs; none for no items."""
    if not items:
        return []
    pages = [f"*{title}*"]
    for entry in bullets(items, most=most).splitlines():
        if len(pages[-1]) + len(entry) < SECTION:
            pages[-1] += "\n" + entry
        else:
            pages.append(entry)
    return [section(page) for page in pages]


def actions(block_id: str, *elements: Block) -> Block:
    """A row of buttons."""
    return {"type": "actions", "block_id": block_id, "elements": list(elements)}


def button(
    text: str, action_id: str, value: str, *, reads: str, style: str | None = None, confirm: Block | None = None
) -> Block:
    """A button. `reads` is what a screen reader says; it names the target."""
    element: Block = {
        "type": "button",
        "text": plain(text, 75),
        "action_id": action_id,
        "value": value,
        "accessibility_label": label(reads, 75),
    }
    more = {"style": style, "confirm": confirm}
    return {**element, **{name: value for name, value in more.items() if value is not None}}


def confirm(title: str, text: str, *, yes: str, no: str) -> Block:
    """The dialog that asks again. Slack takes 300 characters of text."""
    return {
        "title": plain(title, 100),
        "text": {"type": "plain_text", "text": text[:300]},
        "confirm": plain(yes, 30),
        "deny": plain(no, 30),
    }

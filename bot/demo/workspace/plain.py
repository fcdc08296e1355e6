"""Block Kit as plain text, for people who watch the demonstration in a terminal."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.resources import files as packaged
from typing import Any

from bot.demo.workspace.posts import Post
from bot.demo.workspace.refusal import Json
from bot.demo.workspace.team import Team

TOKEN = re.compile(r"<([@#!]?)([^<>|]+)(?:\|([^<>]*))?>")
NAMED = re.compile(r":([a-z0-9_+'-]+):")
INDENT = "         "


@functools.cache
def emoji() -> dict[str, str]:
    """The characters by Slack's names for them."""
    found: dict[str, str] = json.loads((packaged("bot.demo.workspace") / "static/emoji.json").read_text("utf-8"))
    return found


def pictured(text: str) -> str:
    """Text with `:eyes:` as a character; an unknown name stays."""
    return NAMED.sub(lambda found: emoji().get(found[1], found[0]), text)


def transcript(team: Team, posts: Sequence[Post]) -> str:
    """A thread, oldest first: time, author, what was said."""
    return "\n\n".join(_spoken(team, post, deeper=post.is_reply) for post in posts)


def _spoken(team: Team, post: Post, *, deeper: bool) -> str:
    author = post.integration or (team.people[post.user].real_name if post.user in team.people else "?")
    clock = datetime.fromtimestamp(float(post.ts), UTC).strftime("%H:%M:%S")
    marks = (" (edited)" if post.edited_ts else "") + (" [also in the channel]" if post.broadcast else "")
    lines = [f"{clock} {author}{marks}", *(INDENT + line for line in _body(team, post))]
    return "\n".join(("  " + line if deeper else line).rstrip() for line in lines)


def _body(team: Team, post: Post) -> list[str]:
    blocks = [line for block in post.blocks for line in _block(team, block)]
    said = blocks or readable(team, post.text).splitlines()
    loose = [line for attachment in post.attachments for line in _attachment(team, attachment)]
    files = [f"[file: {file['title']}]" for file in post.files]
    reactions = "  ".join(f"{pictured(f':{name}:')} {len(users)}" for name, users in post.reactions.items())
    return [*said, *loose, *files, *([reactions] if reactions else [])]


def _attachment(team: Team, attachment: Json) -> list[str]:
    parts = [attachment.get(name) for name in ("pretext", "title", "text")]
    return ["| " + line for part in parts if part for line in readable(team, part).splitlines()]


def _block(team: Team, block: Json) -> list[str]:
    draw = DRAWN.get(block["type"])
    return draw(team, block) if draw else [f"[{block['type']}]"]


def _header(team: Team, block: Json) -> list[str]:
    title = readable(team, block["text"]["text"])
    return [title, "─" * min(len(title), 72)]


def _section(team: Team, block: Json) -> list[str]:
    texts = [block["text"]] if "text" in block else []
    fields = [" ".join(readable(team, field["text"]).split("\n")) for field in block.get("fields", ())]
    lines = [line for text in texts for line in readable(team, text["text"]).splitlines()]
    accessory = block.get("accessory")
    return [*lines, *(f"· {field}" for field in fields), *(_control(accessory) if accessory else [])]


def _context(team: Team, block: Json) -> list[str]:
    parts = [e["alt_text"] if e["type"] == "image" else readable(team, e["text"]) for e in block["elements"]]
    return "   ".join(parts).splitlines()


def _actions(_: Team, block: Json) -> list[str]:
    return ["  ".join(line for element in block["elements"] for line in _control(element))]


def _control(element: Json) -> list[str]:
    if element["type"] == "button":
        mark = {"primary": "●", "danger": "▲"}.get(element.get("style", ""), "")
        return [f"[ {mark} {pictured(element['text']['text'])} ]".replace("  ", " ")]
    if element["type"] == "image":
        return [f"[picture: {element['alt_text']}]"]
    return [f"[ {element.get('placeholder', {}).get('text', 'choose')} ▾ ]"]


def _table(team: Team, block: Json) -> list[str]:
    rows = [[_cell(team, cell) for cell in row] for row in block["rows"]]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _cell(team: Team, cell: Json) -> str:
    return str(cell["text"]) if cell["type"] == "raw_text" else " ".join(_rich(team, cell))


def _rich(team: Team, block: Json) -> list[str]:
    return [line for part in block["elements"] for line in _rich_part(team, part)]


def _rich_part(team: Team, part: Json) -> list[str]:
    if part["type"] == "rich_text_list":
        items = (" ".join(_rich_part(team, item)) for item in part["elements"])
        ordered = part.get("style") == "ordered"
        return [f"{f'{number}.' if ordered else '•'} {item}" for number, item in enumerate(items, start=1)]
    lines = "".join(_inline(team, element) for element in part["elements"]).splitlines()
    mark = {"rich_text_quote": "│ ", "rich_text_preformatted": "    "}.get(part["type"], "")
    return [mark + line for line in lines]


def _inline(team: Team, element: Json) -> str:
    match element["type"]:
        case "user":
            return _mention(team, "@", element["user_id"], None)
        case "emoji":
            return pictured(f":{element['name']}:")
        case "link":
            return _link(element["url"], element.get("text"))
        case _:
            return str(element.get("text", element.get("fallback", "")))


def readable(team: Team, text: str) -> str:
    """mrkdwn without its marks: links, mentions and dates in words, entities resolved."""
    worded = TOKEN.sub(lambda found: _mention(team, *found.groups()), text)
    bare = re.sub(r"(?<![\w*])\*(\S(?:[^*\n]*\S)?)\*(?![\w*])", r"\1", worded)
    return pictured(bare).replace("```", "").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _mention(team: Team, mark: str, what: str, label: str | None) -> str:
    if mark == "@":
        return "@" + (team.people[what].name if what in team.people else label or what)
    if mark == "#":
        return "#" + (label or (team.channels[what].name if what in team.channels else what))
    if mark == "!":
        return _special(team, what, label)
    return _link(what, label)


def _special(team: Team, what: str, label: str | None) -> str:
    kind, _, rest = what.partition("^")
    if kind == "subteam" and rest in team.groups:
        return "@" + team.groups[rest].handle
    return label or "@" + kind


def _link(url: str, label: Any) -> str:
    return f"{label} ({url})" if label and label != url else url


def _lines_of(name: str) -> Callable[[Team, Json], list[str]]:
    def draw(team: Team, block: Json) -> list[str]:
        return readable(team, block[name]).splitlines()

    return draw


def _rule(_: Team, __: Json) -> list[str]:
    return ["─" * 40]


def _image(_: Team, block: Json) -> list[str]:
    return [f"[picture: {block['alt_text']}]"]


def _input(_: Team, block: Json) -> list[str]:
    return [f"{block['label']['text']}: ______"]


DRAWN: dict[str, Callable[[Team, Json], list[str]]] = {
    "header": _header,
    "section": _section,
    "context": _context,
    "actions": _actions,
    "table": _table,
    "rich_text": _rich,
    "markdown": _lines_of("text"),
    "divider": _rule,
    "image": _image,
    "input": _input,
}

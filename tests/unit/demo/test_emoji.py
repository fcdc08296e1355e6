"""What the bot says with an emoji, the workspace draws itself: the reader's fonts may lack it."""

from __future__ import annotations

import re
from pathlib import Path

import bot

HERE = Path(bot.__file__).parent
STATIC = HERE / "demo/workspace/static"
SAID = re.compile(r":([a-z][a-z_0-9]{2,}):(?=[ *`\"'{])")


def said() -> set[str]:
    sources = [path for room in ("slack", "work", "canvas") for path in (HERE / room).rglob("*.py")]
    known = re.findall(r'"([a-z_0-9+-]+)": "', (STATIC / "emoji.json").read_text("utf-8"))
    return {name for path in sources for name in SAID.findall(path.read_text("utf-8"))} & set(known)


def test_every_emoji_that_the_bot_says_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "emoji.svg").read_text("utf-8")))
    assert {"world_map", "white_check_mark"} <= said() <= drawn


def test_the_page_knows_what_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (STATIC / "emoji.svg").read_text("utf-8")))
    script = (STATIC / "js/emoji.js").read_text("utf-8")
    assert set(script.partition("new Set(`")[2].partition("`")[0].split()) == drawn

"""What is remembered, told to a person: quotes with their permalinks, by where they are from, oldest first."""

from __future__ import annotations

from collections.abc import Sequence

from bot.models import BriefLine
from bot.slack.blocks import Block, Post, context, paragraphs, post
from bot.slack.text import line
from bot.slack.views.brief import quoted

TITLES = {"taught": "Taught", "incidents": "Past incidents", "runbooks": "From the runbooks", "said": "Said here"}
"""What a line's section is called, in the order in which they are told."""


def recollection(lines: Sequence[BriefLine]) -> Post:
    """The answer; its lines name people as they are called, and are in the order in which they were said."""
    blocks: list[Block] = []
    for section, title in TITLES.items():
        blocks += paragraphs(title, [quoted(each, {}) for each in lines if each.section == section])
    text = f"What I remember: {line(lines[0].text, 200)}"
    return post(text, [context(":thought_balloon: What I remember, as it was said, oldest first."), *blocks])

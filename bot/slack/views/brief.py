"""What the channel knows: quotes with their permalinks, by section."""

from __future__ import annotations

from collections.abc import Mapping

from bot.models import Briefed, BriefLine
from bot.slack.blocks import Block, Post, context, paragraphs, post
from bot.slack.text import cut, date, line, link, safe_url

SECTIONS = {
    "known": "Already known",
    "tried": "Tried before",
    "changed": "Changed lately",
    "people": "Who knows about it",
    "recent": "Said just now",
}
MORE_SOURCES = 3
"""Of a statement that was condensed from several, so many links besides the first."""


def brief(event: Briefed, names: Mapping[str, str]) -> Post:
    """The brief as a message. `names` gives display names for user ids."""
    remembered = event.brief
    if not remembered.lines:
        words = f"Memory was asked ({remembered.considered} messages): nothing that bears on this."
        return post(words, [context(f":thought_balloon: {words}")])
    by_section: dict[str, list[str]] = {}
    for quote in remembered.lines:
        by_section.setdefault(quote.section, []).append(quoted(quote, names))
    blocks: list[Block] = []
    for name, quotes in sorted(by_section.items(), key=_place):
        blocks += paragraphs(SECTIONS.get(name, line(name, 60).capitalize()), quotes)
    count = f"{len(remembered.lines)} of {remembered.considered} messages matter now"
    first = remembered.lines[0]
    text = f"What the channel knows: {count}. {line(first.text, 200)}"
    return post(text, [context(f":thought_balloon: What the channel knows: {count}."), *blocks])


def _place(section: tuple[str, object]) -> int:
    order = list(SECTIONS)
    return order.index(section[0]) if section[0] in order else len(order)


def quoted(quote: BriefLine, names: Mapping[str, str]) -> str:
    """One line with who said it, when and where, and what was said later that may have ended it."""
    said = cut(" ".join(quote.text.split()), 400)
    links = [address for address in (quote.permalink, *quote.more_permalinks[:MORE_SOURCES]) if safe_url(address)]
    sources = "".join(f", {link(address, 'message')}" for address in links)
    users = ", ".join(names.get(user, user) for user in quote.user.split(", "))
    later = f". *Later:* {line(quote.superseded_by, 200)}" if quote.superseded_by else ""
    words = f"{said} — in a model's words, from" if quote.reworded else f"“{said}” —"
    return f"{words} {line(users, 60)}, {date(quote.said_at)}{sources}{later}"

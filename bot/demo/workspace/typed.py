"""What a person types, turned into Slack's own text format: escaped, with mentions and links resolved."""

from __future__ import annotations

import re

from bot.demo.workspace.team import Team

TOKEN = re.compile(r"(?P<url>https?://[^\s<>]+[^\s<>.,;:!?)\]'\"])|(?<![\w.])(?P<mark>[@#])(?P<name>[\w.-]*\w)")


def escaped(text: str) -> str:
    """The three characters that Slack escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def as_slack(text: str, team: Team) -> str:
    """Typed text in Slack's format: `@mina` becomes `<@U0MINA>`, `#deploys` `<#C0DEPLOYS|deploys>`."""
    pieces: list[str] = []
    end = 0
    for found in TOKEN.finditer(text):
        pieces += [escaped(text[end : found.start()]), _resolved(found, team)]
        end = found.end()
    return "".join([*pieces, escaped(text[end:])])


def _resolved(found: re.Match[str], team: Team) -> str:
    if found["url"]:
        return f"<{escaped(found['url'])}>"
    name = found["name"].lower()
    if found["mark"] == "#":
        channels = (f"<#{channel.id}|{channel.name}>" for channel in team.channels.values() if channel.name == name)
        return next(channels, found[0])
    people = (f"<@{person.id}>" for person in team.people.values() if person.name == name)
    groups = (f"<!subteam^{group.id}>" for group in team.groups.values() if group.handle == name)
    everyone = {"channel": "<!channel>", "here": "<!here>", "everyone": "<!everyone>"}
    return next(people, None) or next(groups, None) or everyone.get(name) or found[0]

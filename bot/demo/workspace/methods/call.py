"""One call of a Web API method: its arguments, whichever way they were sent, and what it acts on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.workspace.people import Channel
from bot.demo.workspace.refusal import Json, Refusal
from bot.demo.workspace.team import Team
from bot.demo.workspace.views import Views

MAX_PAGE = 999


@dataclass(frozen=True)
class Call:
    """The arguments of a call. Structures may come as JSON or as a string of JSON, booleans and numbers as words."""

    team: Team
    views: Views
    arguments: Json
    page: int = MAX_PAGE
    """At most so many messages in one answer."""

    def text(self, name: str) -> str | None:
        """A string; None where it was not given."""
        value = self.arguments.get(name)
        return None if value is None else str(value)

    def need(self, name: str, refusal: str = "invalid_arguments") -> str:
        """A string that must be given. Raises: Refusal."""
        value = self.text(name)
        if not value:
            raise Refusal(refusal, [f"missing required field: {name}"] if refusal == "invalid_arguments" else ())
        return value

    def flag(self, name: str) -> bool:
        """True where it was given as any of true, "true", 1 and "1"."""
        return str(self.arguments.get(name, "")).lower() in {"true", "1"}

    def number(self, name: str, default: int) -> int:
        """A whole number. Raises: Refusal `invalid_arguments`."""
        try:
            return int(self.arguments.get(name, default))
        except (TypeError, ValueError):
            raise Refusal("invalid_arguments", [f"must be an integer: {name}"]) from None

    def structure(self, name: str, refusal: str) -> Any:
        """A list or object; None where it was not given. Raises: Refusal when it is not JSON."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise Refusal(refusal) from None

    def channel(self, name: str = "channel") -> Channel:
        """The channel that is named. Raises: Refusal `channel_not_found`."""
        return self.team.channel(self.need(name, "channel_not_found"))

    def joined_channel(self) -> Channel:
        """The channel, of which the bot is a member. Raises: Refusal `not_in_channel`."""
        channel = self.channel()
        if self.team.app.user_id not in channel.members:
            raise Refusal("not_in_channel")
        return channel


Method = Callable[[Call], Json]

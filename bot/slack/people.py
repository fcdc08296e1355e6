"""Names of people, asked once an hour."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable

import structlog

from bot.errors import SlackRefused
from bot.slack.client import Slack, refusals

log = structlog.get_logger(__name__)

REMEMBERED_S = 3600
_USER_ID = re.compile(r"[UW][A-Z0-9]{2,20}")


class People:
    """Display names for user ids. A name that cannot be had is replaced by the id."""

    def __init__(self, slack: Slack, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._slack = slack
        self._clock = clock
        self._known: dict[str, tuple[float, str]] = {}

    async def names(self, users: Iterable[str]) -> dict[str, str]:
        """Names for those of the words that are user ids."""
        return {user: await self.name(user) for user in dict.fromkeys(users) if _USER_ID.fullmatch(user)}

    async def name(self, user: str) -> str:
        """The display name."""
        until, name = self._known.get(user, (0.0, ""))
        if name and self._clock() < until:
            return name
        try:
            name = await self._ask(user)
        except SlackRefused as refusal:
            log.warning("people.nameless", user=user, reason=str(refusal))
            return user
        self._known[user] = (self._clock() + REMEMBERED_S, name)
        return name

    async def _ask(self, user: str) -> str:
        with refusals(f"the name of {user}"):
            answer = await self._slack.asking.users_info(user=user)
        profile = answer["user"].get("profile") or {}
        found = profile.get("display_name") or profile.get("real_name") or answer["user"].get("name") or user
        return str(found)

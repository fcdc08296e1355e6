"""Reading back what was said in a channel before the bot listened.

Our own store, fed by events, comes first; this only fills it. For apps outside Slack's marketplace that are sold,
Slack allows one history request a minute of 15 messages: `slow`.
https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.models import Message
from bot.slack import inbox
from bot.slack.client import Identity, Slack, refusals

PAGE = 200
SLOW_PAGE = 15
SLOW_PAUSE_S = 61.0

Json = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """Some messages of the channel, newest threads first, and where to go on."""

    messages: tuple[Message, ...]
    cursor: str | None


class History:
    """Reads channels back.

    Args:
        slow: keep to one request a minute of 15 messages.
        pause: waits for so many seconds.
    """

    def __init__(
        self, slack: Slack, *, slow: bool = False, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._slack = slack
        self._limit = SLOW_PAGE if slow else PAGE
        self._between_s = SLOW_PAUSE_S if slow else 0.0
        self._pause = pause
        self._asked = False

    async def read(
        self, channel: str, *, oldest: datetime | None = None, cursor: str | None = None
    ) -> AsyncIterator[Page]:
        """The channel page by page, replies included. A reader that was interrupted goes on from the last `cursor`.

        Raises:
            SlackRefused: Slack said no, or does not answer.
        """
        identity = await self._slack.identity()
        since = f"{oldest.timestamp():.6f}" if oldest else "0"
        while True:
            found, cursor = await self._page(channel, since, cursor)
            yield Page(tuple([said async for said in self._with_replies(channel, found, identity)]), cursor)
            if cursor is None:
                return

    async def is_private(self, channel: str) -> bool:
        """Whether only its members may read the channel.

        Raises:
            SlackRefused: Slack said no.
        """
        with refusals(f"about {channel}"):
            answer = await self._slack.asking.conversations_info(channel=channel)
        about = answer["channel"]
        return bool(about.get("is_private") or about.get("is_im") or about.get("is_mpim"))

    async def _with_replies(self, channel: str, found: list[Json], identity: Identity) -> AsyncIterator[Message]:
        for raw in found:
            if message := inbox.message(raw, channel, identity):
                yield message
            if raw.get("reply_count"):
                async for reply in self._replies(channel, raw["ts"]):
                    if message := inbox.message(reply, channel, identity):
                        yield message

    async def _replies(self, channel: str, thread: str) -> AsyncIterator[Json]:
        cursor: str | None = None
        while True:
            await self._my_turn()
            with refusals(f"the replies in {channel}"):
                answer = await self._slack.asking.conversations_replies(
                    channel=channel, ts=thread, limit=self._limit, cursor=cursor
                )
            for raw in answer["messages"]:
                if raw["ts"] != thread:
                    yield raw
            cursor = _next(answer)
            if cursor is None:
                return

    async def _page(self, channel: str, oldest: str, cursor: str | None) -> tuple[list[Json], str | None]:
        await self._my_turn()
        with refusals(f"the history of {channel}"):
            answer = await self._slack.asking.conversations_history(
                channel=channel, oldest=oldest, limit=self._limit, cursor=cursor
            )
        return answer["messages"], _next(answer)

    async def _my_turn(self) -> None:
        if self._asked and self._between_s:
            await self._pause(self._between_s)
        self._asked = True


def _next(answer: Any) -> str | None:
    return (answer.get("response_metadata") or {}).get("next_cursor") or None

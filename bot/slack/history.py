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
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Page:
    """What one request brought, newest threads first, and where a reader that is interrupted now goes on."""

    messages: tuple[Message, ...]
    cursor: str | None
    """Of the request to go on with; None: the beginning."""
    threads: frozenset[str] = frozenset()
    """The threads of that request's messages that are read already."""
    last: bool = False
    """Whether nothing is left."""


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
        self.slow = slow
        self._limit = SLOW_PAGE if slow else PAGE
        self._between_s = SLOW_PAUSE_S if slow else 0.0
        self._pause = pause
        self._asked = False
        self._turn = asyncio.Lock()

    async def read(
        self,
        channel: str,
        *,
        oldest: datetime | None = None,
        cursor: str | None = None,
        threads: frozenset[str] = frozenset(),
    ) -> AsyncIterator[Page]:
        """The channel request by request, replies included, newest first.

        A reader that was interrupted goes on with `cursor` and `threads` of the last page.

        Raises:
            SlackRefused: Slack said no, or does not answer.
        """
        identity = await self._slack.identity()
        since = f"{oldest.timestamp():.6f}" if oldest else "0"
        while True:
            found, following = await self._page(channel, since, cursor)
            left = [raw["ts"] for raw in found if raw.get("reply_count") and raw["ts"] not in threads]
            over = not left and following is None
            yield _kept(found, channel, identity, following if not left else cursor, threads if left else _NONE, over)
            for place, thread in enumerate(left):
                async for replies, whole in self._replies(channel, thread):
                    threads |= {thread} if whole else _NONE
                    done = whole and place == len(left) - 1
                    at = (following, _NONE) if done else (cursor, threads)
                    yield _kept(replies, channel, identity, *at, done and following is None)
            if following is None:
                return
            cursor, threads = following, _NONE

    async def is_private(self, channel: str) -> bool:
        """Whether only its members may read the channel.

        Raises:
            SlackRefused: Slack said no.
        """
        with refusals(f"about {channel}"):
            answer = await self._slack.asking.conversations_info(channel=channel)
        about = answer["channel"]
        return bool(about.get("is_private") or about.get("is_im") or about.get("is_mpim"))

    async def _replies(self, channel: str, thread: str) -> AsyncIterator[tuple[list[Json], bool]]:
        """The replies request by request, and whether those are the last."""
        cursor: str | None = None
        while True:
            await self._my_turn()
            with refusals(f"the replies in {channel}"):
                answer = await self._slack.asking.conversations_replies(
                    channel=channel, ts=thread, limit=self._limit, cursor=cursor
                )
            cursor = _next(answer)
            yield [raw for raw in answer["messages"] if raw["ts"] != thread], cursor is None
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
        async with self._turn:  # two channels that are read at a time share the allowance
            if self._asked and self._between_s:
                await self._pause(self._between_s)
            self._asked = True


def _kept(
    found: list[Json], channel: str, identity: Identity, cursor: str | None, threads: frozenset[str], last: bool
) -> Page:
    said = (inbox.message(raw, channel, identity) for raw in found)
    return Page(tuple(message for message in said if message), cursor, threads, last)


def _next(answer: Any) -> str | None:
    return (answer.get("response_metadata") or {}).get("next_cursor") or None

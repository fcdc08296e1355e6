"""Reading back what was said in a channel before the bot listened.

Our own store, fed by events, comes first; this only fills it. For apps outside Slack's marketplace that are sold,
Slack allows one history request a minute of 15 messages: `slow`.
https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field

from bot.characters import sound
from bot.models import Message, Noun
from bot.slack import inbox
from bot.slack.client import Identity, Slack, refusals

PAGE = 200
SLOW_PAGE = 15
SLOW_PAUSE_S = 61.0

Json = dict[str, Any]


class Spot(Noun):
    """How far a channel is read: who goes on from there reads nothing again, and leaves nothing out."""

    newest: str | None = Field(default=None, description="`ts` of the message that the reading began with")
    cursor: str | None = Field(default=None, description="of the request to go on with; None: the first")
    oldest: str | None = Field(default=None, description="`ts` of the oldest message of that request, once it is read")
    threads: frozenset[str] = Field(default=frozenset(), description="those whose replies are read as well")
    thread: str | None = Field(default=None, description="of whose replies some are read")
    replies: str | None = Field(default=None, description="cursor of that thread's next replies")

    def after_messages(self, found: Sequence[Json]) -> Spot:
        """The messages of the request are read."""
        if not found:
            return self
        return self.model_copy(update={"newest": self.newest or found[0]["ts"], "oldest": found[-1]["ts"]})

    def after_replies(self, thread: str, following: str | None) -> Spot:
        """Some replies further; `following` is the cursor of the next ones, None after the last."""
        if following is None:
            return self.model_copy(update={"threads": self.threads | {thread}, "thread": None, "replies": None})
        return self.model_copy(update={"thread": thread, "replies": following})


BEGINNING = Spot()


@dataclass(frozen=True)
class Page:
    """What one request brought, and where a reader that is interrupted now goes on."""

    messages: tuple[Message, ...]
    spot: Spot
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
        spot: Spot = BEGINNING,
        replied_since: datetime | None = None,
    ) -> AsyncIterator[Page]:
        """The channel request by request, replies included, newest first, from that spot on.

        Threads in which nobody has spoken since a moment may be left out (`replied_since`).

        Raises:
            SlackRefused: Slack said no, or does not answer.
        """
        identity = await self._slack.identity()
        since = f"{oldest.timestamp():.6f}" if oldest else "0"
        while True:
            found, following = await self._page(channel, since, spot)
            left = [raw["ts"] for raw in found if _replied(raw, replied_since) and raw["ts"] not in spot.threads]
            new = [raw for raw in found if spot.oldest is None or float(raw["ts"]) < float(spot.oldest)]
            spot = spot.after_messages(found)
            beyond = Spot(newest=spot.newest, cursor=following)
            spot = spot if left else beyond
            yield _kept(new, channel, identity, spot, last=not left and following is None)
            for thread in left:
                async for replies, next_replies in self._replies(channel, thread, spot):
                    spot = spot.after_replies(thread, next_replies)
                    over = next_replies is None and thread == left[-1]
                    yield _kept(replies, channel, identity, beyond if over else spot, last=over and following is None)
            if following is None:
                return
            spot = beyond

    async def is_private(self, channel: str) -> bool:
        """Whether only its members may read the channel.

        Raises:
            SlackRefused: Slack said no.
        """
        with refusals(f"about {channel}"):
            answer = await self._slack.asking.conversations_info(channel=channel)
        about = answer["channel"]
        return bool(about.get("is_private") or about.get("is_im") or about.get("is_mpim"))

    async def _replies(self, channel: str, thread: str, spot: Spot) -> AsyncIterator[tuple[list[Json], str | None]]:
        """The replies request by request, each with the cursor of the next ones, None with the last."""
        cursor = spot.replies if spot.thread == thread else None
        while True:
            await self._my_turn()
            with refusals(f"the replies in {channel}"):
                answer = await self._slack.asking.conversations_replies(
                    channel=channel, ts=thread, limit=self._limit, cursor=cursor
                )
            cursor = _next(answer)
            yield [raw for raw in answer["messages"] if raw["ts"] != thread], cursor
            if cursor is None:
                return

    async def _page(self, channel: str, oldest: str, spot: Spot) -> tuple[list[Json], str | None]:
        """The messages of one request. What is said meanwhile is left out: it would move the others."""
        await self._my_turn()
        with refusals(f"the history of {channel}"):
            answer = await self._slack.asking.conversations_history(
                channel=channel,
                oldest=oldest,
                latest=spot.newest,
                inclusive=True,
                limit=self._limit,
                cursor=spot.cursor,
            )
        return answer["messages"], _next(answer)

    async def _my_turn(self) -> None:
        async with self._turn:  # two channels that are read at a time share the allowance
            if self._asked and self._between_s:
                await self._pause(self._between_s)
            self._asked = True


def _replied(raw: Json, since: datetime | None) -> bool:
    """Whether there are replies, and perhaps one since then: Slack does not always say when the latest was."""
    latest = raw.get("latest_reply")
    return bool(raw.get("reply_count")) and (since is None or not latest or inbox.moment(latest) >= since)


def _kept(found: list[Json], channel: str, identity: Identity, spot: Spot, *, last: bool) -> Page:
    said = (inbox.message(raw, channel, identity) for raw in sound(found))
    return Page(tuple(message for message in said if message), spot, last)


def _next(answer: Any) -> str | None:
    return (answer.get("response_metadata") or {}).get("next_cursor") or None

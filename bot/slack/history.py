"""Reading back what was said in a channel before the bot listened.

Our own store, fed by events, comes first; this only fills it. For apps outside Slack's marketplace that are sold,
Slack allows one history request a minute of 15 messages: `slow`.
https://docs.slack.dev/changelog/2025/05/29/rate-limit-changes-for-non-marketplace-apps
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import Field
from slack_sdk.errors import SlackApiError

from bot.characters import sound
from bot.errors import SlackRefused
from bot.models import Message, Noun
from bot.slack import inbox
from bot.slack.client import Identity, Slack, code_of, refusals
from bot.slack.outbox import GONE

PAGE = 200
A_MINUTE = 45
"""Requests, of the 50 that Slack allows: some messages are looked up while people wait."""
SLOW_PAGE, SLOW_A_MINUTE = 15, 1
MINUTE_S = 61.0

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
    standing: frozenset[str] | None = frozenset()
    """All that stands there, whoever wrote it; None where Slack keeps something back."""


class History:
    """Reads channels back.

    Args:
        slow: keep to one request a minute of 15 messages.
        pause: waits for so many seconds.
        clock: seconds, for the pace.
    """

    def __init__(
        self,
        slack: Slack,
        *,
        slow: bool = False,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slack = slack
        self.slow = slow
        self._limit = SLOW_PAGE if slow else PAGE
        self._asked_at: deque[float] = deque(maxlen=SLOW_A_MINUTE if slow else A_MINUTE)
        self._pause = pause
        self._clock = clock
        self._turn = asyncio.Lock()

    async def read(
        self,
        channel: str,
        *,
        oldest: datetime | None = None,
        spot: Spot = BEGINNING,
        replied_since: datetime | None = None,
        threads: Collection[str] = (),
    ) -> AsyncIterator[Page]:
        """The channel request by request, replies included, newest first, from that spot on.

        Threads in which nobody has spoken since a moment may be left out (`replied_since`), except some (`threads`).

        Raises:
            SlackRefused: Slack said no, or does not answer.
        """
        identity = await self._slack.identity()
        since = f"{oldest.timestamp():.6f}" if oldest else "0"
        while True:
            answer = await self._page(channel, since, spot)
            found, following = answer["messages"], _next(answer)
            replied = [raw["ts"] for raw in found if _replied(raw, None if raw["ts"] in threads else replied_since)]
            left = [ts for ts in replied if ts not in spot.threads]
            new = [raw for raw in found if spot.oldest is None or float(raw["ts"]) < float(spot.oldest)]
            spot = spot.after_messages(found)
            beyond = Spot(newest=spot.newest, cursor=following)
            spot = spot if left else beyond
            yield _kept(new, channel, identity, spot, _standing(answer), last=not left and following is None)
            for thread in left:
                async for said in self._replies(channel, thread, since, spot):
                    spot = spot.after_replies(thread, _next(said))
                    over = spot.thread is None and thread == left[-1]
                    whence, last = (beyond, following is None) if over else (spot, False)
                    replies = [raw for raw in said["messages"] if raw["ts"] != thread]
                    yield _kept(replies, channel, identity, whence, _standing(said), last=last)
            if following is None:
                return
            spot = beyond

    async def replies(self, channel: str, thread: str, *, oldest: datetime) -> AsyncIterator[Page]:
        """What was said in one thread since then, request by request; nothing where the thread is gone.

        Raises:
            SlackRefused: Slack said no, or does not answer.
        """
        identity, since = await self._slack.identity(), f"{oldest.timestamp():.6f}"
        try:
            async for answer in self._replies(channel, thread, since, BEGINNING):
                last = _next(answer) is None
                yield _kept(answer["messages"], channel, identity, BEGINNING, _standing(answer), last=last)
        except SlackRefused as refusal:
            if not _gone(refusal):
                raise

    async def is_private(self, channel: str) -> bool:
        """Whether only its members may read the channel.

        Raises:
            SlackRefused: Slack said no.
        """
        with refusals(f"about {channel}"):
            answer = await self._slack.asking.conversations_info(channel=channel)
        about = answer["channel"]
        return bool(about.get("is_private") or about.get("is_im") or about.get("is_mpim"))

    async def _replies(self, channel: str, thread: str, oldest: str, spot: Spot) -> AsyncIterator[Any]:
        """The answers that hold the thread, each with the message that began it."""
        cursor = spot.replies if spot.thread == thread else None
        while True:
            await self._my_turn()
            with refusals(f"the replies in {channel}"):
                answer = await self._slack.asking.conversations_replies(
                    channel=channel, ts=thread, oldest=oldest, inclusive=True, limit=self._limit, cursor=cursor
                )
            yield answer
            cursor = _next(answer)
            if cursor is None:
                return

    async def _page(self, channel: str, oldest: str, spot: Spot) -> Any:
        """The answer to one request. What is said meanwhile is left out: it would move the others."""
        await self._my_turn()
        with refusals(f"the history of {channel}"):
            return await self._slack.asking.conversations_history(
                channel=channel,
                oldest=oldest,
                latest=spot.newest,
                inclusive=True,
                limit=self._limit,
                cursor=spot.cursor,
            )

    async def _my_turn(self) -> None:
        async with self._turn:  # channels that are read at a time share the allowance
            if len(self._asked_at) == self._asked_at.maxlen:
                left_s = self._asked_at[0] + MINUTE_S - self._clock()
                if left_s > 0:
                    await self._pause(left_s)
            self._asked_at.append(self._clock())


def _replied(raw: Json, since: datetime | None) -> bool:
    """Whether there are replies, and perhaps one since then: Slack does not always say when the latest was."""
    latest = raw.get("latest_reply")
    return bool(raw.get("reply_count")) and (since is None or not latest or inbox.moment(latest) >= since)


def _kept(
    found: list[Json], channel: str, identity: Identity, spot: Spot, standing: frozenset[str] | None, *, last: bool
) -> Page:
    said = (inbox.message(raw, channel, identity) for raw in sound(found))
    return Page(tuple(message for message in said if message), spot, last, standing)


def _standing(answer: Any) -> frozenset[str] | None:
    """The names of what the answer holds and says something; None where it does not hold all that it should.

    A free workspace hides what is older than 90 days (`is_limited`).
    """
    if answer.get("is_limited") or (answer.get("has_more") and _next(answer) is None):
        return None
    return frozenset(raw["ts"] for raw in answer["messages"] if not inbox.says_nothing(raw))


def _gone(refusal: SlackRefused) -> bool:
    cause = refusal.__cause__
    return isinstance(cause, SlackApiError) and code_of(cause) in GONE


def _next(answer: Any) -> str | None:
    return (answer.get("response_metadata") or {}).get("next_cursor") or None

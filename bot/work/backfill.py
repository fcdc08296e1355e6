"""Reading back what a channel said before the bot listened: page by page, resumable, with its progress in the channel.

How far it is stands in Redis after every request, so that whoever takes the task over goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

import structlog
from pydantic import Field
from redis.asyncio import Redis

from bot.errors import SlackRefused
from bot.models import Instant, Message, Noun
from bot.slack.client import telling_of_waits
from bot.slack.face import Face
from bot.slack.history import BEGINNING, History, Page, Spot
from bot.slack.ledger import Mark
from bot.slack.views import reading
from bot.work.stopping import Stopping

log = structlog.get_logger(__name__)

Keep = Callable[[Sequence[Message]], Awaitable[None]]
PLACE_KEPT = timedelta(days=7)
SHOWN_EVERY = timedelta(seconds=5)


def read_back_key(channel: str) -> str:
    """Set once a channel has been read back: how many messages there were."""
    return f"nd:backfill:{channel}:read"


class _Place(Noun):
    """How far the reading of a channel is."""

    run: str = Field(description="when it began: names its message in the channel")
    spot: Spot = BEGINNING
    read: int = 0
    back_to: Instant | None = None

    def after(self, page: Page) -> _Place:
        """The place once the page is kept."""
        times = [message.sent_at for message in page.messages] + ([self.back_to] if self.back_to else [])
        return self.model_copy(
            update={
                "spot": page.spot,
                "read": self.read + len(page.messages),
                "back_to": min(times, default=None),
            }
        )


class Backfill:
    """Reads channels back.

    Args:
        stopping: set when the process ends; a reading then ends at once, and goes on where it stopped.
    """

    def __init__(
        self, redis: Redis, face: Face, history: History, clock: Callable[[], datetime], stopping: asyncio.Event
    ) -> None:
        self._redis = redis
        self._face = face
        self._history = history
        self._clock = clock
        self._stopping = stopping

    async def run(self, channel: str, keep: Keep, *, oldest: datetime | None = None) -> None:
        """Hand over what was said in the channel, newest first, and show how it goes.

        Raises:
            SlackRefused: Slack said no, or does not answer; calling again goes on from there.
            Stopping: the process ends; calling again goes on from there.
        """
        place = await self._place(channel)
        shown_at = await self._show(channel, place)

        async def tell(wait_s: float) -> None:
            await self._show(channel, place, wait_s=wait_s)

        with telling_of_waits(tell):
            pages = self._history.read(channel, oldest=oldest, spot=place.spot)
            async for page in pages:
                await keep(page.messages)
                place = place.after(page)
                await self._redis.set(_place_key(channel), place.model_dump_json(), ex=PLACE_KEPT)
                log.info("backfill.page", channel=channel, messages=place.read, last=page.last)
                if self._stopping.is_set() and not page.last:
                    raise Stopping(f"The process ends; {channel} is read on from where it stopped.")
                if self._clock() - shown_at >= SHOWN_EVERY:
                    shown_at = await self._show(channel, place)
        await self._redis.set(read_back_key(channel), str(place.read))
        await self._face.keep_saying(_mark(channel, place), channel, reading.done(place.read, place.back_to))
        await self._redis.delete(_place_key(channel))

    async def give_up(self, channel: str, reason: str) -> None:
        """Say in the channel that it did not work; the next invitation begins anew."""
        place = await self._place(channel)
        await self._redis.delete(_place_key(channel))
        await self._face.keep_saying(_mark(channel, place), channel, reading.given_up(place.read, reason))

    async def _place(self, channel: str) -> _Place:
        kept = await self._redis.get(_place_key(channel))
        return _Place.model_validate_json(kept) if kept else _Place(run=f"{self._clock().timestamp():.0f}")

    async def _show(self, channel: str, place: _Place, *, wait_s: float = 0.0) -> datetime:
        """Bring the message in the channel up to date; when that was. Not worth stopping the reading for."""
        words = reading.under_way(place.read, place.back_to, slow=self._history.slow, wait_s=wait_s)
        try:
            await self._face.keep_saying(_mark(channel, place), channel, words)
        except SlackRefused as refusal:
            log.warning("backfill.not_shown", channel=channel, reason=str(refusal))
        return self._clock()


def _mark(channel: str, place: _Place) -> Mark:
    return Mark(f"backfill-{channel}", place.run)


def _place_key(channel: str) -> str:
    return f"nd:backfill:{channel}:place"

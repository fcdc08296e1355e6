"""Whether Slack can be heard: a Socket Mode connection that was gone for a while is told, so that nothing stays missed.

Slack renews a connection every few hours, which takes a moment, and delivers again what a moment did not acknowledge.
What was said in a longer time without a connection it does not say again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Never

import structlog
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

LOOK_S = 5.0
LOOKS = 3
"""Looks in a row that find no connection before it counts as gone."""
UNNOTICED = timedelta(minutes=1)
"""A connection may have been dead for that long before it looks so: a ping must stay unanswered."""


@asynccontextmanager
async def lifeline(
    connected: Callable[[], Awaitable[bool]],
    cut_off: Callable[[datetime], Awaitable[None]],
    clock: Callable[[], datetime],
    look_s: float = LOOK_S,
) -> AsyncIterator[None]:
    """Looks in the background while the block runs, and tells since when nothing was heard, once it is heard again."""
    watching = asyncio.create_task(_watch(connected, cut_off, clock, look_s), name="slack.lifeline")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.wait((watching,))


async def _watch(
    connected: Callable[[], Awaitable[bool]],
    cut_off: Callable[[datetime], Awaitable[None]],
    clock: Callable[[], datetime],
    look_s: float,
) -> Never:
    since, looks = clock(), 0
    while True:
        await asyncio.sleep(look_s)
        if not await connected():
            since = since if looks else clock() - UNNOTICED
            looks += 1
            if looks == LOOKS:
                log.warning("slack.cut_off", since=since.isoformat(), mend="nothing, if it comes back by itself")
        elif looks < LOOKS:
            looks = 0
        else:
            try:
                await cut_off(since)
            except RedisError as error:
                log.warning("slack.cut_off_not_noted", since=since.isoformat(), why=str(error))
            else:
                log.info("slack.heard_again", since=since.isoformat())
                looks = 0

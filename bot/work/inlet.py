"""The inlet: where alerts become durable, and the sorter that gives each its place in an incident."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial

import structlog
from redis.asyncio import Redis

from bot.catalog import CatalogNow
from bot.incidents import Intake, Journal
from bot.incidents.flapping import Damping
from bot.incidents.grouping import Bounds
from bot.incidents.reception import Reception
from bot.incidents.regroup import Regroup
from bot.incidents.sorter import Sorter
from bot.incidents.spool import Spool
from bot.settings import Settings
from bot.work.alerting import Alerting
from bot.work.health import Health
from bot.work.queue import Queue
from bot.work.turns import Turns

log = structlog.get_logger(__name__)


def intake_of(
    settings: Settings, redis: Redis, journal: Journal, catalog: CatalogNow, clock: Callable[[], datetime]
) -> Intake:
    """The intake as the settings want it."""
    grouping = settings.grouping
    return Intake(
        redis,
        journal,
        catalog,
        clock,
        channel=settings.slack.channel,
        reopen_within=timedelta(seconds=grouping.reopen_within_s),
        bounds=Bounds(timedelta(seconds=grouping.window_s), grouping.most_openings),
        damping=Damping(
            grouping.flapping_changes,
            timedelta(seconds=grouping.flapping_within_s),
            timedelta(seconds=grouping.flapping_quiet_s),
        ),
    )


def alerting_of(
    settings: Settings, redis: Redis, journal: Journal, intake: Intake, queue: Queue, clock: Callable[[], datetime]
) -> Alerting:
    """What happens to alerts that have their place."""
    turns = Turns(redis, everywhere=settings.work.walks, per_service=settings.work.walks_per_service)
    return Alerting(journal, intake, Regroup(redis, journal, clock), turns, queue)


@asynccontextmanager
async def sorting(
    settings: Settings,
    redis: Redis,
    intake: Intake,
    on_count: Callable[[str], Awaitable[None]],
    health: Health,
    *,
    sorts: bool = True,
) -> AsyncIterator[Reception]:
    """A reception whose alerts are sorted for as long as the block lasts.

    Args:
        on_count: told of an incident of which only counters have moved.
        health: marked if the sorter ends by itself.
        sorts: whether this process sorts; one that has no door for alerts need not.
    """
    owner = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    spool = Spool(redis)
    reception = Reception(spool, owner=owner, most_spooled=settings.grouping.most_spooled)
    if not sorts:
        yield reception
        return
    sorter = Sorter(redis, spool, intake, owner=owner, on_sorted=reception.sorted, on_count=on_count)
    running = asyncio.create_task(sorter.run(), name="sorter")
    running.add_done_callback(partial(_ended, health))
    try:
        yield reception
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def _ended(health: Health, running: asyncio.Task[None]) -> None:
    if not running.cancelled() and (error := running.exception()):
        health.died = True
        log.critical("sorter.died", mend="alerts are still kept; restart this process", exc_info=error)

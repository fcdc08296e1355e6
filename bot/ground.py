"""What every room stands on: what the settings name, Redis with the queue and the journal on it, and memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

import structlog
from redis.asyncio import Redis

from bot.catalog import Catalog
from bot.gate import actions_of, lawbook_of
from bot.incidents import Journal
from bot.memory import MemoryManager
from bot.register import Register
from bot.remediation.catalogue import Actions
from bot.remediation.lawbook import Lawbook
from bot.settings import Settings
from bot.storage import KEEP_IT, connect, embedded_redis, keeps, require_usable
from bot.work.follow import Follow
from bot.work.queue import Queue, open_queue
from bot.work.showings import Showings

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Ground:
    """Settings read, Redis connected, nothing running yet."""

    settings: Settings
    clock: Clock
    catalog: Catalog
    register: Register
    lawbook: Lawbook
    actions: Actions
    redis: Redis
    queue: Queue
    showings: Showings
    follow: Follow
    journal: Journal
    memory: MemoryManager


@asynccontextmanager
async def ground_of(settings: Settings, clock: Clock) -> AsyncIterator[Ground]:
    """The ground for as long as the block lasts.

    Raises:
        Misconfigured: a setting, the catalogue, the policy or Redis cannot be used.
    """
    register, lawbook = Register(settings.services_file), lawbook_of(settings)
    catalog = register.known()
    actions = actions_of(settings, catalog)
    async with AsyncExitStack() as stack:
        url = await _redis_url(stack, settings)
        redis = await stack.enter_async_context(connect(url))
        await require_usable(redis)
        if not await keeps(redis):
            log.warning("redis.forgets", why="a restart of Redis would lose acknowledged alerts", mend=KEEP_IT)
        queue = await stack.enter_async_context(open_queue(url))
        showings = Showings(redis, queue)
        follow = Follow(queue, showings.want)
        opened = MemoryManager.open(url, settings.encoder, timezone=settings.slack.timezone)
        yield Ground(
            settings=settings,
            clock=clock,
            catalog=catalog,
            register=register,
            lawbook=lawbook,
            actions=actions,
            redis=redis,
            queue=queue,
            showings=showings,
            follow=follow,
            journal=Journal(redis, on_append=follow.event),
            memory=await stack.enter_async_context(opened),
        )


async def _redis_url(stack: AsyncExitStack, settings: Settings) -> str:
    given = settings.redis
    return given if given is not None else await stack.enter_async_context(embedded_redis(settings.data_dir))

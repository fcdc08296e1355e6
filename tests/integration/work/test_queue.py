"""A worker ends when it is asked to, whatever its Redis does."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.settings import WorkSettings
from bot.work.queue import Place, open_queue
from tests.servers.process import free_port, wait_until
from tests.servers.redis import always_on_disk

SETTINGS = WorkSettings(check_interval_ms=5)
SOON_S = 10


async def test_a_worker_without_work_ends(redis_url: str) -> None:
    stopping = asyncio.Event()
    async with open_queue(redis_url) as queue:
        working = asyncio.create_task(queue.work(SETTINGS, Place.TRIAGE, stopping))
        await until_listed(redis_url)
        stopping.set()
        await asyncio.wait_for(working, SOON_S)


async def test_a_worker_that_is_asked_before_it_began_ends(redis_url: str) -> None:
    stopping = asyncio.Event()
    stopping.set()
    async with open_queue(redis_url) as queue:
        await asyncio.wait_for(queue.work(SETTINGS, Place.TRIAGE, stopping), SOON_S)


async def test_a_worker_whose_redis_is_gone_ends(tmp_path: Path) -> None:
    async with losing_its_redis(free_port(), tmp_path) as (working, stopping):
        stopping.set()
        await asyncio.wait_for(working, SOON_S)


async def test_a_worker_whose_redis_came_back_ends(tmp_path: Path) -> None:
    port = free_port()
    async with losing_its_redis(port, tmp_path) as (working, stopping):
        with always_on_disk(port, tmp_path):
            stopping.set()
            await asyncio.wait_for(working, SOON_S)


@asynccontextmanager
async def losing_its_redis(port: int, folder: Path) -> AsyncIterator[tuple[asyncio.Task[None], asyncio.Event]]:
    """A worker whose Redis was killed under it, and what asks it to end."""
    url = f"redis://127.0.0.1:{port}/0"
    stopping = asyncio.Event()
    with always_on_disk(port, folder) as redis:
        async with open_queue(url) as queue:
            working = asyncio.create_task(queue.work(SETTINGS, Place.TRIAGE, stopping))
            await until_listed(url)
            redis.send_signal(signal.SIGKILL)
            redis.wait()
            yield working, stopping


async def until_listed(url: str) -> None:
    """Until a worker has said in Redis that it is there."""
    async with Redis.from_url(url) as redis:

        async def listed() -> bool:
            try:
                return bool(await redis.zcard(f"{Place.TRIAGE.value}:workers"))
            except RedisError:
                return False

        await wait_until(listed, what="the worker")

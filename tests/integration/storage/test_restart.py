"""A bot that was killed starts again at once, and says where its Redis would forget."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from bot.storage import connect, embedded_redis, keeps, keeps_every_write

PARENT = """
import asyncio, sys
from pathlib import Path
from bot.storage import connect, embedded_redis

async def main():
    async with embedded_redis(Path(sys.argv[1])) as url, connect(url) as redis:
        await redis.ping()
        print("READY", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_a_bot_that_was_killed_does_not_stand_in_its_own_way(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        parent.stdout.readline()
        parent.send_signal(signal.SIGKILL)
        parent.wait()
    async with embedded_redis(tmp_path) as url, connect(url) as redis:
        assert await redis.ping()


async def test_the_private_one_keeps_what_it_acknowledges(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path) as url, connect(url) as redis:
        assert await keeps(redis)
        assert await keeps_every_write(redis)


async def test_one_that_writes_once_a_second_is_told_from_one_that_writes_at_once(redis_url: str) -> None:
    async with connect(redis_url) as redis:
        now = str((await redis.config_get("appendfsync"))["appendfsync"])
        await redis.config_set("appendfsync", "everysec")
        try:
            assert not await keeps_every_write(redis)
        finally:
            await redis.config_set("appendfsync", now)


async def test_one_that_writes_nothing_down_is_known(redis_url: str) -> None:
    async with connect(redis_url) as redis:
        await redis.config_set("appendonly", "no")
        try:
            assert not await keeps(redis)
        finally:
            await redis.config_set("appendonly", "yes")

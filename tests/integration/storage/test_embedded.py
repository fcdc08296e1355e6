"""The private Redis: durable, exclusive, gone with its parent."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import Misconfigured
from bot.storage import attached_redis, connect, embedded_redis, require_usable
from tests.servers.process import wait_until

PARENT = """
import asyncio, sys
from pathlib import Path
from bot.storage import connect, embedded_redis

async def main():
    async with embedded_redis(Path(sys.argv[1])) as url, connect(url) as redis:
        await redis.set("kept", "yes")
        print(await redis.info("server"), flush=True)
        print("READY", (await redis.info("server"))["process_id"], flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path) as url, connect(url) as redis:
        assert await require_usable(redis)
        await redis.set("kept", "yes")
    async with embedded_redis(tmp_path) as url, connect(url) as redis:
        assert await redis.get("kept") == "yes"


async def test_a_second_one_on_the_same_folder_is_refused_with_the_way_out(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path):
        with pytest.raises(Misconfigured, match="NIGHTDESK_DATA_DIR"):
            async with embedded_redis(tmp_path):
                raise AssertionError("two servers on one folder")


async def test_whoever_only_looks_shares_the_running_one(tmp_path: Path) -> None:
    async with embedded_redis(tmp_path) as url, connect(url) as redis:
        await redis.set("kept", "yes")
        async with attached_redis(tmp_path) as same, connect(same) as other:
            assert await other.get("kept") == "yes"
        assert await redis.ping()
    async with attached_redis(tmp_path) as own, connect(own) as redis:
        assert await redis.get("kept") == "yes"


async def test_a_long_path_does_not_matter(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    async with embedded_redis(deep) as url, connect(url) as redis:
        assert await redis.ping()


async def test_it_ends_when_its_parent_is_killed_and_the_folder_is_free_again(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        ready = next(line for line in parent.stdout if line.startswith("READY"))
        child = int(ready.split()[1])
        parent.send_signal(signal.SIGKILL)
        parent.wait()

    async def gone() -> bool:
        return not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]

    await wait_until(gone, what="the end of the orphaned Redis")
    async with embedded_redis(tmp_path) as url, connect(url) as redis:
        assert await redis.get("kept") == "yes"


async def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Misconfigured, match="NIGHTDESK_DATA_DIR"):
        async with embedded_redis(tmp_path / "file"):
            raise AssertionError("a folder inside a file")

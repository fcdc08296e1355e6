"""A real Redis: one server for the session, an empty one for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from tests.servers.process import accepts, free_port, running


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a redis-server that lives as long as the session."""
    folder: Path = tmp_path_factory.mktemp("redis")
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: run scripts/test, which installs it"
    port = free_port()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
               "--appendonly", "yes", "--appendfsync", "everysec"]  # fmt: skip
    with running(command, log=folder / "log", ready=lambda: accepts(port)):
        yield f"redis://127.0.0.1:{port}/0"


@pytest.fixture
async def redis_url(redis_server: str) -> str:
    """The URL of an empty Redis."""
    async with Redis.from_url(redis_server) as redis:
        await redis.flushall()
    return redis_server

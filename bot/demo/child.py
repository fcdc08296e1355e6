"""A child process that ends with its parent, however the parent ends."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bot.errors import Misconfigured

PR_SET_PDEATHSIG = 1
PATIENCE_S = 5.0


@asynccontextmanager
async def child(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: int | None = None,
    farewell: signal.Signals = signal.SIGTERM,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a command until the block ends. Its stdout is a pipe, its stderr is added to the file `log`.

    Args:
        env: added to this process's own environment.
        user: the numeric user and group id to run as; only root can choose.
        farewell: the signal that asks it to stop; it is killed when it has not after five seconds.
    """
    with log.open("ab") as output:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=output,
            env={**os.environ, **(env or {})},
            cwd=log.parent if user is not None else None,  # another user may not be allowed to stand where we do
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            process_group=0,  # Ctrl-C at the terminal is for the parent, which then stops its children in order
            preexec_fn=_dies_with(os.getpid(), farewell) if sys.platform == "linux" else None,
        )
    try:
        yield process
    finally:
        await asyncio.shield(_stop(process, farewell))


async def announced(process: asyncio.subprocess.Process, log: Path, *, within_s: float = 20) -> str:
    """The first line that a child says on stdout: that it is ready, and where.

    Raises:
        Misconfigured: it ended or stayed silent; with the last words of its log.
    """
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), within_s)
    except TimeoutError:
        line = b""
    if not line:
        raise Misconfigured(f"A part of the demo did not start; its log {log} ends with:\n{last_words(log)}")
    return line.decode().strip()


def last_words(log: Path) -> str:
    """The end of a log."""
    return log.read_text(errors="replace")[-1500:] if log.exists() else "(no log)"


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules as a program."""
    return [sys.executable, "-m", name, *arguments]


def _dies_with(parent: int, farewell: signal.Signals) -> Callable[[], None]:
    prctl = ctypes.CDLL(None).prctl

    def before_exec() -> None:
        prctl(PR_SET_PDEATHSIG, int(farewell))
        if os.getppid() != parent:  # it died between the fork and the line above
            os._exit(1)

    return before_exec


async def _stop(process: asyncio.subprocess.Process, farewell: signal.Signals) -> None:
    if process.returncode is None:
        process.send_signal(farewell)
    try:
        await asyncio.wait_for(process.wait(), PATIENCE_S)
    except TimeoutError:
        process.kill()
        await process.wait()

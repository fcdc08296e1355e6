"""The process ends: what waits stops waiting, what works gets a little time, whoever takes it over goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.errors import NightdeskError

T = TypeVar("T")
LEAVING_S = 2.0
"""How long work that is broken off may take to leave things in order."""


class Stopping(NightdeskError):
    """The process ends before the task is done; whoever takes it over does the rest."""


def unless(stopping: asyncio.Event, otherwise: str) -> Callable[[float], Awaitable[None]]:
    """Waits for so many seconds; raises `Stopping` instead when the process ends.

    Args:
        otherwise: what becomes of the task then, for the log.
    """

    async def pause(seconds: float) -> None:
        try:
            await asyncio.wait_for(stopping.wait(), seconds)
        except TimeoutError:
            return
        raise Stopping(f"The process ends: {otherwise}.")

    return pause


async def finished(work: Awaitable[T], stopping: asyncio.Event, grace_s: float) -> T:
    """What the work gives; once the process ends it has `grace_s` seconds left, then it is broken off.

    Raises:
        Stopping: it was broken off.
    """
    working, ending = asyncio.ensure_future(work), asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait((working,), timeout=grace_s)
        if not working.done():
            raise Stopping(
                f"The process ends, and {grace_s:g} s were not enough: what is done is kept, the rest follows."
            )
        return working.result()
    finally:
        ending.cancel()
        if working.cancel():
            await asyncio.wait((working,), timeout=LEAVING_S)

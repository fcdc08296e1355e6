"""The process ends: what waits stops waiting, and whoever takes its task over goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from bot.errors import NightdeskError


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

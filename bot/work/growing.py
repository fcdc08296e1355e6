"""An answer that grows in Slack while it is still being spoken."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import structlog

from bot.errors import NightdeskError
from bot.slack.blocks import Post

log = structlog.get_logger(__name__)


class Growing:
    """Shows the latest state, one at a time: whoever speaks does not wait for Slack's pace.

    At the end of the block what is being shown is shown. Where the block fails, showing ends with it: the next try
    must not find another hand at its message.
    """

    def __init__(self, show: Callable[[Post], Awaitable[None]]) -> None:
        self._show = show
        self._latest: Post | None = None
        self._task: asyncio.Task[None] | None = None

    def show(self, post: Post) -> None:
        """This is what there is now."""
        self._latest = post
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._latest = None
        if self._task is None:
            return
        if error is None:
            await self._task
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while (post := self._latest) is not None:
            self._latest = None
            try:
                await self._show(post)
            except NightdeskError as refused:
                log.info("answer.not_grown", why=str(refused))
                return

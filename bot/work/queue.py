"""Background work on docket: tasks live in Redis, survive the process, and are shared by every replica.

A task is known by its name and a key. While a task of a key is waiting or running, adding it again changes
nothing; its arguments are ids and texts only, since what a task needs to know is in the journal.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from docket import Docket, Worker

from bot.settings import WorkSettings

Task = Callable[..., Awaitable[None]]

NAME = "nightdesk"
"""Prefix of docket's own keys."""


class Queue:
    """Schedules tasks by name."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket

    async def add(self, task: str, *arguments: str, key: str, when: datetime | None = None) -> None:
        """Schedule the task once; durable when this returns."""
        await self._docket.add(task, when=when, key=f"{task}:{key}")(*arguments)

    async def cancel(self, task: str, *, key: str) -> None:
        """Take a task back that has not started."""
        await self._docket.cancel(f"{task}:{key}")

    def register(self, tasks: Sequence[Task]) -> None:
        """Make the tasks known by their function names; a process that only schedules registers them too."""
        for task in tasks:
            self._docket.register(task)

    @asynccontextmanager
    async def worker(self, settings: WorkSettings) -> AsyncIterator[Worker]:
        """A worker on this queue; the caller runs it."""
        async with Worker(
            self._docket,
            concurrency=settings.concurrency,
            redelivery_timeout=timedelta(seconds=settings.lease_s),
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(milliseconds=settings.check_interval_ms),
            scheduling_resolution=timedelta(milliseconds=max(settings.check_interval_ms, 50)),
        ) as worker:
            yield worker


@asynccontextmanager
async def open_queue(redis_url: str) -> AsyncIterator[Queue]:
    """The queue on that Redis."""
    async with Docket(NAME, url=redis_url, execution_ttl=timedelta(minutes=5)) as docket:
        yield Queue(docket)

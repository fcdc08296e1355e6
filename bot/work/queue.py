"""Background work on docket: tasks live in Redis, survive the process, and are shared by every replica.

A task is known by its name and a key. While a task of a key is waiting or running, adding it again changes
nothing; its arguments are ids and texts only, since what a task needs to know is in the journal.

There are three queues, each with workers of its own: a storm of triages or many long watches must not hold up a click,
and what acts on production runs in a process of its own where that is wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from enum import StrEnum

from docket import Docket, Worker

from bot.settings import WorkSettings

Task = Callable[..., Awaitable[None]]

NAME = "nightdesk"
"""Prefix of docket's own keys."""


class Place(StrEnum):
    """A queue."""

    TRIAGE = NAME
    GATE = f"{NAME}-gate"
    WATCH = f"{NAME}-watch"


AT_THE_GATE = ("decide", "expire", "execute", "draft", "standing", "trust", "audit", "say")
PLACES = dict.fromkeys(AT_THE_GATE, Place.GATE) | {"verify": Place.WATCH}
"""Where a task runs, if not in triage."""


class Queue:
    """Schedules tasks by name."""

    def __init__(self, dockets: Mapping[Place, Docket]) -> None:
        self._dockets = dockets

    async def add(self, task: str, *arguments: str, key: str, when: datetime | None = None) -> None:
        """Schedule the task once; durable when this returns."""
        await self._of(task).add(task, when=when, key=f"{task}:{key}")(*arguments)

    async def cancel(self, task: str, *, key: str) -> None:
        """Take a task back that has not started."""
        await self._of(task).cancel(f"{task}:{key}")

    def register(self, tasks: Sequence[Task]) -> None:
        """Make the tasks known by their function names; a process that only schedules registers them too."""
        for task in tasks:
            self._of(task.__name__).register(task)

    async def work(self, settings: WorkSettings, place: Place, stopping: asyncio.Event) -> None:
        """Run what is on that queue until `stopping` is set, then finish what was begun.

        A worker is asked to stop and never cancelled: while Redis is away, its client takes a cancellation for a lost
        connection, and the worker would go on.
        """
        async with Worker(
            self._dockets[place],
            concurrency=settings.concurrency,
            redelivery_timeout=timedelta(seconds=settings.lease_s),
            reconnection_delay=timedelta(seconds=1),
            minimum_check_interval=timedelta(milliseconds=settings.check_interval_ms),
            scheduling_resolution=timedelta(milliseconds=max(settings.check_interval_ms, 50)),
        ) as worker:
            running = asyncio.create_task(worker.run_forever(), name=f"worker of {place}")
            asked = asyncio.create_task(stopping.wait())
            await asyncio.wait((running, asked), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        await running

    def _of(self, task: str) -> Docket:
        return self._dockets[PLACES.get(task, Place.TRIAGE)]


@asynccontextmanager
async def open_queue(redis_url: str) -> AsyncIterator[Queue]:
    """The queues on that Redis."""
    async with AsyncExitStack() as stack:
        yield Queue(
            {
                place: await stack.enter_async_context(
                    Docket(place.value, url=redis_url, execution_ttl=timedelta(minutes=5))
                )
                for place in Place
            }
        )

"""What is worked on when the process ends gets a little time, and is not left half-way without a word."""

from __future__ import annotations

import asyncio

import pytest

from bot.work.stopping import Stopping, finished


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


class Endless:
    """Work that never ends by itself."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.left = False

    async def work(self) -> None:
        try:
            self.begun.set()
            await asyncio.Event().wait()
        finally:
            self.left = True


async def test_work_gives_what_it_gives_also_while_the_process_ends(stopping: asyncio.Event) -> None:
    assert await finished(asyncio.sleep(0, "done"), stopping, 60) == "done"
    stopping.set()
    assert await finished(asyncio.sleep(0, "done"), stopping, 60) == "done"


async def test_an_error_of_the_work_is_its_own(stopping: asyncio.Event) -> None:
    async def fails() -> None:
        raise ConnectionError("away")

    with pytest.raises(ConnectionError, match="away"):
        await finished(fails(), stopping, 60)


async def test_what_is_not_done_in_time_is_broken_off_and_leaves_things_in_order(stopping: asyncio.Event) -> None:
    endless = Endless()
    stopping.set()
    with pytest.raises(Stopping, match="what is done is kept"):
        await finished(endless.work(), stopping, 0)
    assert endless.left


async def test_whoever_is_cancelled_takes_the_work_along(stopping: asyncio.Event) -> None:
    endless = Endless()
    waiting = asyncio.create_task(finished(endless.work(), stopping, 60))
    await endless.begun.wait()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert endless.left

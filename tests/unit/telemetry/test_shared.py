"""What several seats read together is asked of the server once; asking again asks it again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

import pytest

from bot.errors import SourceUnavailable
from bot.models import Window
from bot.settings.sources import LokiSource
from bot.telemetry.loglines import LogLine
from bot.telemetry.logs import Batch, LogSource
from bot.telemetry.shared import log_seats
from bot.telemetry.sources import log_sources
from tests.unit.telemetry.loki import Entry, FakeLoki, ns
from tests.unit.telemetry.servers import HOUR, Answer, Heard, transport

LINES: list[Entry] = [("checkout", ns(20 * place), f"order {place} placed") for place in range(180)]


@asynccontextmanager
async def seats(answer: Answer, count: int = 2) -> AsyncIterator[Sequence[LogSource]]:
    """So many seats at one Loki."""
    settings = LokiSource(kind="loki", url="http://loki.test")
    async with log_sources([settings], transport=transport(answer)) as sources:
        yield [seat for (seat,) in log_seats(sources, count)]


async def texts(source: LogSource, window: Window = HOUR, services: Collection[str] | None = None) -> list[str]:
    """Every message that the source gives."""
    async with aclosing(source.read(window, services)) as batches:
        return [line.message async for batch in batches for line in batch.lines]


def moved(by_s: float) -> Window:
    return Window(start=HOUR.start + timedelta(seconds=by_s), end=HOUR.end + timedelta(seconds=by_s))


async def asked_by_one() -> int:
    """How many requests one reading takes."""
    loki = Heard(FakeLoki(LINES))
    async with seats(loki) as (one, _):
        await texts(one)
    return len(loki.requests)


async def test_seats_that_read_side_by_side_ask_the_server_once() -> None:
    loki = Heard(FakeLoki(LINES))
    async with seats(loki, 3) as three:
        first, *others = await asyncio.gather(*map(texts, three))
    assert len(first) == 180
    assert others == [first, first]
    assert len(loki.requests) == await asked_by_one()


async def test_a_seat_that_comes_a_moment_later_is_given_what_was_read() -> None:
    loki = Heard(FakeLoki(LINES))
    async with seats(loki) as (one, other):
        early, late = await texts(one), await texts(other, moved(by_s=30))
    assert late == early[2:], "what lies before its own stretch is left out"
    assert len(loki.requests) == await asked_by_one()


async def test_the_same_seat_is_never_given_the_same_reading_twice() -> None:
    loki = Heard(FakeLoki(LINES))
    async with seats(loki) as (one, _):
        assert await texts(one) == await texts(one)
    assert len(loki.requests) == 2 * await asked_by_one()


@pytest.mark.parametrize(
    ("window", "services"), [(moved(by_s=300), None), (HOUR, ("checkout",))], ids=["stretch", "services"]
)
async def test_another_question_is_asked_of_the_server(window: Window, services: Collection[str] | None) -> None:
    loki = Heard(FakeLoki(LINES))
    async with seats(loki) as (one, other):
        await texts(one)
        before = len(loki.requests)
        await texts(other, window, services)
    assert len(loki.requests) > before


class Slow:
    """Gives one batch, and the next when it is let."""

    name = "slow"

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.reads = 0
        self.ended = 0

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        del services
        self.reads += 1
        try:
            yield Batch((line("first"),))
            await self.let.wait()
            yield Batch((line("second"),))
        finally:
            self.ended += 1


def line(message: str) -> LogLine:
    return LogLine(at=HOUR.start.timestamp() + 1, service=None, level="info", message=message)


async def first_and_no_more(source: LogSource) -> None:
    """Read until the time is over, which it is after the first batch."""
    async with aclosing(source.read(HOUR)) as batches:
        await anext(batches)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await anext(batches)


async def test_who_runs_out_of_time_takes_nothing_from_who_stays() -> None:
    slow = Slow()
    ((one,), (other,)) = log_seats([slow], 2)
    async with aclosing(other.read(HOUR)) as batches:
        await anext(batches)
        await first_and_no_more(one)
        slow.let.set()
        assert [line.message async for batch in batches for line in batch.lines] == ["second"]
    assert (slow.reads, slow.ended) == (1, 1)


async def test_what_nobody_waits_for_any_more_is_given_up_and_half_of_it_given_to_nobody() -> None:
    slow = Slow()
    ((one,), (other,)) = log_seats([slow], 2)
    await first_and_no_more(one)
    assert (slow.reads, slow.ended) == (1, 1)
    slow.let.set()
    assert await texts(other) == ["first", "second"]
    assert len(asyncio.all_tasks()) == 1


async def test_what_cannot_be_read_is_told_to_every_seat() -> None:
    class Down(Slow):
        async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
            self.reads += 1
            if services is None:
                raise SourceUnavailable("the log server is down")
            yield Batch(())

    down = Down()
    told = await asyncio.gather(*(texts(one) for (one,) in log_seats([down], 2)), return_exceptions=True)
    assert [str(error) for error in told] == ["the log server is down"] * 2
    assert down.reads == 1

"""Reads a server of logs or traces once for all who look through it in the same moment.

Agents of one incident look side by side, and more than one of them reads the lines, or the spans, of the same services
and stretches. Each has a *seat*. What one seat reads is given to the others as it comes; whoever goes first sets the
pace, and a seat that gives up takes nothing from those who stay. A seat is never given the same reading twice: asking
again means asking the server again, which is what a verification does.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar

from bot.models import Window
from bot.telemetry.logs import Batch, LogSource
from bot.telemetry.spans import SpanBatch, SpanSource
from bot.telemetry.tracing import started_in

FRESH_S = 15.0
"""How long after its beginning a reading is given to further seats."""
SAME = 0.02
"""Each end of two stretches that count as one may differ by this part of their length: each agent looks up to 'now'."""
MOST_KEPT = 100_000
"""Lines or spans of one reading that is kept for seats that come later; a longer one is shared while it is read."""
MOST_READINGS = 8
"""Readings that are kept, of all incidents."""

B = TypeVar("B")
B_co = TypeVar("B_co", covariant=True)


class _Source(Protocol[B_co]):
    @property
    def name(self) -> str: ...

    def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[B_co, None]: ...


def log_seats(sources: Sequence[LogSource], seats: int) -> tuple[tuple[LogSource, ...], ...]:
    """For each seat all of the sources, shared with the other seats."""
    shared = [Shared(source, _lines_within, lambda batch: len(batch.lines)) for source in sources]
    return tuple(tuple(one.seat() for one in shared) for _ in range(seats))


def span_seats(sources: Sequence[SpanSource], seats: int) -> tuple[tuple[SpanSource, ...], ...]:
    """The same for sources of spans."""
    shared = [Shared(source, _spans_within, lambda batch: len(batch.spans)) for source in sources]
    return tuple(tuple(one.seat() for one in shared) for _ in range(seats))


@dataclass
class _Reading(Generic[B]):
    """One question to the source, and what has come of it so far."""

    stretch: Window
    services: frozenset[str] | None
    began: float
    coming: AsyncGenerator[B, None]
    batches: list[B] = field(default_factory=list)
    size: int = 0
    taken: set[int] = field(default_factory=set)
    """Seats that have been given it."""
    readers: int = 0
    finished: bool = False
    step: asyncio.Task[None] | None = None
    """The next batch on its way; one that failed stays, and fails for every seat."""

    def is_of(self, window: Window, services: frozenset[str] | None) -> bool:
        """Whether that is the same question."""
        slack_s = SAME * window.seconds
        apart_s = (abs((self.stretch.start - window.start).total_seconds()),
                   abs((self.stretch.end - window.end).total_seconds()))  # fmt: skip
        return self.services == services and max(apart_s) <= slack_s

    async def has(self, place: int, size_of: Callable[[B], int]) -> bool:
        """Whether there is a batch of that number, waited for if need be."""
        while place >= len(self.batches) and not self.finished:
            self.step = self.step or asyncio.create_task(self._advance(size_of))
            await asyncio.shield(self.step)  # a seat that gives up must not end what others wait for
        return place < len(self.batches)

    async def _advance(self, size_of: Callable[[B], int]) -> None:
        try:
            batch = await anext(self.coming)
        except StopAsyncIteration:
            self.finished = True
            return
        self.batches.append(batch)
        self.size += size_of(batch)
        self.step = None

    async def end(self) -> None:
        """Ask no more."""
        if self.step is not None:
            self.step.cancel()
            await asyncio.gather(self.step, return_exceptions=True)
        await self.coming.aclose()


class Shared(Generic[B]):
    """One source with several seats.

    Args:
        within: the part of a batch that lies in a window.
        size_of: how much a batch holds, in lines or spans.
    """

    def __init__(self, source: _Source[B], within: Callable[[B, Window], B], size_of: Callable[[B], int]) -> None:
        self.name = source.name
        self._source = source
        self._within = within
        self._size_of = size_of
        self._readings: list[_Reading[B]] = []
        self._seats = 0

    def seat(self) -> Seat[B]:
        """One more place to read from."""
        self._seats += 1
        return Seat(self, self._seats)

    async def read(self, seat: int, window: Window, services: Collection[str] | None) -> AsyncGenerator[B, None]:
        """What the source gives, or is giving to another seat."""
        reading = self._joined(seat, window, services)
        reading.readers += 1
        place = 0
        try:
            while await reading.has(place, self._size_of):
                yield self._within(reading.batches[place], window)
                place += 1
        finally:
            reading.readers -= 1
            if not reading.readers:
                await self._leave(reading)

    def _joined(self, seat: int, window: Window, services: Collection[str] | None) -> _Reading[B]:
        wanted = frozenset(service.casefold() for service in services) if services is not None else None
        now = asyncio.get_running_loop().time()
        self._readings = [one for one in self._readings if one.readers or now - one.began <= FRESH_S]
        for reading in self._readings:
            if seat not in reading.taken and now - reading.began <= FRESH_S and reading.is_of(window, wanted):
                reading.taken.add(seat)
                return reading
        reading = _Reading(window, wanted, now, self._source.read(window, services), taken={seat})
        self._readings = [*self._readings[-MOST_READINGS + 1 :], reading]
        return reading

    async def _leave(self, reading: _Reading[B]) -> None:
        """Nobody reads it any more: it is kept while it is whole, small enough, and some seat may come for it."""
        whole = reading.finished and reading.size <= MOST_KEPT and len(reading.taken) < self._seats
        if whole and reading in self._readings:
            asyncio.get_running_loop().call_later(FRESH_S, self._forget, reading)
        else:
            self._forget(reading)
            await reading.end()

    def _forget(self, reading: _Reading[B]) -> None:
        self._readings = [one for one in self._readings if one is not reading]


class Seat(Generic[B]):
    """A source like the one that is shared: a `LogSource` or a `SpanSource`."""

    def __init__(self, shared: Shared[B], number: int) -> None:
        self.name = shared.name
        self._shared = shared
        self._number = number

    def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[B, None]:
        """As the source itself."""
        return self._shared.read(self._number, window, services)


def _lines_within(batch: Batch, window: Window) -> Batch:
    """A line that tells no time is within."""
    start, end = window.start.timestamp(), window.end.timestamp()
    return replace(batch, lines=tuple(line for line in batch.lines if line.at is None or start <= line.at < end))


def _spans_within(batch: SpanBatch, window: Window) -> SpanBatch:
    return replace(batch, spans=started_in(window, batch.spans))

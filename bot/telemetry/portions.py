"""Reads a log server in fair portions: each service has its own, so that a loud one does not hide a quiet one.

The server first counts. A service that has few lines is read whole. Of one that has many, each slice of the stretch
gives its first lines, of those that alarm and of the calm ones apart; each line then stands for as many as the count
says, so rates stay right.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Collection, Coroutine, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal, Protocol, TypeVar

from bot.errors import SourceUnavailable
from bot.models import Window
from bot.telemetry.loglines import LogLine
from bot.telemetry.logs import LEAST, MOST_SERVICES, QUOTA, Batch

SLICES = 6
AT_ONCE = 4
"""Questions that one server is asked at a time."""
ALARMS = r"(?i)error|exception|fatal|panic|critical|traceback|severe|fail|timeout|timed out|refused"
"""What `logs.alarming` looks for, as a regular expression that servers know (RE2)."""

Crowd = Literal["all", "alarming", "calm"]
Counts = Mapping[str, Sequence[int]]
"""Service → lines in each slice."""

T = TypeVar("T")


@dataclass(frozen=True)
class Portion:
    """What is asked of the server: at most so many lines of one service, oldest first."""

    service: str
    """By the server's own name."""
    stretch: Window
    most: int
    crowd: Crowd = "all"
    count: int | None = None
    """How many lines there are, where they were counted."""


class LogServer(Protocol):
    """A server that can name its services, count their lines, and give them."""

    @property
    def name(self) -> str:
        """How gaps name it."""

    async def services(self, window: Window) -> Sequence[str]:
        """The names of all services that logged in the window, as far as the server tells."""

    async def counts(self, services: Sequence[str], slices: Sequence[Window], crowd: Crowd) -> Counts:
        """How many lines of each service lie in each of these slices, which follow each other and are of one length."""

    def pages(self, portion: Portion) -> AsyncGenerator[Batch, None]:
        """The portion's lines, oldest first, in as many batches as it takes."""


class ServerLogs:
    """A log source that reads from a server."""

    def __init__(self, server: LogServer, *, quota: int = QUOTA) -> None:
        self._server = server
        self._quota = quota
        self.name = server.name

    async def services(self, window: Window) -> Sequence[str]:
        """The services that logged in the window.

        Raises:
            SourceUnavailable: the server does not answer, or names none.
        """
        known = await self._server.services(window)
        if not known:
            raise SourceUnavailable(f"{self.name} names no service in this stretch: is the label or field right?")
        return known

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        """The lines of the window.

        Raises:
            SourceUnavailable: as `services`.
        """
        known = await self.services(window)
        wanted = {service.casefold() for service in services} if services is not None else None
        chosen = [service for service in known if wanted is None or service.casefold() in wanted]
        if len(chosen) > MOST_SERVICES:
            yield Batch((), (f"of {len(chosen)} services only {MOST_SERVICES} were read.",))
        async with aclosing(self._portions(window, chosen[:MOST_SERVICES])) as batches:
            async for batch in batches:
                yield batch

    async def _portions(self, window: Window, services: Sequence[str]) -> AsyncGenerator[Batch, None]:
        if not services:
            return
        quota = max(LEAST, self._quota // len(services))
        slices = sliced(window)
        try:
            counts = await self._server.counts(services, slices, "all")
            loud = [service for service in services if sum(counts.get(service, ())) > quota]
            alarms = await self._server.counts(loud, slices, "alarming") if loud else {}
        except SourceUnavailable as error:
            yield Batch((), (f"its lines could not be counted, so rates are too low: {error}",))
            portions = [_uncounted(service, part, quota) for part in slices for service in services]
        else:
            portions = [portion for service in services if service not in loud
                        if (portion := _whole(service, window, counts.get(service, ())))]  # fmt: skip
            portions += [portion for place, part in enumerate(slices) for service in loud
                         for portion in _parts(service, part, quota, counts[service][place],
                                               _at(alarms.get(service, ()), place))]  # fmt: skip
        async with aclosing(together([self._read(portion) for portion in portions])) as batches:
            async for batch in batches:
                yield batch

    async def _read(self, portion: Portion) -> Batch:
        lines: list[LogLine] = []
        gaps: list[str] = []
        try:
            async with aclosing(self._server.pages(portion)) as pages:
                async for page in pages:
                    lines += page.lines
                    gaps += page.gaps
        except SourceUnavailable as error:
            gaps.append(f"of {portion.service}: {error}")
        return Batch(tuple(_weighed(lines, portion)), tuple(gaps))


def sliced(window: Window, slices: int = SLICES) -> list[Window]:
    """The window in parts of one length, in whole milliseconds."""
    step = timedelta(milliseconds=max(1, round(window.seconds * 1000 / slices)))
    starts = [window.start + place * step for place in range(slices)]
    return [Window(start=start, end=start + step) for start in starts[:-1]] + [Window(start=starts[-1], end=window.end)]


def _whole(service: str, window: Window, counts: Sequence[int]) -> Portion | None:
    count = sum(counts)
    return Portion(service, window, 2 * count + 100, count=None) if count else None  # more may come while we look


def _parts(service: str, part: Window, quota: int, count: int, alarms: int) -> Iterable[Portion]:
    most = max(1, quota // (2 * SLICES))
    if alarms:
        yield Portion(service, part, most, "alarming", alarms)
    if count > alarms:
        yield Portion(service, part, most, "calm", count - alarms)


def _uncounted(service: str, part: Window, quota: int) -> Portion:
    return Portion(service, part, max(1, quota // SLICES))


def _weighed(lines: Sequence[LogLine], portion: Portion) -> Iterable[LogLine]:
    """Lines that stand for more than themselves are no whole requests any more."""
    if portion.count is None or len(lines) < portion.most or portion.count <= len(lines):
        return lines
    weight = portion.count / len(lines)
    return (replace(line, weight=weight, trace=None) for line in lines)


def _at(counts: Sequence[int], place: int) -> int:
    return counts[place] if place < len(counts) else 0


async def together(work: Sequence[Coroutine[Any, Any, T]], at_once: int = AT_ONCE) -> AsyncGenerator[T, None]:
    """The results as they come, a few pieces of work at a time; the rest is cancelled when nobody asks any more."""
    turn = asyncio.Semaphore(at_once)

    async def in_turn(piece: Awaitable[T]) -> T:
        async with turn:
            return await piece

    tasks = [asyncio.create_task(in_turn(piece)) for piece in work]
    try:
        for finished in asyncio.as_completed(tasks):
            yield await finished
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for piece in work:
            piece.close()

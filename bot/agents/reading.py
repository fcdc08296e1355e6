"""Reading spans and lines of a stretch whole, from several sources, with gaps for what could not be read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing
from typing import Protocol, TypeVar

from bot.agents.scope import Scope
from bot.errors import SourceUnavailable
from bot.models import Gap
from bot.unanswered import LATE

B = TypeVar("B", bound="_Batch")
T = TypeVar("T")


class _Batch(Protocol):
    @property
    def gaps(self) -> tuple[str, ...]: ...


class _Named(Protocol):
    @property
    def name(self) -> str: ...


S = TypeVar("S", bound=_Named)


async def whole(
    sources: Iterable[S],
    read: Callable[[S], AsyncGenerator[B, None]],
    taken: Callable[[B], Sequence[T]],
    within_s: float,
) -> tuple[list[T], list[Gap]]:
    """Everything that the sources give of one stretch within the time, and what they did not give.

    All are read at once: one that hangs costs the others nothing.
    """
    read_of = await asyncio.gather(*(_one(source, read, taken, within_s) for source in sources))
    return [item for found, _ in read_of for item in found], [gap for _, gaps in read_of for gap in gaps]


async def _one(
    source: S, read: Callable[[S], AsyncGenerator[B, None]], taken: Callable[[B], Sequence[T]], within_s: float
) -> tuple[list[T], list[Gap]]:
    found: list[T] = []
    gaps: list[Gap] = []
    try:
        async with asyncio.timeout(within_s), aclosing(read(source)) as batches:
            async for batch in batches:
                found += taken(batch)
                gaps += [Gap(source=source.name, reason=reason) for reason in batch.gaps]
    except SourceUnavailable as error:
        gaps.append(Gap(source=source.name, reason=str(error)))
    except TimeoutError:
        gaps.append(Gap(source=source.name, reason=f"there was no time to read everything ({LATE})"))
    return found, gaps


def spoken(scope: Scope) -> list[str] | None:
    """Names and aliases of the incident's service and of what it stands on; None, for all, where it is not known."""
    if not scope.service:
        return None
    known = scope.catalog.services
    return [
        name
        for service in scope.neighbourhood
        for name in (service, *(known[service].aliases if service in known else ()))
    ]

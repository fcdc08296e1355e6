"""Earlier readings of running totals, kept so that later ones have something to be compared with."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

Pause = Callable[[float], Awaitable[None]]

KEPT_S = 3600.0
"""How far back totals are compared."""
LATELY_S = 60.0
APART_S = 240.0
"""Readings nearer to the one before are not kept: many looks at one incident must not push out how it was before."""


class Reading(Protocol):
    """Totals at one moment."""

    @property
    def at(self) -> datetime:
        """The server's or our clock."""


R = TypeVar("R", bound=Reading)


class Readings(Generic[R]):
    """The readings of one server's last hour, a few minutes apart."""

    def __init__(self) -> None:
        self._kept: deque[R] = deque()

    def add(self, reading: R) -> None:
        """Keep it, unless the last one is nearly as new; drop what is too old to compare with."""
        while self._kept and _apart_s(self._kept[0], reading) > KEPT_S:
            self._kept.popleft()
        if not self._kept or _apart_s(self._kept[-1], reading) >= APART_S:
            self._kept.append(reading)

    def before(self, reading: R) -> R | None:
        """The oldest one that was taken before and is not too old."""
        return next((kept for kept in self._kept if kept.at < reading.at and _apart_s(kept, reading) <= KEPT_S), None)

    def lately(self, reading: R) -> R | None:
        """The newest one that was taken a minute before or more."""
        return next((kept for kept in reversed(self._kept) if _apart_s(kept, reading) >= LATELY_S), None)


@dataclass(frozen=True)
class Spans(Generic[R]):
    """Two readings a moment apart and, where there are any, the newest and the oldest from earlier."""

    first: R
    last: R
    earlier: R | None
    lately: R | None = None

    @property
    def pairs(self) -> tuple[tuple[R, R], ...]:
        """From when to when can be compared, the shortest stretch first.

        What began a minute ago drowns in an hour, and what happens once a minute is not seen in a second.
        """
        before = [self.first]
        if self.lately is not None and self.lately is not self.earlier:
            before.append(self.lately)
        if self.earlier is not None:
            before.append(self.earlier)
        return tuple((reading, self.last) for reading in before)

    @property
    def longest(self) -> tuple[R, R]:
        """The longest stretch that there is."""
        return self.pairs[-1]


class Sample(Generic[R]):
    """Takes two readings, at least `over_s` apart; what is done in between costs no extra time.

    Args:
        read: takes one.
        kept: earlier ones; these are added.
        clock: seconds that only go forward.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[R]],
        kept: Readings[R],
        *,
        over_s: float,
        pause: Pause,
        clock: Callable[[], float],
    ) -> None:
        self._read = read
        self._kept = kept
        self._over_s = over_s
        self._pause = pause
        self._clock = clock
        self._first: R | None = None
        self._begun = 0.0
        self._spans: Spans[R] | None = None

    async def begin(self) -> R:
        """The first reading."""
        if self._first is None:
            self._first = await self._read()
            self._begun = self._clock()
        return self._first

    async def spans(self) -> Spans[R]:
        """Both, the second taken when it is asked for first."""
        if self._spans is None:
            first = await self.begin()
            await self._pause(max(0.0, self._over_s - (self._clock() - self._begun)))
            last = await self._read()
            earlier = self._kept.before(first)
            self._spans = Spans(first, last, earlier, self._kept.lately(first) if earlier else None)
            self._kept.add(first)
        return self._spans


def span_s(pair: tuple[R, R]) -> float:
    """How long the stretch is, never nothing."""
    return max(0.001, _apart_s(*pair))


def _apart_s(one: Reading, other: Reading) -> float:
    return (other.at - one.at).total_seconds()

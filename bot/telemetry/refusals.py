"""Since when a database refuses us for want of connections: one that is full answers no question about itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from bot.errors import ConnectionsExhausted

Clock = Callable[[], datetime]


class Refusals:
    """Remembers the first of the refusals that followed on each other.

    Args:
        clock: our clock, in UTC.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.since: datetime | None = None
        """When we were refused first; None while we are let in."""

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around connecting: being let in ends the refusals."""
        try:
            yield
        except ConnectionsExhausted:
            self.since = self.since or self._clock()
            raise
        self.since = None

"""What the alert door hands its alerts to: durable first, sorted right after.

In calm, the answer waits the moment that sorting takes and says where each alert went. When many come within a second
it does not wait: they are durable, and `queued` says that they will be sorted. Before the spool would grow past its
bound, senders are told to come again: nothing that was acknowledged is ever dropped to make room.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Sequence

from bot.errors import Overloaded
from bot.incidents.spool import Spool, Spooled
from bot.models import Alert, Receipt

CALM = 16
"""Alerts that this process takes within a second; with more, nobody waits for an answer."""
PATIENCE_S = 2.0
LOOK_AFTER = 200
"""How many alerts are taken before the length of the spool is asked again: replicas fill it too."""
SLOWEST, FASTEST = 60, 1
"""Seconds that a sender is told to wait."""


class Reception:
    """Takes alerts in.

    Args:
        owner: names this process among those that sort.
        most_spooled: alerts that may wait for their place; the bound of what a storm takes in memory.
        sorted_per_s: about how many a second find their place, for what senders are told.
    """

    def __init__(self, spool: Spool, *, owner: str, most_spooled: int, sorted_per_s: float = 500) -> None:
        self._spool = spool
        self._owner = owner
        self._most = most_spooled
        self._sorted_per_s = sorted_per_s
        self._numbers = itertools.count()
        self._waiting: dict[str, asyncio.Future[Receipt]] = {}
        self._lately: deque[tuple[float, int]] = deque()
        self._came = 0
        self._length = 0
        self._taken = LOOK_AFTER

    async def accept(self, alerts: Sequence[Alert]) -> list[Receipt]:
        """Make all of them durable; where each went, as far as that is known at once.

        Raises:
            Overloaded: too many wait already; none of these was taken.
            RedisError: they could not be stored.
        """
        await self._make_room(len(alerts))
        tickets = [f"{self._owner}/{next(self._numbers)}" for _ in alerts]
        calm = self._is_calm(len(alerts))
        places = {ticket: asyncio.get_running_loop().create_future() for ticket in tickets} if calm else {}
        self._waiting.update(places)
        try:
            await self._spool.add(alerts, tickets)
            if places:
                await asyncio.wait(places.values(), timeout=PATIENCE_S)
            return [_answer(alert, places.get(ticket)) for alert, ticket in zip(alerts, tickets, strict=True)]
        finally:
            for ticket in places:
                self._waiting.pop(ticket, None)

    def sorted(self, one: Spooled, receipt: Receipt) -> None:
        """An alert has its place: whoever waits for it here hears of it."""
        self._length = max(0, self._length - 1)
        place = self._waiting.get(one.ticket)
        if place and not place.done():
            place.set_result(receipt)

    def _is_calm(self, count: int) -> bool:
        """Whether few alerts came within the last second, these included."""
        now = asyncio.get_running_loop().time()
        while self._lately and self._lately[0][0] < now - 1:
            self._came -= self._lately.popleft()[1]
        self._lately.append((now, count))
        self._came += count
        return self._came <= CALM

    async def _make_room(self, count: int) -> None:
        self._taken += count
        if self._taken > LOOK_AFTER or self._length + count > self._most:
            self._length, self._taken = await self._spool.length(), 0
        if self._length + count > self._most:
            wait_s = min(SLOWEST, max(FASTEST, round(self._length / self._sorted_per_s)))
            raise Overloaded(f"{self._length} alerts wait to be sorted, as many as may.", retry_after_s=wait_s)
        self._length += count


def _answer(alert: Alert, place: asyncio.Future[Receipt] | None) -> Receipt:
    if place and place.done():
        return place.result()
    return Receipt(fingerprint=alert.fingerprint, outcome="queued")

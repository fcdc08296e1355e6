"""Who stands beside whom: the message before and after each message of the same talk."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np

from bot.memory.columns import Column, Floats, Rows

Lane = tuple[int, str | None]
"""A channel's main flow, or one of its threads."""
NOBODY = -1


class Timeline:
    """Rows in the order of time, lane by lane.

    In the main flow of a channel a pause of more than `pause_s` ends a session; a thread is one session.
    """

    def __init__(self, *, pause_s: float) -> None:
        self._pause_s = pause_s
        self._lanes: dict[Lane, list[tuple[float, int]]] = {}
        self._before = Column(np.int32, fill=NOBODY)
        self._after = Column(np.int32, fill=NOBODY)

    @property
    def before(self) -> Rows:
        """For each row the row before it in its session, or -1."""
        return self._before.view

    @property
    def after(self) -> Rows:
        """For each row the row after it in its session, or -1."""
        return self._after.view

    def spread(self, rows: Rows, counts: Floats, reaches: Sequence[int]) -> list[Floats]:
        """For each reach: what every row has within so many messages of its session, on both sides, itself included."""
        sums = np.zeros(len(self._before), dtype=np.float32)
        sums[rows] = counts
        spread: list[Floats] = []
        ahead, behind = (rows, counts), (rows, counts)
        for step in range(1, max(reaches) + 1):
            ahead, behind = _walk(ahead, self.after), _walk(behind, self.before)
            for reached, carried in (ahead, behind):
                sums[reached] += carried  # a row follows one row only, so no place is named twice
            if step in reaches:
                spread.append(sums.copy())
        return spread

    def add(self, row: int, lane: Lane, at: float) -> None:
        """Put a row in its place."""
        while len(self._before) <= row:
            self._before.append(NOBODY)
            self._after.append(NOBODY)
        members = self._lanes.setdefault(lane, [])
        insort(members, (at, row))
        place = bisect_left(members, (at, row))
        self._join(lane, place - 1, place)
        self._join(lane, place, place + 1)

    def remove(self, row: int, lane: Lane, at: float) -> None:
        """Take a row out and close the gap."""
        members = self._lanes[lane]
        place = bisect_left(members, (at, row))
        del members[place]
        self._before[row] = self._after[row] = NOBODY
        self._join(lane, place - 1, place)
        if not members:
            del self._lanes[lane]

    def latest(self, lane: Lane, count: int, *, until: float = float("inf")) -> list[int]:
        """The last rows of a lane, oldest first."""
        members = self._lanes.get(lane, [])
        end = bisect_left(members, (until, NOBODY))
        return [row for _, row in members[max(0, end - count) : end]]

    def _join(self, lane: Lane, earlier: int, later: int) -> None:
        members = self._lanes[lane]
        first = members[earlier] if 0 <= earlier < len(members) else None
        second = members[later] if 0 <= later < len(members) else None
        together = first and second and (lane[1] is not None or second[0] - first[0] <= self._pause_s)
        if first:
            self._after[first[1]] = second[1] if second and together else NOBODY
        if second:
            self._before[second[1]] = first[1] if first and together else NOBODY


def _walk(here: tuple[Rows, Floats], links: Rows) -> tuple[Rows, Floats]:
    """One step along the links; who has nowhere to go stays out."""
    rows, counts = here
    reached = links[rows]
    going = reached != NOBODY
    return reached[going], counts[going]

"""Who stands beside whom: the message before and after each message of the same talk."""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np

from bot.memory.columns import Column, Floats, Rows

Lane = tuple[int, str | None]
"""A channel's main flow, or one of its threads."""
NOBODY = -1
SLOW, BESIDE, LONGEST_PAUSE_S = 3.0, 4, 4 * 3600.0
"""A channel may be slow altogether: a pause up to the longest ends nothing unless it is so many times as long as most
of those beside it, so many on both sides."""
_Place = tuple[float, str, int]
"""When, under which name, which row."""
_SHORT_NUMBER = re.compile(r"(?<!\d)\d{1,5}(?!\d)")


def in_order(name: str) -> str:
    """A message id as text that sorts in the order of its numbers: of messages of one moment, D1:3 is before D1:10."""
    return _SHORT_NUMBER.sub(lambda number: number[0].zfill(6), name)


class Timeline:
    """Rows in the order of time, lane by lane.

    In the main flow of a channel a pause of more than `pause_s` ends a session, unless the channel is that slow; a
    thread is one session.
    """

    def __init__(self, *, pause_s: float) -> None:
        self._pause_s = pause_s
        self._lanes: dict[Lane, list[_Place]] = {}
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

    def __contains__(self, lane: object) -> bool:
        return lane in self._lanes

    def add(self, row: int, lane: Lane, at: float, name: str = "") -> None:
        """Put a row in its place; of rows of one moment the `name` tells the order."""
        while len(self._before) <= row:
            self._before.append(NOBODY)
            self._after.append(NOBODY)
        members = self._lanes.setdefault(lane, [])
        insort(members, (at, name, row))
        place = bisect_left(members, (at, name, row))
        self._join(lane, place - 1, place)
        self._join(lane, place, place + 1)
        self._judge_again(lane, place)

    def remove(self, row: int, lane: Lane, at: float, name: str = "") -> None:
        """Take a row out and close the gap."""
        members = self._lanes[lane]
        place = bisect_left(members, (at, name, row))
        del members[place]
        self._before[row] = self._after[row] = NOBODY
        self._join(lane, place - 1, place)
        self._judge_again(lane, place)
        if not members:
            del self._lanes[lane]

    def beside(self, lane: Lane, at: float, name: str = "") -> list[int]:
        """The rows whose neighbours change when one is put there or taken from there."""
        members = self._lanes.get(lane, [])
        place = bisect_left(members, (at, name, NOBODY))
        return [row for _, _, row in members[max(0, place - 1 - BESIDE) : place + 2 + BESIDE]]

    def alone(self, lane: Lane) -> int | None:
        """The row of a lane that has no other."""
        members = self._lanes.get(lane, [])
        return members[0][2] if len(members) == 1 else None

    def _judge_again(self, lane: Lane, place: int) -> None:
        """Whether the long pauses around a place end something, now that others stand beside them."""
        members = self._lanes[lane]
        for earlier in range(max(0, place - 1 - BESIDE), min(place + 1 + BESIDE, len(members) - 1)):
            if members[earlier + 1][0] - members[earlier][0] > self._pause_s:
                self._join(lane, earlier, earlier + 1)

    def _join(self, lane: Lane, earlier: int, later: int) -> None:
        members = self._lanes[lane]
        first = members[earlier] if 0 <= earlier < len(members) else None
        second = members[later] if 0 <= later < len(members) else None
        together = first and second and (lane[1] is not None or not self._pauses(members, earlier))
        if first:
            self._after[first[2]] = second[2] if second and together else NOBODY
        if second:
            self._before[second[2]] = first[2] if first and together else NOBODY

    def _pauses(self, members: Sequence[_Place], earlier: int) -> bool:
        """Whether the talk ends at that member, and another one begins with the next."""
        gap = members[earlier + 1][0] - members[earlier][0]
        if gap <= self._pause_s or gap > LONGEST_PAUSE_S:
            return gap > self._pause_s
        around = range(max(0, earlier - BESIDE), min(earlier + 1 + BESIDE, len(members) - 1))
        others = sorted(members[one + 1][0] - members[one][0] for one in around if one != earlier)
        return len(others) < BESIDE or gap > SLOW * others[(len(others) - 1) // 2]


def _walk(here: tuple[Rows, Floats], links: Rows) -> tuple[Rows, Floats]:
    """One step along the links; who has nowhere to go stays out."""
    rows, counts = here
    reached = links[rows]
    going = reached != NOBODY
    return reached[going], counts[going]

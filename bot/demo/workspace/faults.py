"""Trouble on order: tests say which call goes wrong next, and how."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import StrEnum


class Trouble(StrEnum):
    """How a call can go wrong."""

    RATE_LIMITED = "429 with Retry-After; nothing was done"
    BROKEN = "500; nothing was done"
    UNAVAILABLE = "503; nothing was done"
    LOST_REQUEST = "the connection breaks before anything was done"
    LOST_ANSWER = "it was done, and then the connection breaks"
    BROKEN_ANSWER = "it was done, and then 503"


class Faults:
    """The troubles that wait, by method."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Trouble]] = {}
        self.retry_after_s = 1

    def next(self, method: str, trouble: Trouble, *, times: int = 1, retry_after_s: int = 1) -> None:
        """The next calls of that method go wrong in that way."""
        self._waiting.setdefault(method, deque()).extend([trouble] * times)
        self.retry_after_s = retry_after_s

    def take(self, method: str) -> Trouble | None:
        """The trouble that this call meets."""
        waiting = self._waiting.get(method)
        return waiting.popleft() if waiting else None


class Quota:
    """Slack's limit on histories for apps outside its marketplace: few messages, once a minute for each method."""

    def __init__(self, clock: Callable[[], float], *, messages: int = 15, every_s: float = 60) -> None:
        self.messages = messages
        self._clock = clock
        self._every_s = every_s
        self._last: dict[str, float] = {}

    def wait_s(self, method: str) -> int | None:
        """How long the caller has to wait; None: it may go on, and this call counts."""
        now = self._clock()
        left = self._last.get(method, -self._every_s) + self._every_s - now
        if left > 0:
            return int(left) + 1
        self._last[method] = now
        return None

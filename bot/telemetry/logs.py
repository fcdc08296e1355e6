"""What every log source gives."""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import Protocol

from bot.models import Window
from bot.telemetry.loglines import LogLine, service_of

QUOTA = 20_000
"""Lines of one read that are taken before thinning starts, apart for alarming and for other lines."""
LEAST = 500
"""Lines of one service that are taken before thinning starts, however many services share the quota."""
MOST_SERVICES = 60


@dataclass(frozen=True, slots=True)
class Batch:
    """Some lines in the order of the source, and what could not be read on the way."""

    lines: tuple[LogLine, ...]
    gaps: tuple[str, ...] = ()


class LogSource(Protocol):
    """Where log lines come from."""

    @property
    def name(self) -> str:
        """How gaps name it."""

    def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        """The lines of the window, oldest first within each file, without blocking the loop.

        `services` (names and aliases, any case) keeps lines of these and lines that name no service.

        Raises:
            SourceUnavailable: nothing can be read at all.
        """


_ALARMS = tuple(b"error exception fatal panic critical traceback severe fail timeout".split())


def alarming(raw: bytes) -> bool:
    """Whether a raw line may tell of trouble: such lines are thinned apart, so that no calm crowd hides them."""
    lowered = raw.lower()
    for word in _ALARMS:  # noqa: SIM110 – of every line of every source: any() costs twice as much
        if word in lowered:
            return True
    return False


def stays(trace: str, stride: int) -> bool:
    """Whether a trace is among those that are kept when one of `stride` is; a doubled stride keeps a part of these."""
    return stride <= 1 or zlib.crc32(trace.encode()) % stride == 0


class Thinning:
    """Takes lines evenly when there are too many: all of the first `quota`, then every 2nd, every 4th, …

    What is taken carries the weight of what was passed over, so counts stay unbiased in bounded work. Lines of one
    trace are taken all or none, so that what is taken of them is still a whole.
    """

    def __init__(self, quota: int) -> None:
        self.quota = quota
        self._taken = 0
        self._seen = 0
        self.stride = 1

    def take(self, trace: str | None = None) -> bool:
        """Whether the next line, of this trace if it has one, is taken; it then stands for `stride` lines."""
        if trace is None:
            self._seen += 1
        if not stays(trace, self.stride) if trace is not None else self._seen % self.stride:
            return False
        self._taken += 1
        if self._taken >= self.quota:
            self._taken, self._seen = 0, 0
            self.stride *= 2
        return True


class Thinnings:
    """A thinning for each service, and within it one for alarming and one for calm lines.

    So neither a loud service nor a calm crowd hides anything. Services share the quota.
    """

    def __init__(self, quota: int = QUOTA) -> None:
        self._quota = quota
        self._of: dict[tuple[bytes | None, bool], Thinning] = {}
        self._services: set[bytes | None] = set()

    def of(self, raw: bytes) -> Thinning:
        """The thinning that decides on this raw line."""
        service = service_of(raw)
        if service not in self._services:
            service = self._met(service)
        key = service, alarming(raw)
        thinning = self._of.get(key)
        if thinning is None:
            thinning = self._of[key] = Thinning(self._share())
        return thinning

    def _met(self, service: bytes | None) -> bytes | None:
        """Count a new service in; beyond so many, further ones are thinned as one."""
        if len(self._services) >= MOST_SERVICES:
            service = None
        self._services.add(service)
        for thinning in self._of.values():
            thinning.quota = self._share()
        return service

    def _share(self) -> int:
        return min(self._quota, max(LEAST, self._quota // max(1, len(self._services))))

"""Log files, plain or gzipped, current or rotated: only the bytes that cover the window are read."""

from __future__ import annotations

import asyncio
import glob
import gzip
import os
from collections.abc import AsyncGenerator, Collection, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO, Self, cast

from bot.errors import SourceUnavailable
from bot.models import Window
from bot.telemetry.loglines import LogLine, parse_line
from bot.telemetry.logs import QUOTA, Batch, Thinnings
from bot.telemetry.stitching import DISORDER_S, Stitching

BATCH_LINES = 2000
"""Raw lines of one turn in the thread: between turns the reader can give up."""
MAX_LINE_BYTES = 1_000_000
MAX_BYTES = 512_000_000
PROBE_BYTES = 65_536


class LogFiles:
    """The files that one configured pattern names.

    Args:
        pattern: a path that may hold `*`, `?` and `**`; what it matches is read only below its fixed part.
        service: for lines that name none.
        quota: lines taken before thinning starts, shared by services, apart for alarming and for other lines.
        max_bytes: read at most; what lies before is named in a gap.
    """

    def __init__(
        self, pattern: str, *, service: str | None = None, quota: int = QUOTA, max_bytes: int = MAX_BYTES
    ) -> None:
        self.name = pattern
        self._service = service
        self._quota = quota
        self._max_bytes = max_bytes

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        """The lines of the window; each batch is read and parsed in a thread.

        Raises:
            SourceUnavailable: the pattern matches no file.
        """
        wanted = {service.casefold() for service in services} if services is not None else None
        batches = self._batches(window)
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            yield batch if wanted is None else replace(batch, lines=tuple(_of(wanted, batch.lines)))

    def _batches(self, window: Window) -> Iterator[Batch]:
        files = self._files()
        if not files:
            raise SourceUnavailable(f"No file matches {self.name}: check the path of this log source.")
        left = self._max_bytes
        thinnings = Thinnings(self._quota)
        for path in files:
            try:
                if path.stat().st_mtime < window.start.timestamp():
                    continue
                with _Extract(path, window, left) as extract:
                    yield from _parsed(extract, window, thinnings, self._service)
                left -= extract.consumed
                gaps = extract.gaps
            except (OSError, EOFError) as error:
                gaps = (f"{path.name} cannot be read: {error}",)
            if gaps:
                yield Batch((), gaps)

    def _files(self) -> list[Path]:
        """Newest first, so that a limit costs the oldest."""
        root = _fixed_part(self.name).resolve()
        found = [Path(name) for name in glob.glob(self.name, recursive=True)]  # noqa: PTH207 – the pattern may be absolute
        inside = [path for path in found if path.is_file() and path.resolve().is_relative_to(root)]
        return sorted(inside, key=lambda path: path.stat().st_mtime, reverse=True)


class _Extract:
    """The part of one file that covers a window."""

    def __init__(self, path: Path, window: Window, max_bytes: int) -> None:
        self._path = path
        self._window = window
        self._max_bytes = max_bytes
        self.modified = datetime.fromtimestamp(path.stat().st_mtime, UTC)
        self.consumed = 0
        self.gaps: tuple[str, ...] = ()

    def __enter__(self) -> Self:
        self._zipped = self._path.suffix == ".gz"
        self._file = cast("BinaryIO", gzip.open(self._path, "rb")) if self._zipped else self._path.open("rb")
        self._end = self._max_bytes if self._zipped else self._seek()
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def lines(self) -> Iterator[bytes]:
        """Raw lines without their line ends."""
        for raw in iter(partial(self._file.readline, MAX_LINE_BYTES), b""):
            self.consumed += len(raw)
            yield raw.rstrip(b"\r\n")
            if self.consumed >= self._end:
                if self._zipped and self._file.read(1):  # what a plain file has behind its window is not missing
                    self._cut("the first")
                return

    def untimed(self) -> None:
        """Say that no line carries a time."""
        self.gaps += (f"{self._path.name} carries no times, so its lines cannot be placed.",)

    def _seek(self) -> int:
        """Go to the first line of the window; how many bytes to read from there."""
        size = os.fstat(self._file.fileno()).st_size
        start = self._bisect(self._window.start.timestamp() - DISORDER_S, size, upper=False)
        end = self._bisect(self._window.end.timestamp() + DISORDER_S, size, upper=True)
        if end - start > self._max_bytes:
            start = end - self._max_bytes
            self._cut("the last")
        self._file.seek(max(0, start - 1))
        if start:
            self._file.readline(MAX_LINE_BYTES)
        return end - start

    def _bisect(self, instant: float, size: int, *, upper: bool) -> int:
        """An offset before which (upper: behind which) no line of the time in question lies, but few others do."""
        low, high = 0, size
        while high - low > PROBE_BYTES:
            middle = (low + high) // 2
            at = self._time_after(middle)
            if upper if at is None else at < instant:
                low = middle
            else:
                high = middle
        return high if upper else low

    def _time_after(self, offset: int) -> float | None:
        self._file.seek(offset)
        probe = self._file.read(PROBE_BYTES)
        for raw in probe.split(b"\n")[1:-1]:
            if (at := parse_line(raw.decode("utf-8", "replace"), now=self.modified).at) is not None:
                return at
        return None

    def _cut(self, what: str) -> None:
        self.gaps += (f"of {self._path.name} only {what} {self._max_bytes:,} bytes of the window were read.",)


def _parsed(extract: _Extract, window: Window, thinnings: Thinnings, service: str | None) -> Iterator[Batch]:
    stitching = Stitching(window, thinnings, service=service, now=extract.modified)
    for number, raw in enumerate(extract.lines(), 1):
        if number % BATCH_LINES == 0:
            yield Batch(stitching.drain())
        stitching.take(raw)
        if stitching.past:
            break
    stitching.finish()
    if stitching.parsed and not stitching.timed:
        extract.untimed()
    yield Batch(stitching.drain())


def _of(wanted: set[str], lines: tuple[LogLine, ...]) -> Iterator[LogLine]:
    return (line for line in lines if line.service is None or line.service.casefold() in wanted)


def _fixed_part(pattern: str) -> Path:
    """The path up to its first wildcard: what a match must lie below."""
    fixed = Path()
    for part in Path(pattern).parts:
        if glob.has_magic(part):
            break
        fixed /= part
    return fixed

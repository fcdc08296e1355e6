"""The systemd journal of one unit, through `journalctl`; the unit is named by the settings alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Collection
from dataclasses import replace

from bot.characters import loads
from bot.errors import SourceUnavailable
from bot.models import Window
from bot.telemetry.loglines import LogLine, as_level, parse_line, trace_of
from bot.telemetry.logs import QUOTA, Batch, Thinning, alarming

CHUNK_BYTES = 262_144
MAX_LINE_BYTES = 1_000_000
FIELDS = "MESSAGE,PRIORITY,__REALTIME_TIMESTAMP"

_SERIOUS = re.compile(rb'"PRIORITY"\s*:\s*"[0-3]"')


class Journal:
    """One unit's journal.

    Args:
        unit: such as payments.service.
        service: for lines that name none.
        quota: lines taken before thinning starts, apart for alarming and for other lines.
        program: found on PATH.
    """

    def __init__(
        self, unit: str, *, service: str | None = None, quota: int = QUOTA, program: str = "journalctl"
    ) -> None:
        self.name = f"journal of {unit}"
        self._unit = unit
        self._service = service
        self._quota = quota
        self._program = program

    async def read(self, window: Window, services: Collection[str] | None = None) -> AsyncGenerator[Batch, None]:
        """The lines of the window.

        Raises:
            SourceUnavailable: journalctl is missing, or ends with an error.
        """
        wanted = {service.casefold() for service in services} if services is not None else None
        process = await self._start(window)
        assert process.stdout is not None
        assert process.stderr is not None
        complaint = asyncio.create_task(process.stderr.read(2000))
        thinnings = (Thinning(self._quota), Thinning(self._quota))
        try:
            tail = b""
            while chunk := await process.stdout.read(CHUNK_BYTES):
                whole, _, tail = (tail + chunk)[-MAX_LINE_BYTES:].rpartition(b"\n")
                lines = await asyncio.to_thread(self._parse, whole.split(b"\n"), thinnings, window)
                yield Batch(tuple(line for line in lines if _is_of(line, wanted)))
            if await process.wait() != 0:
                said = (await complaint).decode("utf-8", "replace").strip() or f"exit status {process.returncode}"
                raise SourceUnavailable(f"journalctl could not read {self._unit}: {said}")
        finally:
            complaint.cancel()
            if process.returncode is None:
                process.kill()
                await process.communicate()  # to the end of the pipes: wait() alone would never see them close

    async def _start(self, window: Window) -> asyncio.subprocess.Process:
        try:
            return await asyncio.create_subprocess_exec(
                self._program,
                "--output=json",
                f"--output-fields={FIELDS}",
                "--no-pager",
                "--quiet",
                f"--since=@{window.start.timestamp():.6f}",
                f"--until=@{window.end.timestamp():.6f}",
                "-u",
                self._unit,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            raise SourceUnavailable(f"{self._program} cannot be started: {error}") from None

    def _parse(self, raw: list[bytes], thinnings: tuple[Thinning, Thinning], window: Window) -> list[LogLine]:
        parsed: list[LogLine] = []
        for line in raw:
            thinning = thinnings[alarming(line) or _SERIOUS.search(line) is not None]
            weight = thinning.stride
            trace = trace_of(line) if weight > 1 else None
            if thinning.take(trace) and (event := self._line(line, weight, trace)) is not None:
                parsed.append(event)
        end = window.end.timestamp()
        return [event for event in parsed if event.at is not None and event.at < end]

    def _line(self, raw: bytes, weight: int, trace: str | None) -> LogLine | None:
        try:
            record = loads(raw)
            at = int(record["__REALTIME_TIMESTAMP"]) / 1e6
            message = _message(record.get("MESSAGE"))
        except (ValueError, KeyError, TypeError):
            return None  # a line cut short by the journal's rotation
        if message is None:
            return None
        inner = parse_line(message, service=self._service)
        level = inner.level if inner.level != "unknown" else as_level(record.get("PRIORITY"))
        return replace(inner, at=at, level=level, weight=float(weight), trace=trace if weight > 1 else inner.trace)


def _message(value: object) -> str | None:
    """Text, or text that is not valid UTF-8 as a list of bytes; null where the field is too large."""
    if isinstance(value, list):
        return bytes(value).decode("utf-8", "replace")
    return value if isinstance(value, str) else None


def _is_of(line: LogLine, wanted: set[str] | None) -> bool:
    return wanted is None or line.service is None or line.service.casefold() in wanted

"""The service's log: one JSON object a line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Journal:
    """Appends lines to a file; each is complete when the call returns."""

    def __init__(self, file: Path, *, service: str, instance: str) -> None:
        self._out = file.open("a", encoding="utf-8", buffering=1)
        self._who = {"service": service, "instance": instance}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._out.close()

    def info(self, message: str, **fields: Any) -> None:
        """Something that is as it should be."""
        self._write("info", message, fields)

    def warning(self, message: str, **fields: Any) -> None:
        """Something to keep an eye on."""
        self._write("warning", message, fields)

    def error(self, message: str, **fields: Any) -> None:
        """Something that failed for a customer."""
        self._write("error", message, fields)

    def _write(self, level: str, message: str, fields: dict[str, Any]) -> None:
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": now, "level": level, **self._who, "message": message, **fields}
        self._out.write(json.dumps(line, ensure_ascii=False) + "\n")

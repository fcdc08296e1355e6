"""The log sources that the settings name."""

from __future__ import annotations

from collections.abc import Iterable

from bot.settings import LogSource as LogSourceSettings
from bot.telemetry.files import LogFiles
from bot.telemetry.journald import Journal
from bot.telemetry.logs import LogSource


def log_sources(configured: Iterable[LogSourceSettings]) -> tuple[LogSource, ...]:
    """One source for each entry of `settings.logs`."""
    return tuple(_source(settings) for settings in configured)


def _source(settings: LogSourceSettings) -> LogSource:
    if settings.kind == "files":
        return LogFiles(str(settings.path), service=settings.service)
    return Journal(str(settings.unit), service=settings.service)

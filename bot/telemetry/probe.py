"""Whether a configured source can be read, and what is to be seen there: for `nightdesk doctor`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from glob import iglob

from bot.errors import SourceUnavailable
from bot.http import Transport
from bot.models import Window
from bot.plural import many
from bot.settings.sources import FilesSource, JournaldSource, LogsKind, TracesKind
from bot.telemetry.kubernetes import PodLogs
from bot.telemetry.portions import ServerLogs
from bot.telemetry.sources import log_sources, span_sources

LATELY = timedelta(minutes=15)
SHOWN = 5


async def logs_seen(settings: LogsKind, now: datetime, *, transport: Transport | None = None) -> str:
    """What a log source shows of late, in words.

    Raises:
        SourceUnavailable: it cannot be read.
    """
    if isinstance(settings, FilesSource):
        files = [path for path in iglob(settings.path, recursive=True) if os.access(path, os.R_OK)]  # noqa: PTH207 - absolute patterns
        if not files:
            raise SourceUnavailable(f"nothing readable at {settings.path}: check the path and its permissions")
        return f"{many(len(files), 'file')} at {settings.path}"
    if isinstance(settings, JournaldSource):
        if shutil.which("journalctl") is None:
            raise SourceUnavailable("journalctl is not on PATH: journals can only be read where systemd runs")
        return f"the journal of {settings.unit}"
    async with log_sources([settings], transport=transport) as (source,):
        assert isinstance(source, ServerLogs | PodLogs)
        return f"{source.name} answers, {named(await source.services(Window(start=now - LATELY, end=now)))}"


async def traces_seen(settings: TracesKind, now: datetime, *, transport: Transport | None = None) -> str:
    """What a source of traces shows of late, in words.

    Raises:
        SourceUnavailable: it cannot be read, or knows no service.
    """
    async with span_sources([settings], transport=transport) as (source,):
        services = await source.services(Window(start=now - LATELY, end=now))
    if not services:
        raise SourceUnavailable(f"{source.name} answers, but has no traces of late")
    return f"{source.name} answers, {named(services)}"


def named(services: Sequence[str]) -> str:
    """How many, and the first of them."""
    more = "" if len(services) <= SHOWN else ", …"
    return f"{many(len(services), 'service')}: {', '.join(services[:SHOWN])}{more}"

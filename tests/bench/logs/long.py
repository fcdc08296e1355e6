"""A long run: how fast, how long the event loop stands still, and how much memory it takes at most."""

from __future__ import annotations

import asyncio
import gc
import json
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from resource import getpagesize

from bot.agents.logs import logs_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.models import Alert, AlertStatus, Window
from bot.settings.sources import FilesSource
from bot.telemetry.sources import log_sources
from bot.telemetry.templates import Templates
from tests.bench.logs.lines import mix

NIGHT = datetime(2026, 3, 4, 3, tzinfo=UTC)
WINDOW = Window(start=NIGHT - timedelta(minutes=15), end=NIGHT)
BASELINE = Window(start=WINDOW.start - timedelta(hours=1), end=WINDOW.start)
SERVICES = ("checkout", "payments", "ledger", "search", "mail")
BLOCK = 20_000
SLICE = 2000


@dataclass
class Watch:
    """What was seen of the process while something ran."""

    pause_s: float = 0.0
    memory: int = 0
    """Bytes over those at the start, at most."""


def resident() -> int:
    """Bytes of memory that the process has."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * getpagesize()


@asynccontextmanager
async def watched() -> AsyncIterator[Watch]:
    """Watch the event loop and the memory, every millisecond."""
    watch, done, start = Watch(), asyncio.Event(), resident()

    async def watching() -> None:
        while not done.is_set():
            began = time.perf_counter()
            await asyncio.sleep(0.001)
            watch.pause_s = max(watch.pause_s, time.perf_counter() - began - 0.001)
            watch.memory = max(watch.memory, resident() - start)

    watcher = asyncio.create_task(watching())
    try:
        yield watch
    finally:
        done.set()
        await watcher


def write(path: Path, lines: int, seed: int) -> None:
    """JSON lines of an hour and a quarter, of five services, two lines a trace."""
    length_s = (WINDOW.end - BASELINE.start).total_seconds()
    with path.open("w", encoding="utf-8") as file:
        for start in range(0, lines, BLOCK):
            made, _ = mix(min(BLOCK, lines - start), seed + start)
            for place, message in enumerate(made, start):
                at = BASELINE.start + timedelta(seconds=length_s * place / lines)
                said = {
                    "service": SERVICES[place // 2 % len(SERVICES)],
                    "trace_id": f"{place // 2:032x}",
                    "msg": message,
                }
                file.write(json.dumps({"time": at.isoformat(), "level": "info", **said}) + "\n")


async def of_templates(path: Path) -> tuple[int, Watch]:
    """The messages of the file, grouped in a thread, slice by slice."""
    templates = Templates()
    done = 0

    def group(file: Iterator[str]) -> int:
        return len(templates.add_all(json.loads(line)["msg"] for line in islice(file, SLICE)))

    async with watched() as watch:
        with path.open(encoding="utf-8") as file:
            while count := await asyncio.to_thread(group, file):
                done += count
    return done, watch


async def of_agent(path: Path) -> tuple[int, Watch]:
    """The whole look of the logs agent, with all the time that it wants."""
    alert = Alert(source="bench", name="Bench", status=AlertStatus.FIRING, fingerprint="f")
    scope = Scope("i", alert, None, Catalog(), WINDOW, BASELINE, deadline_s=3600)
    async with log_sources([FilesSource(kind="files", path=str(path))]) as sources, watched() as watch:
        report = await Toolbox(logs_tools(sources)).use("logs.look", {}, scope)
    return int(report.facts["lines_read"]), watch


async def of_nothing() -> Watch:
    """Ten seconds without work: what the machine itself does to the loop."""
    async with watched() as watch:
        await asyncio.sleep(10)
    return watch


async def long_runs(lines: int, seed: int) -> list[str]:
    """A row of the table for each way to read so many lines."""
    rows: list[str] = []
    gc.collect()
    gc.freeze()  # as `nightdesk serve` does
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "night.jsonl"
        await asyncio.to_thread(write, path, lines, seed)
        for what, work in (("templates alone, with reading the file", of_templates), ("the logs agent", of_agent)):
            began = time.process_time()
            taken, watch = await work(path)
            speed = lines / (time.process_time() - began)
            counted = what if taken == lines else f"{what}; it took {taken:,} of them, thinned evenly"
            rows.append(f"| {counted} | {speed:,.0f} | {watch.pause_s * 1000:.0f} ms | {watch.memory / 1e6:.0f} MB |")
    idle = await of_nothing()
    return [*rows, f"| nothing, for ten seconds | | {idle.pause_s * 1000:.0f} ms | {idle.memory / 1e6:.0f} MB |"]

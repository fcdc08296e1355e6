"""`python -m tests.bench.alerts`: the alert door under load, beside the least that could be done.

First: single alerts over kept connections for some seconds, with Redis writing to disk always and every second. The
baseline in the same run is a bare Starlette endpoint that only writes the body to Redis. Nightdesk's figure counts what
it has also sorted into incidents by then.

Second: 10,000 alerts, 200 fingerprints, 5 causes; then the same with the server, and with Redis, killed half way.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from bot.demo.workspace import Workspace
from bot.incidents import Journal
from bot.incidents.aside import SPOOL
from bot.models import Phase
from bot.storage import connect
from tests.servers.nightdesk import CHANNEL, Nightdesk, nightdesk_running
from tests.servers.process import accepts, free_port, running, wait_until
from tests.servers.storm import Sender, bodies, counted, services

CONNECTIONS = 32
SLACKS_PACE_S = 1.0
CARD = "Everything else is in the thread."


@dataclass(frozen=True)
class Sustained:
    """What one server took in."""

    alerts_per_s: float
    latencies_s: list[float]


@contextmanager
def redis_on_disk(folder: Path, port: int, fsync: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Redis of our own."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing"
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder), "--save", "",
               "--appendonly", "yes", "--appendfsync", fsync]  # fmt: skip
    with running(command, log=folder / "redis.log", ready=lambda: accepts(port)) as process:
        yield process


@asynccontextmanager
async def served(folder: Path, redis_url: str) -> AsyncIterator[tuple[Nightdesk, Workspace]]:
    """Nightdesk on that Redis, in a workspace."""
    catalogue = folder / "storm.yaml"
    catalogue.write_text(services(), encoding="utf-8")
    workspace = Workspace()
    async with workspace.serving():
        more = {"NIGHTDESK_REDIS_URL": redis_url, "NIGHTDESK_SERVICES_FILE": str(catalogue)}
        async with nightdesk_running(folder / "bot", workspace, **more) as bot:
            yield bot, workspace


async def load(port: int, path: str, seconds: float) -> Sustained:
    """Drive one server from a process of its own."""
    arguments = [str(port), path, str(seconds), str(CONNECTIONS)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.alerts.load", *arguments, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    latencies_s = json.loads(printed)
    return Sustained(len(latencies_s) / seconds, latencies_s)


async def sustained(fsync: str, seconds: float) -> dict[str, Sustained]:
    """The bare endpoint and Nightdesk, one after the other, twice."""
    rounds: dict[str, list[Sustained]] = {"bare endpoint": [], "nightdesk": []}
    with tempfile.TemporaryDirectory() as name:
        folder, port, bare = Path(name), free_port(), free_port()
        url = f"redis://127.0.0.1:{port}/0"
        command = [sys.executable, "-m", "tests.bench.alerts.bare", str(bare), url]
        with redis_on_disk(folder, port, fsync), running(command, log=folder / "bare", ready=lambda: accepts(bare)):
            async with served(folder, url) as (bot, _):
                await _warm(bot, url)
                for _ in range(2):
                    rounds["bare endpoint"].append(await load(bare, "/alerts", seconds))
                    rounds["nightdesk"].append(await _sorted_too(bot, url, seconds))
    return {
        name: Sustained(
            sum(one.alerts_per_s for one in found) / len(found), [s for one in found for s in one.latencies_s]
        )
        for name, found in rounds.items()
    }


async def _warm(bot: Nightdesk, url: str) -> None:
    """Every alert once, and the triage that it sets off: what is sustained is the storm after its first seconds."""
    await Sender(_port(bot)).send(list(bodies(1_000, 200)))
    await counted(url)

    async def looked_into() -> bool:
        async with connect(url) as redis:
            journal = Journal(redis)
            phases = {(await journal.read(one)).phase for one in await journal.open_ids()}
        return phases == {Phase.HANDED_OVER}

    await wait_until(looked_into, within_s=240, what="the end of triage")


async def _sorted_too(bot: Nightdesk, url: str, seconds: float) -> Sustained:
    begun = time.perf_counter()
    taken = await load(_port(bot), "/alerts/alertmanager", seconds)

    async def empty() -> bool:
        async with connect(url) as redis:
            return not await redis.xlen(SPOOL)

    await wait_until(empty, within_s=120, what="an empty spool")
    late_s = max(0.0, time.perf_counter() - begun - seconds - 1.0)  # a second is the start of the load's process
    return Sustained(len(taken.latencies_s) / (seconds + late_s), taken.latencies_s)


async def storm(alerts: int, killed: str) -> dict[str, Any]:
    """The bad night; `killed` half way: nothing, the server or redis."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        url = f"redis://127.0.0.1:{port}/0"
        with redis_on_disk(folder, port, "always") as redis:
            async with served(folder, url) as (bot, workspace):
                await _installed(workspace)
                sender, begun = Sender(_port(bot)), time.perf_counter()
                card = asyncio.create_task(_first_card(workspace))
                sending = asyncio.create_task(sender.send(list(bodies(alerts, 200))))
                memory_mb = [0.0]
                watching = asyncio.create_task(_watch(bot, memory_mb))
                if killed == "redis":
                    await _half_way(sender, alerts)
                    redis.send_signal(signal.SIGKILL)
                    redis.wait()
                    with redis_on_disk(folder, port, "always"):
                        found = await _told(sender, sending, url, begun, card)
                        await bot.stop()
                else:
                    if killed == "the server":
                        await _half_way(sender, alerts)
                        await bot.kill()
                        await bot.start()
                    found = await _told(sender, sending, url, begun, card)
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
                return {**found, "memory MB": round(memory_mb[0])}


async def _installed(workspace: Workspace) -> None:
    """A new bot says first that it has read its channel back, and Slack's pace holds what follows up for a second."""
    await workspace.wait_for(lambda: workspace.messages(CHANNEL) or None, within_s=60, what="that it has read back")
    await asyncio.sleep(SLACKS_PACE_S)


async def _told(
    sender: Sender, sending: asyncio.Task[None], url: str, begun: float, card: asyncio.Task[float]
) -> dict[str, Any]:
    await sending
    acknowledged_s = time.perf_counter() - begun
    count = await counted(url)
    return {
        "acknowledged": sender.acknowledged,
        "there afterwards": count.alerts,
        "sent": sender.sent,
        "fingerprints": count.fingerprints,
        "threads": count.incidents,
        "seconds to the last 202": round(acknowledged_s, 1),
        "seconds to the last one sorted": round(time.perf_counter() - begun, 1),
        "seconds to the first card": round(await card - begun, 2),
    }


async def _first_card(workspace: Workspace) -> float:
    await workspace.wait_for(
        lambda: any(CARD in str(said.get("blocks")) for said in workspace.messages(CHANNEL)), within_s=300
    )
    return time.perf_counter()


async def _half_way(sender: Sender, alerts: int) -> None:
    async def there() -> bool:
        return sender.acknowledged > alerts / 2

    await wait_until(there, within_s=300, what="the middle of the storm")


async def _watch(bot: Nightdesk, most_mb: list[float]) -> None:
    """The largest resident size that the server reaches."""
    while True:
        try:
            status = Path(f"/proc/{bot.pid}/status").read_text()
            most_mb[0] = max(most_mb[0], int(status.partition("VmHWM:")[2].split()[0]) / 1024)
        except (AssertionError, OSError, IndexError):  # it is being started again
            pass
        await asyncio.sleep(0.2)


def _port(bot: Nightdesk) -> int:
    return int(bot.url.rpartition(":")[2])


def _row(fsync: str, name: str, taken: Sustained) -> str:
    ms = [1000 * s for s in taken.latencies_s]
    return f"| {fsync} | {name} | {taken.alerts_per_s:,.0f} | {median(ms):.0f} | {quantiles(ms, n=100)[98]:.0f} |"


async def _measure(seconds: float, alerts: int) -> None:
    print(f"\n{platform.machine()}, {platform.python_implementation()} {platform.python_version()}\n")
    print("| appendfsync | server | alerts/s | ack p50 ms | ack p99 ms |\n|---|---|---|---|---|")
    for fsync in ("always", "everysec"):
        taken = await sustained(fsync, seconds)
        for name, one in taken.items():
            print(_row(fsync, name, one))
        ratio = taken["nightdesk"].alerts_per_s / taken["bare endpoint"].alerts_per_s
        print(f"| {fsync} | ratio | {ratio:.2f} | | |", flush=True)
    print(f"\nA storm of {alerts:,} alerts, killed half way:\n")
    found = {killed: await storm(alerts, killed) for killed in ("nothing", "the server", "redis")}
    print("| | " + " | ".join(found) + " |\n|---" * 1 + "|---" * len(found) + "|")
    for name in found["nothing"]:
        print(f"| {name} | " + " | ".join(f"{one[name]:,}" for one in found.values()) + " |")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.alerts", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10, help="of load for each server, twice")
    parser.add_argument("--alerts", type=int, default=10_000, help="of the storm")
    wish = parser.parse_args()
    asyncio.run(_measure(wish.seconds, wish.alerts))


if __name__ == "__main__":
    main()

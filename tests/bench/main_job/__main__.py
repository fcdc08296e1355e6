"""`python -m tests.bench.main_job`: the bot as users run it, beside the least that could be done.

First: alerts one by one, each of a service with a channel of its own, from the request to the card in the channel. The
baseline in the same run is a bare endpoint that appends the body to a Redis stream (`appendfsync always` as well) and
posts one message to the same workspace.

Second: the demo's real failure, again and again: from the accepted alert to the proposal, from the click to the
verified recovery.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import re
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import httpx
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from bot.demo.command import QUIET_S, Stage, staged, until_proposed, until_told
from bot.demo.workspace import MINA, Team, Workspace
from bot.demo.workspace.server import listening
from bot.slack.views.proposal import APPROVE
from bot.storage import connect, embedded_redis
from tests.servers.nightdesk import TOKEN, nightdesk_running

Send = Callable[[int], Awaitable[None]]
OPENED = re.compile(r"^(\S+) .*incident\.event .*kind=(?:re)?opened")


async def cards(count: int) -> dict[str, list[float]]:
    """Seconds from sending an alert to its card in the channel: the bare endpoint, then the bot."""
    with tempfile.TemporaryDirectory() as folder:
        channels = [(f"C{number:05d}", f"service-{number}", "") for number in range(2 * count)]
        workspace = Workspace(team=Team.seeded(channels=channels))
        async with workspace.serving(), httpx.AsyncClient() as client:
            bare = [channel for channel, _, _ in channels[:count]]
            ours = [channel for channel, _, _ in channels[count:]]
            async with _bare(Path(folder), workspace) as url:
                baseline = [await _card(workspace, client, url, {}, number, bare[number]) for number in range(count)]
            services = Path(folder) / "services.yaml"
            services.write_text(_services(ours), encoding="utf-8")
            async with nightdesk_running(
                Path(folder) / "bot", workspace, NIGHTDESK_SERVICES_FILE=str(services), NIGHTDESK_WORK__LEASE_S="30"
            ) as bot:
                door, who = f"{bot.url}/alerts/alertmanager", {"Authorization": f"Bearer {TOKEN}"}
                took = [await _card(workspace, client, door, who, number, ours[number]) for number in range(count)]
    return {"bare endpoint": baseline, "nightdesk": took}


async def failures(rounds: int) -> dict[str, list[float]]:
    """Seconds of the main job on the demo's real failure."""
    to_proposal: list[float] = []
    to_recovery: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with staged(Path(folder), 0) as stage:
            await asyncio.sleep(QUIET_S)
            for _ in range(rounds):
                proposed, recovered = await _failure(stage, Path(folder) / "nightdesk.log")
                to_proposal.append(proposed)
                to_recovery.append(recovered)
    return {"alert to proposal": to_proposal, "approval to told recovery": to_recovery}


async def _failure(stage: Stage, log: Path) -> tuple[float, float]:
    await stage.world.break_it()
    proposal = await until_proposed(stage)
    proposed = datetime.fromtimestamp(float(proposal["ts"]), UTC)
    opened = [match[1] for line in log.read_text().splitlines() if (match := OPENED.match(line))]
    clicked = time.monotonic()
    await stage.workspace.click(MINA.id, proposal["ts"], APPROVE)
    await stage.world.wait_recovered()
    await until_told(stage, proposal["thread_ts"])
    recovered = time.monotonic() - clicked
    await _thread_at_rest(stage.workspace)
    return (proposed - datetime.fromisoformat(opened[-1])).total_seconds(), recovered


async def _thread_at_rest(workspace: Workspace) -> None:
    """The next failure is a new incident only when the alert has resolved and the thread is silent."""
    seen = -1
    while seen != (now := len(workspace.api.calls)):
        seen = now
        await asyncio.sleep(12)


async def _card(
    workspace: Workspace, client: httpx.AsyncClient, url: str, headers: dict[str, str], number: int, channel: str
) -> float:
    started = time.perf_counter()
    answer = await client.post(url, json=_alert(number, channel), headers=headers)
    assert answer.status_code == 202, answer.text
    await workspace.wait_for(lambda: workspace.messages(channel) or None, what="the card")
    return time.perf_counter() - started


@asynccontextmanager
async def _bare(folder: Path, workspace: Workspace) -> AsyncIterator[str]:
    """The least that could be done: keep the body, post a message."""
    client = AsyncWebClient(token=workspace.token, base_url=workspace.api_url)
    async with embedded_redis(folder) as url, connect(url) as redis:

        async def take(request: Request) -> JSONResponse:
            body = await request.body()
            await redis.xadd("alerts", {"body": body})
            labels = (await request.json())["commonLabels"]
            await client.chat_postMessage(channel=labels["channel"], text=labels["alertname"])
            return JSONResponse({}, 202)

        async with listening(Starlette(routes=[Route("/alerts", take, methods=["POST"])])) as address:
            yield f"{address}/alerts"


def _alert(number: int, channel: str) -> dict[str, object]:
    labels = {"alertname": "Slow", "service": f"service-{channel}", "severity": "warning", "channel": channel}
    alert = {
        "status": "firing", "labels": labels, "annotations": {"summary": "It is slow"},
        "startsAt": datetime.now(UTC).isoformat(), "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": f"{number:016x}{channel}",
    }  # fmt: skip
    return {"version": "4", "groupKey": f"{{}}:{number}", "status": "firing", "receiver": "nightdesk",
            "groupLabels": labels, "commonLabels": labels, "commonAnnotations": {}, "externalURL": "",
            "alerts": [alert]}  # fmt: skip


def _services(channels: list[str]) -> str:
    rows = [f"  service-{channel}: {{channel: {channel}, owners: {{users: [{MINA.id}]}}}}" for channel in channels]
    return "\n".join(["services:", *rows, ""])


def _row(name: str, seconds: list[float]) -> str:
    worst = quantiles(seconds, n=20)[-1] if len(seconds) > 1 else seconds[0]
    return f"| {name} | {len(seconds)} | {median(seconds):.3f} | {worst:.3f} | {max(seconds):.3f} |"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.main_job", description=__doc__)
    parser.add_argument("--alerts", type=int, default=30, help="alerts for the first part")
    parser.add_argument("--rounds", type=int, default=5, help="real failures for the second part")
    wish = parser.parse_args()
    taken = asyncio.run(cards(wish.alerts))
    ratio = median(taken["nightdesk"]) / median(taken["bare endpoint"])
    taken |= asyncio.run(failures(wish.rounds))
    print(f"\n{platform.machine()}, {platform.python_implementation()} {platform.python_version()}, seconds\n")
    print("| what | n | median | p95 | worst |\n|---|---|---|---|---|")
    for name, seconds in taken.items():
        print(_row(f"{name}: alert sent to card" if name in {"bare endpoint", "nightdesk"} else name, seconds))
    print(f"\nalert to card: {ratio:.1f} times the bare endpoint")


if __name__ == "__main__":
    main()

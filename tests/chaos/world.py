"""The world of a chaos run: a Redis that restarts, a Slack that fails, two replicas of the bot that are killed."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import urlencode

import httpx

from bot.demo.workspace import AIKO, MINA, RAJ, Trouble, Workspace, sign
from bot.demo.workspace.team import Team
from bot.slack.views.proposal import APPROVE, DIGEST_PREFIX
from tests.chaos.action import DSN_ENV
from tests.servers.nightdesk import TOKEN, Nightdesk, playbooks_in
from tests.servers.process import accepts, free_port

CHANNELS = 40
ROOT = Path(__file__).parents[2]
DRAWING = """\
---
id: chaos
title: One row
owner: chaos
match: {alertname: Chaos}
---
```mermaid
flowchart TD
  begin([It is broken]) --> gate[/Ask to write the row/]
  gate -- approved --> write[Write the row]
  gate -- rejected --> people([People carry on])
  gate -- expired --> people
  write -- recovered --> done([It is whole])
  write -- not_executed --> people
  write -- not_recovered --> people
  write -- unknown --> people
```
### gate
Nobody needs to do this by hand.
### write
Every effect is a row.
```yaml
change: chaos.write_row
with: {row: "{{ alert.fingerprint }}", service: "{{ service.name }}"}
verify: {query: chaos.rows, above: 0, within: 10s}
irreversible: Delete the row by hand.
```
### people
```yaml
outcome: handed_over
say: Look yourselves.
```
### done
```yaml
outcome: resolved
```
"""


class RestartingRedis:
    """A real Redis that keeps everything over a kill: every write is on disk before it is answered."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: run scripts/test, which installs it"
        command = [program, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "",
                   "--appendonly", "yes", "--appendfsync", "always"]  # fmt: skip
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        give_up = time.monotonic() + 20
        while not accepts(self.port):
            assert time.monotonic() < give_up, "Redis did not come back"
            time.sleep(0.02)

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()


@contextmanager
def restarting_redis(folder: Path) -> Iterator[RestartingRedis]:
    """It runs when the block begins, and is gone when it ends."""
    redis = RestartingRedis(folder)
    redis.start()
    try:
        yield redis
    finally:
        redis.kill()


@dataclass
class Tally:
    """What was done to the bot."""

    kills: int = 0
    redis_kills: int = 0
    troubles: int = 0
    clicks: int = 0
    acknowledged: dict[str, set[str]] = field(default_factory=dict)
    """Proposal → the approvers whose press Slack saw acknowledged."""


@dataclass
class World:
    """Everything around the bot, and the clicks of its people."""

    workspace: Workspace
    redis: RestartingRedis
    replicas: tuple[Nightdesk, ...]
    random: Random
    tally: Tally = field(default_factory=Tally)
    late: list[asyncio.Task[None]] = field(default_factory=list)
    """Presses that are still to come."""

    async def alert(self, number: int) -> None:
        """Post one alert, as Alertmanager does: again, until one replica has taken it."""
        labels = {"alertname": "Chaos", "service": f"svc-{number}", "severity": "critical"}
        now = datetime.now(UTC).isoformat()
        one = {"status": "firing", "labels": labels, "annotations": {"summary": f"chaos {number}"}, "startsAt": now,
               "endsAt": "0001-01-01T00:00:00Z", "fingerprint": f"f{number}"}  # fmt: skip
        body = {"version": "4", "groupKey": f"g{number}", "status": "firing", "receiver": "n", "groupLabels": {},
                "commonLabels": labels, "commonAnnotations": {}, "alerts": [one]}  # fmt: skip
        headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
        await self._until_taken("/alerts/alertmanager", json.dumps(body).encode(), headers, 202)

    async def press(self, proposal_id: str, digest: str, user: str, channel: str) -> None:
        """Press Approve; whoever sees no acknowledgement presses again, as people do."""
        payload = {
            "type": "block_actions", "api_app_id": "A0NIGHTDESK", "token": "t", "trigger_id": "1.2.3",
            "team": {"id": "T0NIGHT"}, "user": {"id": user, "username": user, "team_id": "T0NIGHT"},
            "channel": {"id": channel}, "message": {"ts": "1700000000.000100"}, "container": {"type": "message"},
            "actions": [{"type": "button", "action_id": APPROVE, "block_id": "b", "action_ts": f"{time.time():.6f}",
                         "value": f"{proposal_id}:{digest[:DIGEST_PREFIX]}"}],
        }  # fmt: skip
        body = urlencode({"payload": json.dumps(payload)}).encode()
        stamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": stamp,
            "X-Slack-Signature": sign(self.workspace.signing_secret, stamp, body),
        }
        self.tally.clicks += 1
        if await self._until_taken("/slack/events", body, headers, 200) and user in {MINA.id, AIKO.id}:
            self.tally.acknowledged.setdefault(proposal_id, set()).add(user)

    async def _until_taken(self, path: str, body: bytes, headers: dict[str, str], taken: int) -> bool:
        async with httpx.AsyncClient(timeout=5, trust_env=False) as client:
            for _ in range(200):
                replica = self.random.choice(self.replicas)
                with suppress(httpx.HTTPError):
                    answer = await client.post(f"{replica.url}{path}", content=body, headers=headers)
                    if answer.status_code == taken:
                        return True
                    if answer.status_code == 401:
                        return False
                await asyncio.sleep(0.2)
        return False

    async def decide(self, proposal_id: str, digest: str, channel: str) -> None:
        """The people of the channel see the card: approvers press, one twice; a stranger, a forger, somebody late."""
        presses = [(MINA.id, digest), (MINA.id, digest), (AIKO.id, digest), (RAJ.id, digest), (MINA.id, "0" * 64)]
        self.random.shuffle(presses)
        await asyncio.gather(*(self.press(proposal_id, shown, user, channel) for user, shown in presses))
        self.late.append(asyncio.create_task(self._late(proposal_id, digest, channel)))

    async def _late(self, proposal_id: str, digest: str, channel: str) -> None:
        """Somebody whose window still shows the buttons presses when all is over."""
        await asyncio.sleep(self.random.uniform(3, 12))
        await self.press(proposal_id, digest, AIKO.id, channel)

    async def torment(self, stop: asyncio.Event, *, every_s: tuple[float, float]) -> None:
        """Kill replicas and Redis, and let Slack fail, at random moments, until told to stop."""
        while not stop.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self.random.uniform(*every_s))
            self._trouble_slack()
            if self.random.random() < 0.2:
                await asyncio.to_thread(self._restart_redis)
            else:
                await self._kill_one()

    def _trouble_slack(self) -> None:
        kinds = [Trouble.RATE_LIMITED, Trouble.BROKEN, Trouble.LOST_REQUEST, Trouble.LOST_ANSWER, Trouble.BROKEN_ANSWER]
        for method in ("chat.postMessage", "chat.update", "chat.postEphemeral", "usergroups.users.list"):
            self.workspace.faults.next(method, self.random.choice(kinds), times=2)
            self.tally.troubles += 2

    def _restart_redis(self) -> None:
        self.redis.kill()
        self.tally.redis_kills += 1
        self.redis.start()

    async def _kill_one(self) -> None:
        replica = self.random.choice(self.replicas)
        await replica.kill()
        self.tally.kills += 1
        await replica.start()


@asynccontextmanager
async def chaos(folder: Path, dsn: str, *, incidents: int, seed: int) -> AsyncIterator[World]:
    """Two replicas on one Redis in one workspace, for as many services as there will be incidents."""
    channels = [(f"C0CHAOS{number:02d}", f"chaos-{number}", "") for number in range(CHANNELS)]
    workspace = Workspace(team=Team.seeded(channels=channels), retries_s=(0.2, 0.5, 1.0))
    (folder / "redis").mkdir(parents=True)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(workspace.serving())
        redis = stack.enter_context(restarting_redis(folder / "redis"))
        settings = _settings(folder, workspace, redis.url, dsn, incidents, [one[0] for one in channels])
        replicas = tuple(
            Nightdesk(_made(folder / name), {**settings, "NIGHTDESK_PORT": str(free_port())}) for name in ("one", "two")
        )
        for replica in replicas:
            stack.push_async_callback(replica.aclose)
            await replica.start()
        workspace.connect(f"{replicas[0].url}/slack/events")
        yield World(workspace, redis, replicas, Random(seed))  # noqa: S311 - moments of torment, not secrets


def _settings(
    folder: Path, workspace: Workspace, redis_url: str, dsn: str, incidents: int, channels: list[str]
) -> dict[str, str]:
    services = {
        f"svc-{number}": {"environment": "staging", "channel": channels[number % len(channels)]}
        for number in range(incidents)
    }
    (folder / "services.yaml").write_text(json.dumps({"services": services}))
    (folder / "nightdesk.toml").write_text("")
    drawings = playbooks_in(folder / "playbooks", DRAWING)
    package = _made(folder / "package")
    description = _made(package / "chaos_action-1.0.dist-info")
    (description / "METADATA").write_text("Metadata-Version: 2.1\nName: chaos-action\nVersion: 1.0\n")
    (description / "entry_points.txt").write_text("[nightdesk.actions]\nchaos = tests.chaos.action:offer\n")
    return {
        "PYTHONPATH": f"{package}:{ROOT}",
        DSN_ENV: dsn,
        "NIGHTDESK_CONFIG": str(folder / "nightdesk.toml"),
        "NIGHTDESK_REDIS_URL": redis_url,
        "NIGHTDESK_SERVICES_FILE": str(folder / "services.yaml"),
        "NIGHTDESK_PLAYBOOKS_DIR": str(drawings),
        "NIGHTDESK_ALERTS": json.dumps({"alertmanager": {"auth": {"kind": "bearer", "token": TOKEN}}}),
        "NIGHTDESK_REMEDIATION__APPROVER_USERS": json.dumps([MINA.id]),
        "NIGHTDESK_REMEDIATION__APPROVER_GROUPS": json.dumps(["S0ONCALL"]),
        "NIGHTDESK_GROUPING__WINDOW_S": "0",
        "NIGHTDESK_GROUPING__MOST_OPENINGS": "100000",
        "NIGHTDESK_WORK__LEASE_S": "3",
        "SLACK_BOT_TOKEN": workspace.token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": workspace.api_url,
    }


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

"""The bot itself: `nightdesk serve` as a real process that a test may kill and start again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest

from bot.canvas.playbook import parse
from bot.demo.scenario import services_yaml
from bot.demo.workspace import AIKO, MINA, Workspace
from tests.servers.process import free_port, wait_until

TOKEN = "alertmanager-t0ken"
"""What `/alerts/alertmanager` wants as bearer token."""
CHANNEL = "C0PAYMENTS"
GROUP = "S0ONCALL"
"""Mina and Aiko, who may approve."""
PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
UP_WITHIN_S = 90.0


class Nightdesk:
    """One bot: its folder, its port and its settings stay the same however often it is started."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.log = folder / "nightdesk.log"
        self._announced = folder / "nightdesk.out"
        self._port = int(environment.get("NIGHTDESK_PORT") or free_port())
        self._environment = dict(environment)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens, or will."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process, "it is not running"
        return self._process.pid

    async def start(self) -> None:
        """Run `nightdesk serve` until it says where it listens."""
        assert self._process is None, "it is running already"
        with self._announced.open("wb") as announced, self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bot.cli", "serve"],
                stdin=subprocess.DEVNULL,
                stdout=announced,
                stderr=log,
                cwd=self.folder,
                env={**_clean_environment(), **self._environment, "NIGHTDESK_PORT": str(self._port)},
                process_group=0,
            )
        await wait_until(self._up, within_s=UP_WITHIN_S, what="the announcement of Nightdesk")

    async def kill(self) -> None:
        """`kill -9`: it has no time for anything."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> int:
        """Ask it to stop, as a service manager does; its exit code."""
        return await self._end(signal.SIGTERM)

    async def aclose(self) -> None:
        """Stop it if it runs."""
        if self._process:
            await self.stop()

    async def _end(self, farewell: signal.Signals) -> int:
        process = self._process
        assert process, "it is not running"
        process.send_signal(farewell)
        await wait_until(lambda: _ended(process), within_s=30, what=f"the end of Nightdesk after {farewell.name}")
        self._process = None
        return process.returncode

    async def _up(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            raise AssertionError(f"Nightdesk did not start:\n{self.log.read_text()[-4000:]}")
        return self._announced.read_text().strip() == self.url


async def _ended(process: subprocess.Popen[bytes]) -> bool:
    return process.poll() is not None


def _clean_environment() -> dict[str, str]:
    """What the developer's shell says about another Nightdesk is not for this one."""
    foreign = ("NIGHTDESK_", "SLACK_", "PAYMENTS_")
    return {name: value for name, value in os.environ.items() if not name.startswith(foreign)}


def playbooks_in(folder: Path, drawn: str) -> Path:
    """That playbook, under its id, and the general one, in a new folder."""
    folder.mkdir(parents=True)
    (folder / f"{parse(drawn, 'drawn.md').id}.md").write_text(drawn)
    shutil.copy(PLAYBOOKS / "general-triage.md", folder)
    return folder


@asynccontextmanager
async def nightdesk_running(folder: Path, workspace: Workspace, **more: str) -> AsyncIterator[Nightdesk]:
    """A bot with the payments service in its catalogue, connected to the workspace, for as long as the block lasts.

    Args:
        folder: holds its data, catalogue and logs; created if need be.
        more: further variables, or other values for those that it has anyway.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bot = Nightdesk(folder, {**_environment(folder, workspace), **more})
    try:
        await bot.start()
        workspace.connect(f"{bot.url}/slack/events")
        yield bot
    finally:
        await bot.aclose()


def _environment(folder: Path, workspace: Workspace) -> dict[str, str]:
    services, config = folder / "services.yaml", folder / "nightdesk.toml"
    services.write_text(services_yaml(channel=CHANNEL, users=(MINA.id, AIKO.id)), encoding="utf-8")
    config.write_text("", encoding="utf-8")
    return {
        "NIGHTDESK_CONFIG": str(config),
        "NIGHTDESK_DATA_DIR": str(folder / "data"),
        "NIGHTDESK_SERVICES_FILE": str(services),
        "NIGHTDESK_PLAYBOOKS_DIR": str(PLAYBOOKS),
        "NIGHTDESK_ALERTS": json.dumps({"alertmanager": {"auth": {"kind": "bearer", "token": TOKEN}}}),
        "NIGHTDESK_REMEDIATION__APPROVER_GROUPS": json.dumps([GROUP]),
        "NIGHTDESK_TRIAGE__WINDOW_S": "30",
        "NIGHTDESK_TRIAGE__BASELINE_S": "60",
        "NIGHTDESK_WORK__LEASE_S": "2",
        "SLACK_BOT_TOKEN": workspace.token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": workspace.api_url,
    }


NightdeskFactory: TypeAlias = Callable[..., AbstractAsyncContextManager[Nightdesk]]


@pytest.fixture
def nightdesk(tmp_path: Path, workspace: Workspace) -> NightdeskFactory:
    """Runs bots in the test's workspace: `async with nightdesk(NAME=VALUE) as bot:`."""

    def running(**more: str) -> AbstractAsyncContextManager[Nightdesk]:
        return nightdesk_running(tmp_path / "nightdesk", workspace, **more)

    return running

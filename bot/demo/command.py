"""`nightdesk demo`: the world that fails, the local workspace and the bot itself, each as they really are."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sys
import tempfile
import threading
import time
import webbrowser
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.demo.child import announced, child, module
from bot.demo.history import retell
from bot.demo.scenario import World, payments_world
from bot.demo.workspace import AIKO, MINA, Workspace
from bot.errors import Misconfigured, NightdeskError
from bot.settings import shipped_playbooks
from bot.slack.views.proposal import APPROVE

CHANNEL = "C0PAYMENTS"
GROUP = "S0ONCALL"
QUIET_S = 25.0
"""How long payments work before the failure: the baseline."""
PROPOSED_WITHIN_S = 60.0
RECOVERED_WITHIN_S = 90.0

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Stage:
    """Everything that runs."""

    world: World
    workspace: Workspace
    bot_url: str
    token: str


async def play(*, headless: bool, port: int, folder: Path | None) -> int:
    """Play it; 0 if the service really recovered."""
    with _folder(folder) as home:
        async with staged(home, 0 if headless else port) as stage:
            return await (_headless(stage) if headless else _with_people(stage))


@asynccontextmanager
async def staged(home: Path, port: int) -> AsyncIterator[Stage]:
    """Workspace, world and bot, all running until the block ends; the failure is not made yet."""
    _say("Setting the stage; nothing leaves this machine.")
    async with AsyncExitStack() as stack:
        workspace = Workspace(retries_s=(0.5, 2.0, 5.0))
        await _open_page(stack, workspace, port)
        retell(workspace.remember, datetime.now(UTC))
        world = await stack.enter_async_context(payments_world(home, progress=_say))
        started = time.monotonic()
        token = secrets.token_hex(16)
        bot_url = await _bot(stack, home, _environment(home, world, workspace, token))
        _say(f"✓ Nightdesk listens at {bot_url} ({time.monotonic() - started:.1f} s)")
        workspace.connect(f"{bot_url}/slack/events")
        workspace.join(workspace.team.app.user_id, CHANNEL)
        stage = Stage(world, workspace, bot_url, token)
        watching = asyncio.create_task(world.watch(f"{bot_url}/alerts/alertmanager", token))
        stack.push_async_callback(_end, watching)
        yield stage


async def _open_page(stack: AsyncExitStack, workspace: Workspace, port: int) -> None:
    try:
        url = await stack.enter_async_context(workspace.serving(port=port))
    except OSError as error:
        raise Misconfigured(f"Port {port} cannot be used ({error.strerror}): try `--port 0`.") from None
    _say(f"✓ The workspace is at {url}")


async def _bot(stack: AsyncExitStack, home: Path, environment: Mapping[str, str]) -> str:
    """The very command that users run, with settings from its environment."""
    log = home / "nightdesk.log"
    process = await stack.enter_async_context(child(module("bot.cli", "serve"), log=log, env=environment))
    return await announced(process, log, within_s=60)


def _environment(home: Path, world: World, workspace: Workspace, token: str) -> dict[str, str]:
    services = home / "services.yaml"
    services.write_text(world.services_yaml(channel=CHANNEL, users=(MINA.id, AIKO.id)), encoding="utf-8")
    config = home / "nightdesk.toml"
    config.write_text("# The demo sets everything through the environment.\n", encoding="utf-8")
    auth = {"alertmanager": {"auth": {"kind": "bearer", "token": token}}}
    return {
        **world.environment,
        "NIGHTDESK_CONFIG": str(config),
        "NIGHTDESK_DATA_DIR": str(home / "data"),
        "NIGHTDESK_HOST": "127.0.0.1",
        "NIGHTDESK_PORT": "0",
        "NIGHTDESK_SERVICES_FILE": str(services),
        "NIGHTDESK_PLAYBOOKS_DIR": str(shipped_playbooks()),
        "NIGHTDESK_PROMETHEUS_URL": world.prometheus_url,
        "NIGHTDESK_ALERTS": json.dumps(auth),
        "NIGHTDESK_LOGS": json.dumps([{"kind": "files", "path": world.log_path}]),
        "NIGHTDESK_TRIAGE__WINDOW_S": "30",
        "NIGHTDESK_TRIAGE__BASELINE_S": "60",
        "NIGHTDESK_REMEDIATION__APPROVER_GROUPS": json.dumps([GROUP]),
        "NIGHTDESK_REMEDIATION__VERIFY_S": "60",
        "SLACK_BOT_TOKEN": workspace.token,
        "SLACK_SIGNING_SECRET": workspace.signing_secret,
        "SLACK_API_URL": workspace.api_url,
        "SLACK_APP_TOKEN": "",
    }


async def _headless(stage: Stage) -> int:
    """Break it, wait for the proposal, approve it as the person on call, and see whether payments recover."""
    _say(f"Payments work for {QUIET_S:.0f} s, so that there is something to compare with …")
    await asyncio.sleep(QUIET_S)
    await _break(stage)
    proposal = await until_proposed(stage)
    _say("✓ One remediation is proposed; Mina, who is on call, presses Approve.")
    answer = await stage.workspace.click(MINA.id, proposal["ts"], APPROVE)
    _say(f"✓ Slack's button was acknowledged ({answer.status}).")
    try:
        ratio = await stage.world.wait_recovered(within_s=RECOVERED_WITHIN_S)
        await until_told(stage, proposal["thread_ts"])
    except (NightdeskError, AssertionError) as failure:
        _print_thread(stage, proposal["thread_ts"])
        _say(f"✗ Payments did not recover: {failure}")
        return 1
    _print_thread(stage, proposal["thread_ts"])
    _say(f"✓ Payments recovered: {ratio:.1%} fail now.")
    return 0


async def _with_people(stage: Stage) -> int:
    """Open the page, break the service, and leave the rest to whoever sits there."""
    url = stage.workspace.url
    _say(f"\n  Open {url} – you are Mina, on call for payments. Ctrl-C ends everything.\n")
    with contextlib.suppress(webbrowser.Error):
        await asyncio.to_thread(webbrowser.open, url)
    _say(f"Payments work for {QUIET_S:.0f} s; then a reporting job will take a lock and keep it.")
    await asyncio.sleep(QUIET_S)
    while True:
        await _break(stage)
        _say("The alert fires in a few seconds. Read the thread, then press Approve or Reject.")
        await stage.world.wait_failing()
        await _patiently(stage.world)
        _say("✓ Payments recovered. Press Enter to break them again, Ctrl-C to end.")
        await enter_pressed()


async def enter_pressed() -> None:
    """Wait for a line on standard input; where that has ended, for ever.

    The thread is a daemon and reads the bare descriptor: asyncio and Python wait for any other at the end, so that
    Ctrl-C would do nothing before Enter.
    """
    loop, pressed = asyncio.get_running_loop(), asyncio.Event()

    def read() -> None:
        with contextlib.suppress(OSError, RuntimeError):  # no standard input; the loop has ended
            if os.read(0, 1024):
                loop.call_soon_threadsafe(pressed.set)

    threading.Thread(target=read, name="enter", daemon=True).start()
    await pressed.wait()


async def _patiently(world: World) -> None:
    """However long the people take."""
    while True:
        with contextlib.suppress(NightdeskError):
            await world.wait_recovered(within_s=3600)
            return


async def _break(stage: Stage) -> None:
    pid = await stage.world.break_it()
    ratio = await stage.world.wait_failing()
    _say(f"✗ A reporting job (backend {pid}) holds a lock and sits idle: {ratio:.0%} of payments fail.")


async def until_proposed(stage: Stage) -> dict[str, Any]:
    """The message with the buttons, once it is there."""

    def proposed() -> dict[str, Any] | None:
        return next((message for message in _said(stage.workspace) if APPROVE in _buttons(message)), None)

    return await stage.workspace.wait_for(proposed, within_s=PROPOSED_WITHIN_S, what="a proposal in the thread")


async def until_told(stage: Stage, thread: str) -> None:
    """The incident is over when the thread says so, not only when the figures are good."""

    def told() -> bool | None:
        card = stage.workspace.thread(CHANNEL, thread)[0]
        return "resolved" in str(card.get("text", "")).casefold() or None

    await stage.workspace.wait_for(told, within_s=RECOVERED_WITHIN_S, what="the resolution in the thread")


def _said(workspace: Workspace) -> Iterator[dict[str, Any]]:
    for message in workspace.messages(CHANNEL):
        yield from workspace.thread(CHANNEL, message["ts"])


def _buttons(message: Mapping[str, Any]) -> set[str]:
    blocks = message.get("blocks") or []
    elements = [element for block in blocks if block["type"] == "actions" for element in block["elements"]]
    return {element["action_id"] for element in elements}


def _print_thread(stage: Stage, thread: str) -> None:
    rule = "─" * 100
    _say(f"\n{rule}\n{stage.workspace.as_text(CHANNEL, thread)}\n{rule}\n")


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, NightdeskError):
        await task


@contextmanager
def _folder(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        yield folder.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="nightdesk-demo-", ignore_cleanup_errors=True) as temporary:
        yield Path(temporary)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

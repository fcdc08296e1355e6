from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.settings import Settings, SlackSettings
from bot.slack.client import Slack
from bot.slack.door import Door
from tests.integration.slack.clerk import Clerk
from tests.servers.process import free_port, wait_until

SAID = {"type": "app_mention", "user": "U0MINA", "text": "<@U0BOT> hello", "ts": "1700000000.000100", "channel": "C1"}
MENTION = {"type": "event_callback", "team_id": "T0NIGHT", "event_id": "Ev1", "event": SAID}


class Socket:
    """The two calls and the socket that Socket Mode needs."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.refusals_left = 0
        """Of requests for an address of the socket."""
        self.answers: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.connected: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()

    async def identity(self, _: web.Request) -> web.Response:
        return web.json_response(
            {"ok": True, "user_id": "U0BOT", "bot_id": "B0BOT", "team_id": "T0NIGHT", "url": "https://x.slack.com/"}
        )

    async def open(self, request: web.Request) -> web.Response:
        if self.refusals_left:
            self.refusals_left -= 1
            return web.json_response({"ok": False, "error": "internal_error"})
        ours = request.headers["Authorization"] == "Bearer xapp-1"
        url = f"ws://127.0.0.1:{self.port}/socket"
        return web.json_response({"ok": True, "url": url} if ours else {"ok": False, "error": "invalid_auth"})

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await self.connected.put(socket)
        async for message in socket:
            await self.answers.put(json.loads(message.data))
        return socket


@pytest.fixture
async def server() -> AsyncIterator[Socket]:
    server = Socket(free_port())
    app = web.Application()
    app.router.add_post("/api/auth.test", server.identity)
    app.router.add_post("/api/apps.connections.open", server.open)
    app.router.add_get("/socket", server.talk)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.port).start()
    yield server
    await runner.cleanup()


async def heard(clerk: Clerk) -> int:
    return clerk.calls["heard"]


async def cut_off(clerk: Clerk) -> int:
    return len(clerk.cuts)


async def test_with_an_app_token_the_bot_connects_out_and_acknowledges_what_was_kept(server: Socket) -> None:
    slack_settings = SlackSettings(
        bot_token=SecretStr("xoxb-1"), app_token=SecretStr("xapp-1"), api_url=f"http://127.0.0.1:{server.port}/api/"
    )
    clerk = Clerk()
    clerk.failures_left = 1
    async with Slack.open(slack_settings) as slack, Door(Settings(slack=slack_settings), clerk, slack).listening():
        socket = await asyncio.wait_for(server.connected.get(), 10)
        await socket.send_json({"type": "events_api", "envelope_id": "lost", "payload": MENTION})
        await wait_until(lambda: heard(clerk), what="the first delivery")
        for envelope in ("kept", "again"):
            await socket.send_json({"type": "events_api", "envelope_id": envelope, "payload": MENTION})
            assert (await asyncio.wait_for(server.answers.get(), 10))["envelope_id"] == envelope

    assert clerk.calls["heard"] == 2
    assert [mention.text for mention in clerk.mentions] == ["hello"]
    assert server.answers.empty()


async def test_without_an_app_token_nothing_connects(server: Socket) -> None:
    settings = SlackSettings(
        bot_token=SecretStr("xoxb-1"), signing_secret=SecretStr("s"), api_url=f"http://127.0.0.1:{server.port}/api/"
    )
    async with Slack.open(settings) as slack, Door(Settings(slack=settings), Clerk(), slack).listening():
        pass

    assert server.connected.empty()


async def test_a_connection_that_was_gone_for_a_while_is_told_once_it_is_back(server: Socket) -> None:
    slack_settings = SlackSettings(
        bot_token=SecretStr("xoxb-1"), app_token=SecretStr("xapp-1"), api_url=f"http://127.0.0.1:{server.port}/api/"
    )
    clerk, began = Clerk(), datetime.now(UTC)
    async with (
        Slack.open(slack_settings) as slack,
        Door(Settings(slack=slack_settings), clerk, slack).listening(look_s=0.05),
    ):
        server.refusals_left = 1
        await (await asyncio.wait_for(server.connected.get(), 10)).close()
        await asyncio.wait_for(server.connected.get(), 30)
        await wait_until(lambda: cut_off(clerk), what="the word that Slack could not be heard")
    (since,) = clerk.cuts
    assert began - timedelta(seconds=61) < since < began

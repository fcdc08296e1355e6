"""A served workspace for each test, the real Slack client pointed at it, and a real Bolt app behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeAlias

import pytest
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.demo.workspace import Workspace
from bot.demo.workspace.server import listening

BoltFactory: TypeAlias = Callable[[], Awaitable[AsyncApp]]


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    """A served workspace in which Slack's retries of events come without pauses; no bot is connected yet."""
    workspace = Workspace(retries_s=(0.0, 0.0, 0.0))
    async with workspace.serving():
        yield workspace


@pytest.fixture
def slack_client(workspace: Workspace) -> AsyncWebClient:
    """The real Slack client of a bot in that workspace."""
    return AsyncWebClient(token=workspace.token, base_url=workspace.api_url)


@pytest.fixture
async def bolt(workspace: Workspace, slack_client: AsyncWebClient) -> AsyncIterator[AsyncApp]:
    """A real Bolt app that the workspace sends to; tests add their listeners."""
    app = AsyncApp(client=slack_client, signing_secret=workspace.signing_secret)
    handler = AsyncSlackRequestHandler(app)

    async def events(request: Request) -> Response:
        return await handler.handle(request)

    async with AsyncExitStack() as stack:
        starlette = Starlette(routes=[Route("/slack/events", events, methods=["POST"])])
        address = await stack.enter_async_context(listening(starlette))
        workspace.connect(f"{address}/slack/events")
        yield app
        await workspace.settle()

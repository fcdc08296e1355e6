"""A connection to the served workspace, and an empty Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.applications import Starlette

from bot.demo.workspace import Workspace
from bot.demo.workspace.server import listening
from bot.settings import Settings, SlackSettings
from bot.slack.client import Slack
from bot.slack.desk import Desk
from bot.slack.door import Door
from bot.slack.ledger import Ledger
from bot.storage import connect
from tests.integration.slack.clerk import Clerk


@pytest.fixture
def settings(workspace: Workspace) -> Settings:
    return Settings(
        max_body_bytes=50_000,
        slack=SlackSettings(
            bot_token=SecretStr(workspace.token),
            signing_secret=SecretStr(workspace.signing_secret),
            api_url=workspace.api_url,
        ),
    )


@pytest.fixture
async def slack(settings: Settings) -> AsyncIterator[Slack]:
    async with Slack.open(settings.slack) as connection:
        yield connection


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as client:
        yield client


@pytest.fixture
def ledger(redis: Redis) -> Ledger:
    """Does not wait for its turn: the clock of Redis is not the test's."""
    return Ledger(redis, post_every_ms=1, edit_every_ms=1)


@pytest.fixture
def clerk() -> Clerk:
    return Clerk()


@pytest.fixture
async def address(workspace: Workspace, settings: Settings, slack: Slack, clerk: Clerk) -> AsyncIterator[str]:
    desk: Desk = clerk
    door = Door(settings, desk, slack)
    async with listening(Starlette(routes=list(door.routes))) as served:
        workspace.connect(f"{served}/slack/events")
        yield f"{served}/slack/events"
        await workspace.settle()

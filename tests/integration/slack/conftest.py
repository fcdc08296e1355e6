"""A connection to the served workspace, and an empty Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from bot.demo.workspace import Workspace
from bot.settings import Settings, SlackSettings
from bot.slack.client import Slack
from bot.slack.ledger import Ledger
from bot.storage import connect


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

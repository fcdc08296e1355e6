"""The first word with Slack: a token that it does not know is in the log at the start, not at the first alert."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from bot.errors import SlackRefused
from bot.slack.client import Slack
from bot.slack.scopes import missing

log = structlog.get_logger(__name__)


@asynccontextmanager
async def greeting(slack: Slack) -> AsyncIterator[None]:
    """Greets in the background while the block runs: a Slack that does not answer holds up no start."""
    greeted = asyncio.create_task(greet(slack), name="slack.greeting")
    try:
        yield
    finally:
        greeted.cancel()
        await asyncio.wait((greeted,))


async def greet(slack: Slack) -> None:
    """Say in the log as whom the bot is connected, or why it is not."""
    try:
        identity = await slack.identity()
    except SlackRefused as error:
        log.warning("slack.refused", error=str(error), mend="nightdesk doctor says what to do")
        return
    log.info("slack.connected", url=identity.url, user=identity.user)
    if lacking := missing(identity.scopes):
        log.warning("slack.scopes_missing", scopes=sorted(lacking), mend="nightdesk doctor says what will not work")

"""Where changes are learnt from, put together: what CI posted, the configured sources, and what is said in channels."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta

from redis.asyncio import Redis

from bot.agents.changes import changes_tools
from bot.agents.tools import Tool
from bot.catalog import Catalog
from bot.changes.announced import Announced, Heard
from bot.changes.ledger import ChangeLedger
from bot.changes.sources import opened
from bot.memory import MemoryManager
from bot.models import Message
from bot.settings import ChangesSettings
from bot.work.naming import Names, by_name

MOST_SAID = 200


def ledger_of(redis: Redis, settings: ChangesSettings) -> ChangeLedger:
    """The posted changes, kept as long and as many as is configured."""
    return ChangeLedger(redis, kept=timedelta(days=settings.keep_days), most=settings.most)


async def tools_for_changes(
    stack: AsyncExitStack,
    settings: ChangesSettings,
    ledger: ChangeLedger,
    memory: MemoryManager,
    catalog: Catalog,
    names: Names,
) -> tuple[Tool, ...]:
    """The tools of the changes agent; its sources are closed with the stack. Who announced something has a name."""
    asked = await stack.enter_async_context(opened(settings.sources))
    sources = (ledger, *asked, Announced(_heard(memory, names), catalog, settings.channels))
    return changes_tools(sources, timedelta(seconds=settings.look_back_s))


def _heard(memory: MemoryManager, names: Names) -> Heard:
    async def heard(channel: str | None, since: datetime, until: datetime) -> Sequence[Message]:
        found = await memory.recall("", channel=channel, since=since, until=until, limit=MOST_SAID)
        return await by_name([recalled.message for recalled in found], names)

    return heard

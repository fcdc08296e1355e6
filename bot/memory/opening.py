"""What a Memory Manager stands on: its parts, a Redis where none is given, and what runs beside it."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.memory.store import Store
from bot.storage import embedded_redis

if TYPE_CHECKING:
    from bot.memory.encoder import Encoder
    from bot.memory.index import Index
    from bot.memory.meaning import Meaning
    from bot.memory.mirror import Mirror


async def assemble(
    store: Store, encoder: str | Encoder | None, stack: AsyncExitStack
) -> tuple[Index, Meaning | None, Mirror]:
    """The parts that compute, imported here since they bring numpy."""
    from bot.memory.encoder import Encoder  # noqa: PLC0415
    from bot.memory.index import Index  # noqa: PLC0415
    from bot.memory.meaning import Meaning  # noqa: PLC0415
    from bot.memory.mirror import Mirror  # noqa: PLC0415

    loaded = stack.enter_context(await Encoder.load(encoder)) if isinstance(encoder, str) else encoder
    index = Index(width=loaded.width if loaded else None)
    meaning = Meaning(loaded, store, index) if loaded else None
    return index, meaning, Mirror(store, index, meaning)


@asynccontextmanager
async def private_redis(folder: Path | None) -> AsyncIterator[str]:
    """The address of a Redis of its own in the folder, or in a temporary one, for as long as the block lasts."""
    with contextlib.ExitStack() as stack:
        home = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="nightdesk-memory-")))
        async with embedded_redis(home) as url:
            yield url


@asynccontextmanager
async def running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run a coroutine beside the block and end it with the block."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        while not task.done():  # a cancellation that meets redis-py while it sends is lost there: ask again
            task.cancel()
            await asyncio.wait([task], timeout=0.05)

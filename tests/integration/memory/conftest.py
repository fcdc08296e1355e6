"""Stories start with a manager over an empty Redis."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.memory import MemoryManager


@pytest.fixture
async def memory(redis_url: str) -> AsyncIterator[MemoryManager]:
    """A manager that remembers nothing yet."""
    async with MemoryManager.open(redis_url) as manager:
        yield manager

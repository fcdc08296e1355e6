"""How well recall finds, on talk that was written for this project: a change that costs more than a little is seen."""

from __future__ import annotations

from bot.memory import MemoryManager
from tests.bench.memory import cost
from tests.bench.memory.cases import conversations
from tests.bench.memory.measures import recall_at


async def test_mixed_chinese_and_english_on_call_talk_is_found_by_wording(memory: MemoryManager) -> None:
    (talk,) = conversations(cost.FOLDER)
    await memory.remember(talk.messages)
    assert await recall_at(5, talk, memory) >= 0.9

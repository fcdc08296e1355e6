"""A pasted log or a report of many pages is found and told by the passage that bears on the question."""

from __future__ import annotations

from bot.memory import MemoryManager
from bot.memory.passage import LONGEST_PASSAGE
from tests.integration.memory.talk import incident, said

MINUTE = "The minute after that was quiet again, and nobody called. "
REPORT = f"Report of the night. {MINUTE * 80}The ledger stood still since its disk was full. {MINUTE * 80}"


async def test_who_asks_is_told_the_passage(memory: MemoryManager) -> None:
    await memory.remember([said(REPORT), said("thanks for writing it up", 1)])
    told = await memory.look_back("why did the ledger stand still?", channel="C1", limit=5, budget_tokens=600)
    assert "The ledger stood still since its disk was full." in told[0].message.text
    assert len(told[0].message.text) <= LONGEST_PASSAGE


async def test_an_agent_is_told_the_passage_within_its_budget(memory: MemoryManager) -> None:
    await memory.remember([said(REPORT)])
    brief = await memory.brief(incident(service="ledger", rule="LedgerDiskFull"), "database", 400)
    assert "The ledger stood still since its disk was full." in brief.lines[0].text
    assert brief.tokens <= 400


async def test_what_was_taken_back_is_marked_though_the_passage_leaves_the_words_out(memory: MemoryManager) -> None:
    deploy = said(f"Deployed wallet-9. {MINUTE * 20}The limit of a transfer is 900 now. {MINUTE * 20}")
    await memory.remember([deploy, said("wallet-9 was rolled back", 5)])
    [told, *_] = await memory.look_back("what is the limit of a transfer?", channel="C1", limit=5, budget_tokens=600)
    assert "The limit of a transfer is 900 now." in told.message.text
    assert "wallet-9" not in told.message.text
    assert told.superseded_by
    assert "rolled back" in told.superseded_by

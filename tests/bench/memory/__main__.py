"""How well memory finds what was said.

`python -m tests.bench.memory CASES_DIR [--encoder PATH] [--live] [--cost] [--scale N]`
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from bot.memory import MemoryManager
from bot.models import Message
from tests.bench.memory import baselines, cost, interleaved, scale
from tests.bench.memory.cases import Conversation, conversations
from tests.bench.memory.measures import HEADER, Ask, Marks, bearing, examine
from tests.bench.tables import table


def main() -> None:
    """Read the arguments, measure, print tables in Markdown."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.memory", description="How well memory finds what was said."
    )
    parser.add_argument("cases", type=Path, nargs="?", help="folder with *.messages.jsonl and *.questions.jsonl")
    parser.add_argument("--encoder", help="sentence-transformers model, name or folder")
    parser.add_argument("--live", action="store_true", help="also mix the conversations in one channel and part them")
    parser.add_argument("--scale", type=int, help="also measure a made-up channel with so many messages")
    parser.add_argument("--cost", action="store_true", help="also weigh the briefs of ten incidents")
    arguments = parser.parse_args()
    if arguments.cases is not None:
        talks = list(conversations(arguments.cases))
        asyncio.run(_quality(talks, arguments.encoder))
        if arguments.live:
            table(["method", "share of the talk in ten messages"], interleaved.measure(talks))
    if arguments.cost:
        header = ["incident", "tokens of four briefs", "less than four whole channels", "needed facts told"]
        table(header, asyncio.run(cost.measure()))
    if arguments.scale is not None:
        table(["figure", "value"], [list(row) for row in asyncio.run(scale.measure(arguments.scale))])


async def _quality(talks: Sequence[Conversation], encoder: str | None) -> None:
    name = "memory" if encoder is None else f"memory with {Path(encoder).name}"
    methods = {"last K": Marks("last K"), "plain BM25": Marks("plain BM25"), name: Marks(name)}
    indexed_s = 0.0
    own: list[bool] = []
    foreign: list[bool] = []
    for talk in talks:
        await examine(methods["last K"], talk, baselines.last(talk))
        await examine(methods["plain BM25"], talk, baselines.plain_bm25(talk))
        async with MemoryManager.open(encoder=encoder) as memory:
            started = time.perf_counter()
            await memory.remember(talk.messages)
            indexed_s += time.perf_counter() - started
            await examine(methods[name], talk, _asking(memory, talk))
            own += await bearing(talk, [question.text for question in talk.questions], memory)
            strange = [question.text for other in talks if other is not talk for question in other.questions[::3]]
            foreign += await bearing(talk, strange, memory)
    messages = sum(len(talk.messages) for talk in talks)
    print(f"{len(talks)} conversations, {messages} messages, {sum(len(talk.questions) for talk in talks)} questions\n")
    table(HEADER, [marks.row() for marks in methods.values()])
    table(*_categories(list(methods.values())))
    if foreign:
        print(f"Something bears on {fmean(own):.1%} of the questions, on {fmean(foreign):.1%} of those of others.\n")
    print(f"Remembering all {messages} messages took {indexed_s:.2f} s.\n")


def _asking(memory: MemoryManager, talk: Conversation) -> Ask:
    async def ask(question: str, limit: int | None, budget: int | None) -> Sequence[Message]:
        found = await memory.recall(question, channel=talk.name, limit=limit, budget_tokens=budget)
        return [recalled.message for recalled in found]

    return ask


def _categories(methods: Sequence[Marks]) -> tuple[list[str], list[list[str]]]:
    """Recall within 1,000 tokens, category by category."""
    header = ["≤1000 tok by category", "questions", *(marks.method for marks in methods)]
    rows = [
        [category, str(len(values)), *(f"{fmean(marks.by_category[category]):.3f}" for marks in methods)]
        for category, values in sorted(methods[0].by_category.items())
    ]
    return header, rows


if __name__ == "__main__":
    main()

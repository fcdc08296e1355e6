"""How good an answer is: recall within tokens and ranks, the first hit's rank, and how long it took."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from statistics import fmean, quantiles

from bot.memory import MemoryManager
from bot.memory.budget import tokens_of
from bot.memory.question import BEARS
from bot.models import Message
from tests.bench.memory.cases import Asked, Conversation

BUDGETS = (500, 1000, 2000)
RANKS = (5, 10, 20)
Ask = Callable[[str, int | None, int | None], Awaitable[Sequence[Message]]]
"""Question, limit, token budget → messages, best first."""


@dataclass
class Marks:
    """Every question's marks of one method."""

    method: str
    within: dict[int, list[float]] = field(default_factory=lambda: {budget: [] for budget in BUDGETS})
    at: dict[int, list[float]] = field(default_factory=lambda: {rank: [] for rank in RANKS})
    reciprocal: list[float] = field(default_factory=list)
    by_category: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)

    def row(self) -> list[str]:
        """The means, as cells of a table."""
        means = [*(fmean(self.within[budget]) for budget in BUDGETS), *(fmean(self.at[rank]) for rank in RANKS)]
        cuts = quantiles(self.seconds, n=100) if len(self.seconds) > 1 else [0.0] * 99
        latency = [f"{cuts[49] * 1000:.1f}", f"{cuts[98] * 1000:.1f}"]
        return [self.method, *(f"{mean:.3f}" for mean in means), f"{fmean(self.reciprocal):.3f}", *latency]


HEADER = [
    "method",
    *(f"≤{budget} tok" for budget in BUDGETS),
    *(f"@{rank}" for rank in RANKS),
    "MRR",
    "p50 ms",
    "p99 ms",
]


async def examine(marks: Marks, conversation: Conversation, ask: Ask) -> None:
    """Put every question of a conversation and add the marks."""
    for question in conversation.questions:
        ranked = [message.id for message in await ask(question.text, max(RANKS), None)]
        for rank in RANKS:
            marks.at[rank].append(_share(question, ranked[:rank]))
        marks.reciprocal.append(_reciprocal(question, ranked))
        for budget in BUDGETS:
            started = time.perf_counter()
            answer = await ask(question.text, None, budget)
            marks.seconds.append(time.perf_counter() - started)
            assert sum(tokens_of(message.user, message.text) for message in answer) <= budget
            marks.within[budget].append(_share(question, [message.id for message in answer]))
        marks.by_category.setdefault(question.category, []).append(marks.within[1000][-1])


async def recall_at(rank: int, conversation: Conversation, memory: MemoryManager) -> float:
    """The mean share of the evidence among so many of the best, over a conversation that memory has been told."""
    shares: list[float] = []
    for question in conversation.questions:
        found = await memory.recall(question.text, channel=conversation.name, limit=rank)
        shares.append(_share(question, [recalled.id for recalled in found]))
    return fmean(shares)


async def bearing(conversation: Conversation, questions: Sequence[str], memory: MemoryManager) -> list[bool]:
    """For each question: does memory find anything that bears on it?"""
    found = [await memory.recall(question, channel=conversation.name, limit=20) for question in questions]
    return [any(recalled.covers >= BEARS for recalled in answer) for answer in found]


def _share(question: Asked, found: Sequence[str]) -> float:
    return len(question.evidence & set(found)) / len(question.evidence)


def _reciprocal(question: Asked, ranked: Sequence[str]) -> float:
    return next((1 / rank for rank, name in enumerate(ranked, start=1) if name in question.evidence), 0.0)

"""What memory must beat: the last messages, and BM25 as it comes out of the box."""

from __future__ import annotations

from collections.abc import Sequence

import bm25s
import Stemmer

from bot.memory.budget import within
from bot.models import Message, Recalled
from tests.bench.memory.cases import Conversation
from tests.bench.memory.measures import Ask


def last(conversation: Conversation) -> Ask:
    """The newest messages, whatever is asked."""
    newest = sorted(conversation.messages, key=lambda message: message.sent_at, reverse=True)

    async def ask(question: str, limit: int | None, budget: int | None) -> Sequence[Message]:
        return _cut(newest, limit, budget)

    return ask


def plain_bm25(conversation: Conversation) -> Ask:
    """bm25s with its English stop words and a stemmer, over the texts alone."""
    stemmer = Stemmer.Stemmer("english")
    retriever = bm25s.BM25()
    texts = [message.text for message in conversation.messages]
    retriever.index(bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False), show_progress=False)

    async def ask(question: str, limit: int | None, budget: int | None) -> Sequence[Message]:
        query = bm25s.tokenize(question, stopwords="en", stemmer=stemmer, show_progress=False)
        rows, _ = retriever.retrieve(query, k=len(texts), show_progress=False)
        return _cut([conversation.messages[row] for row in rows[0]], limit, budget)

    return ask


def _cut(messages: Sequence[Message], limit: int | None, budget: int | None) -> list[Message]:
    ranked = [Recalled(message=message, score=0, why="baseline") for message in messages]
    return [recalled.message for recalled in within(ranked, limit, budget)]

"""Conversations with questions: `NAME.messages.jsonl` (id, time, user, text) and `NAME.questions.jsonl` beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.models import Message


@dataclass(frozen=True)
class Asked:
    """A question and the ids of the messages that answer it."""

    text: str
    category: str
    evidence: frozenset[str]


@dataclass(frozen=True)
class Conversation:
    """One channel and what is asked about it."""

    name: str
    messages: tuple[Message, ...]
    questions: tuple[Asked, ...]


def conversations(folder: Path) -> Iterator[Conversation]:
    """Every conversation of a folder."""
    for file in sorted(folder.glob("*.messages.jsonl")):
        name = file.name.removesuffix(".messages.jsonl")
        messages = tuple(_message(name, row) for row in _rows(file))
        known = {message.id for message in messages}
        asked = (_asked(row, known) for row in _rows(folder / f"{name}.questions.jsonl"))
        yield Conversation(name, messages, tuple(question for question in asked if question.evidence))


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _message(channel: str, row: dict[str, Any]) -> Message:
    at = datetime.fromisoformat(row["time"])
    return Message(id=row["id"], channel=channel, user=row["user"], text=row["text"], sent_at=at)


def _asked(row: dict[str, Any], known: set[str]) -> Asked:
    return Asked(row["question"], row["category"], frozenset(row["evidence"]) & known)

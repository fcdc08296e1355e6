"""Keeping the vectors of messages: encoded once, in Redis for every process, in the index of this one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
import structlog

from bot.memory.encoder import Encoder
from bot.memory.index import Index
from bot.memory.question import Key
from bot.memory.store import Store
from bot.memory.vectors import Vector
from bot.models import Message

ENCODED_AT_ONCE = 16
"""Small, so that a question or a new message waits for little while a large channel is being encoded."""
PATIENCE_S = 1.5
"""A question that the encoder does not get to in this time is answered by wording alone."""

log = structlog.get_logger(__name__)


class Meaning:
    """The encoder with its two shelves."""

    def __init__(self, encoder: Encoder, store: Store, index: Index) -> None:
        self._encoder = encoder
        self._store = store
        self._index = index

    async def of(self, question: str) -> Vector | None:
        """The vector of a question; names of people are left to the lexical side.

        None for a question of nothing, and where the encoder is too busy.
        """
        text = await asyncio.to_thread(self._index.nameless, question)
        if not text.strip():
            return None
        try:
            return await asyncio.wait_for(self._encoder.query(text), PATIENCE_S)
        except TimeoutError:
            log.info("memory.encoder_busy", waited_s=PATIENCE_S)
            return None

    async def encode(self, messages: Iterable[Message]) -> None:
        """Give vectors to the messages that have none; others may ask and remember meanwhile."""
        ordered = sorted(messages, key=lambda message: message.channel)
        for _, group in groupby(ordered, key=lambda message: message.channel):
            members = list(group)
            for start in range(0, len(members), ENCODED_AT_ONCE):
                await self._encode(members[start : start + ENCODED_AT_ONCE])

    async def fetch(self, keys: Sequence[Key]) -> None:
        """Take the vectors that Redis has into the index."""
        for channel, group in groupby(sorted(keys), key=lambda key: key[0]):
            ids = [identifier for _, identifier in group]
            packed = await self._store.vectors(channel, ids)
            known = {
                (channel, name): vector
                for name, part in zip(ids, packed, strict=True)
                if (vector := self._read(part)) is not None
            }
            await asyncio.to_thread(self._index.put_vectors, known)

    async def _encode(self, messages: Sequence[Message]) -> None:
        vectors = await self._encoder.documents([message.text for message in messages])
        packed = [self._encoder.fingerprint + vector.tobytes() for vector in vectors]
        kept = {message.id for message in await self._store.put_vectors(messages, packed)}
        await asyncio.to_thread(
            self._index.put_vectors,
            {
                (message.channel, message.id): vector
                for message, vector in zip(messages, vectors, strict=True)
                if message.id in kept
            },
        )

    def _read(self, packed: bytes | None) -> Vector | None:
        """A vector that this encoder made."""
        mark = self._encoder.fingerprint
        if packed is None or not packed.startswith(mark):
            return None
        return np.frombuffer(packed[len(mark) :], dtype=np.float16)

"""How much of a request's body a door takes in."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive

from bot.errors import TooLarge

LINGER_BYTES = 32_000_000
"""So much of a body that is too large is read and forgotten before the refusal is sent: closing a connection on unread
bytes resets it (RFC 9112, 9.6), and a sender that is still writing would never see why it was refused."""
LINGER_S = 10.0


def limited(receive: Receive, limit: int) -> Receive:
    """`receive` for a body of at most `limit` bytes, whatever its length was said to be.

    What it gives raises TooLarge as soon as there are more, after having read on for a while.
    """
    size = 0

    async def measured() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > limit:
            await _read_away(message, receive)
            raise TooLarge(f"A body may have at most {limit:,} bytes.")
        return message

    return measured


async def _read_away(message: Message, receive: Receive) -> None:
    left = LINGER_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_S):
            while left > 0 and message.get("more_body"):
                message = await receive()
                left -= len(message.get("body", b""))

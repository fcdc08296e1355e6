"""Answers, read up to a size."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import httpx

MAX_ANSWER_BYTES = 32_000_000
MAX_LINE_BYTES = 1_000_000


async def bounded(response: httpx.Response) -> bytes | None:
    """The whole body, None if it is too large."""
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_ANSWER_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def whole_lines(response: httpx.Response, max_bytes: int) -> AsyncGenerator[list[bytes], None]:
    """The body as it comes, in lists of whole lines; a line is cut at `MAX_LINE_BYTES`, the body after `max_bytes`."""
    tail, size = b"", 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        *whole, tail = (tail[:MAX_LINE_BYTES] + chunk).split(b"\n")
        if whole:
            yield whole
        if size >= max_bytes:
            return
    if tail:
        yield [tail[:MAX_LINE_BYTES]]

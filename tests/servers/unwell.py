"""A server that is not well, in one of the ways in which servers are not: on a real socket, for whoever asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus


def answer(status: int, body: bytes = b"", kind: str = "application/json", **headers: str) -> bytes:
    """A whole answer in HTTP."""
    named = {"Content-Type": kind, "Content-Length": str(len(body)), "Connection": "close"}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


@asynccontextmanager
async def unwell(says: bytes | None) -> AsyncIterator[int]:
    """Serve until the block ends; gives the port on 127.0.0.1.

    Args:
        says: what everybody is sent, whatever was asked, before the connection is closed; None: nothing, for ever.
    """
    over = asyncio.Event()
    open_: dict[asyncio.StreamWriter, asyncio.Task[object] | None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_[writer] = asyncio.current_task()
        try:
            await reader.read(1)
            if says is None:
                await over.wait()
            else:
                writer.write(says)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            open_.pop(writer)
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        over.set()
        tasks = [task for task in open_.values() if task]
        for writer in tuple(open_):
            writer.close()
        await asyncio.gather(*tasks)

"""Places where a test can hold the bot in the middle of something, for as long as it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot.demo.workspace.server import listening
from tests.e2e.scene import WITHIN_S


class Turnstile:
    """A TCP proxy in front of a local server; while it is closed, whoever connects waits at it."""

    def __init__(self, behind: int) -> None:
        self.port = 0
        self.waiting = asyncio.Event()
        """Somebody stands before the closed turnstile."""
        self._behind = behind
        self._open = asyncio.Event()
        self._open.set()
        self._moment: Callable[[], Awaitable[bool]] | None = None
        self._visits: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Let nobody in from now on; who is inside stays."""
        self.waiting.clear()
        self._open.clear()

    def close_when(self, moment: Callable[[], Awaitable[bool]]) -> None:
        """Close it before the first who comes once the moment is there."""
        self._moment = moment

    def open(self) -> None:
        """Let everybody in."""
        self._moment = None
        self._open.set()

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[Turnstile]:
        """Put it up for as long as the block lasts."""
        server = await asyncio.start_server(self._admit, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for visit in self._visits:
                visit.cancel()
            await asyncio.gather(*self._visits, return_exceptions=True)

    def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visit = asyncio.create_task(self._visit(reader, writer))
        self._visits.add(visit)
        visit.add_done_callback(self._visits.discard)

    async def _visit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._moment and await self._moment():
            self.close()
        if not self._open.is_set():
            self.waiting.set()
        try:
            await self._open.wait()
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._behind)
            await asyncio.gather(_carry(reader, inner_writer), _carry(inner_reader, writer))
        finally:
            writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while piece := await reader.read(65_536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def arrived(there: asyncio.Event) -> None:
    """Wait until the bot stands where the test holds it."""
    async with asyncio.timeout(WITHIN_S):
        await there.wait()


class Slow:
    """An HTTP server that counts what it is asked to do and keeps the answer back; at `/quick` it answers at once."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: list[str] = []
        """The idempotency key of every request, in order."""
        self.asked = asyncio.Event()
        self._answering = asyncio.Event()

    @asynccontextmanager
    async def standing(self) -> AsyncIterator[Slow]:
        """Serve for as long as the block lasts."""
        routes = [Route("/drain", self._drain, methods=["POST"]), Route("/quick", self._quick, methods=["POST"])]
        async with listening(Starlette(routes=routes)) as self.url:
            try:
                yield self
            finally:
                self._answering.set()

    async def _drain(self, request: Request) -> Response:
        self._count(request)
        self.asked.set()
        await self._answering.wait()
        return PlainTextResponse("drained")

    async def _quick(self, request: Request) -> Response:
        self._count(request)
        return PlainTextResponse("done")

    def _count(self, request: Request) -> None:
        self.keys.append(request.headers.get("Idempotency-Key", ""))

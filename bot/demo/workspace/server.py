"""Serving the workspace on a local port, inside the running event loop."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.requests import Request
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]


class Lines:
    """The open connections, so that one can be cut."""

    def __init__(self) -> None:
        self._transports: dict[Peer, asyncio.Transport] = {}

    def cut(self, request: Request) -> None:
        """Break the connection on which that request came."""
        assert request.client, "a request over TCP has a client"
        self._transports[(request.client.host, request.client.port)].abort()

    def protocol(self) -> type[asyncio.Protocol]:
        """uvicorn's HTTP protocol, which also notes its connections here."""
        transports = self._transports

        class Noted(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                transports[transport.get_extra_info("peername")[:2]] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                transports.pop(self.transport.get_extra_info("peername")[:2], None)
                super().connection_lost(exc)

        return Noted


class _Quiet(uvicorn.Server):
    """A server that leaves the signals to the program around it and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0, **options: Any) -> AsyncIterator[str]:
    """Serve until the block ends; gives the address, such as `http://127.0.0.1:40123`."""
    door = socket.create_server((host, port))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", ws="none",
                            timeout_graceful_shutdown=2, **options)  # fmt: skip
    server = _Quiet(config)
    serving = asyncio.create_task(server.serve(sockets=[door]))
    started = asyncio.create_task(server.listening.wait())
    try:
        await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        yield f"http://{host}:{door.getsockname()[1]}"
    finally:
        started.cancel()
        server.should_exit = True
        await serving
        door.close()

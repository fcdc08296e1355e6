"""Serve an application and say where, for the parent that waits to hear it."""

from __future__ import annotations

import socket
import sys

import uvicorn
from starlette.types import ASGIApp


class _Announced(uvicorn.Server):
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or []:
            host, port = listening.getsockname()
            announce(f"http://{host}:{port}")


def announce(line: str) -> None:
    """Say one line to the parent: this process is ready."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def free_port() -> int:
    """A loopback port that nothing listens on, for a program that cannot choose one itself."""
    with listen(0) as probe:
        port: int = probe.getsockname()[1]
        return port


def listen(port: int) -> socket.socket:
    """A loopback socket; 0 is any free port."""
    return socket.create_server(("127.0.0.1", port))


def serve(app: ASGIApp, *, listening: socket.socket) -> None:
    """Serve until told to stop."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    _Announced(config).run(sockets=[listening])

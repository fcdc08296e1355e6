"""`nightdesk serve`: the assembled service behind an HTTP server, until a signal ends it."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from bot.app import assembled
from bot.errors import Misconfigured
from bot.settings import Settings

log = structlog.get_logger(__name__)

BACKLOG = 512
KEEP_ALIVE_S = 30
SHUTDOWN_S = 10
"""How long requests under way may still take when the process ends."""


class _Announcing(uvicorn.Server):
    """Says on standard output where it listens, once it does: people read it, and so do programs."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if sockets and self.started:
            sys.stdout.write(f"{_url(sockets[0])}\n")
            sys.stdout.flush()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at a signal. uvicorn would raise it again afterwards, which would cut off all that ends after it."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)


async def serve(settings: Settings) -> None:
    """Run until SIGINT or SIGTERM; what has begun is finished first.

    Raises:
        Misconfigured: something cannot be used, or the port is taken.
    """
    with listening(settings.host, settings.port) as listener:
        async with assembled(settings) as nightdesk:
            gc.collect()
            gc.freeze()  # it all stays: looking through it for garbage would stop the event loop for 30 ms each time
            config = uvicorn.Config(
                nightdesk.web,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=SHUTDOWN_S,
                server_header=False,
            )
            log.info("serve.listening", url=_url(listener))
            await _Announcing(config).serve(sockets=[listener])
            log.info("serve.stopping")
    log.info("serve.stopped")


def listening(host: str, port: int) -> socket.socket:
    """A socket for the HTTP server.

    Raises:
        Misconfigured: the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named in full: asyncio turns off Nagle's algorithm for TCP only, and an answer in two parts would take 40 ms more.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Misconfigured(
            f"Cannot listen on {host}:{port} ({error.strerror}): stop what uses it, or set NIGHTDESK_PORT."
        ) from None
    listener.listen(BACKLOG)
    return listener


def _url(listener: socket.socket) -> str:
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

"""`python -m bot.demo.payments.traffic`: customers who pay, by real requests at about a given rate."""

from __future__ import annotations

import argparse
import asyncio
import random
import secrets
import signal
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress

import aiohttp

from bot.demo.announce import announce

ACCOUNTS = 12
WALLETS = 400
PATIENCE_S = 6.0


class Customers:
    """A stream of customers who do not wait for each other."""

    def __init__(self, session: aiohttp.ClientSession, *, rate: float, luck: random.Random) -> None:
        self._session = session
        self._rate = rate
        self._luck = luck
        self._waiting: set[asyncio.Task[None]] = set()

    async def come(self) -> None:
        """Let them come until this is cancelled: at random moments, `rate` a second on average."""
        while True:
            await asyncio.sleep(self._luck.expovariate(self._rate))
            self._start(self._look() if self._luck.random() < 0.2 else self._pay())

    def _start(self, visit: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(visit)
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _pay(self) -> None:
        order = {
            "wallet": self._luck.randint(1, WALLETS),
            "account": 1 + int(self._luck.betavariate(1, 2.5) * ACCOUNTS),  # some shops are busier than others
            "cents": int(min(40_000, 120 + self._luck.expovariate(1 / 1400))),
        }
        await self._ask("POST", "/scan-to-pay", order)

    async def _look(self) -> None:
        await self._ask("GET", f"/balance/{self._luck.randint(1, WALLETS)}", None)

    async def _ask(self, method: str, path: str, body: dict[str, int] | None) -> None:
        headers = {"X-Trace-Id": secrets.token_hex(8)}
        with suppress(aiohttp.ClientError, TimeoutError):  # a customer who gets no answer walks away
            async with self._session.request(method, path, json=body, headers=headers) as answer:
                await answer.read()


async def _run(url: str, rate: float, seed: int) -> None:
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sys.exit)
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, timeout=timeout, connector=connector) as session:
        announce("customers come")
        await Customers(session, rate=rate, luck=random.Random(seed)).come()


def main(arguments: Sequence[str] | None = None) -> None:
    """Send requests until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.payments.traffic")
    parser.add_argument("--url", required=True)
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args(arguments)
    asyncio.run(_run(given.url, given.rate, given.seed))


if __name__ == "__main__":
    main()

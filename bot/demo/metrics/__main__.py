"""`python -m bot.demo.metrics`: scrape targets and answer queries, as a process of its own.

It says its address on stdout when it is ready, and serves until it is told to stop.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Sequence

from bot.demo.announce import listen, serve
from bot.demo.metrics.api import create_app
from bot.demo.metrics.scrape import Scraper, Target
from bot.demo.metrics.series import Store
from bot.demo.metrics.syntax import parse


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.metrics")
    parser.add_argument("--target", action="append", required=True, metavar="JOB=URL", help="a page to scrape")
    parser.add_argument("--interval", type=float, default=1.0, help="seconds between scrapes")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    given = parser.parse_args(arguments)
    parse("up")  # the grammar is built at the first query, which somebody would wait for
    store = Store()
    scraper = Scraper(store, tuple(Target(*target.split("=", 1)) for target in given.target))

    async def scraping() -> AsyncIterator[None]:
        task = asyncio.create_task(scraper.run(given.interval))
        yield
        task.cancel()
        await asyncio.wait([task])

    with listen(given.port) as listening:
        serve(create_app(store, scraping), listening=listening)


if __name__ == "__main__":
    main()

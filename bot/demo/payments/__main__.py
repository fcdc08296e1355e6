"""`python -m bot.demo.payments`: the payments service as a process of its own.

It says its address on stdout when it is ready, and serves until it is told to stop.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import disable_created_metrics

from bot.demo.announce import listen, serve
from bot.demo.payments.journal import Journal
from bot.demo.payments.service import create_app


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.payments")
    parser.add_argument("--dsn-env", default="PAYMENTS_DSN", help="variable with the database's connection string")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--log", type=Path, required=True, help="file for JSON lines")
    given = parser.parse_args(arguments)
    disable_created_metrics()  # type: ignore[no-untyped-call] # a second series for each counter that nobody asks for
    with listen(given.port) as listening:
        instance = f"127.0.0.1:{listening.getsockname()[1]}"
        with Journal(given.log, service="payments", instance=instance) as journal:
            serve(create_app(os.environ[given.dsn_env], journal), listening=listening)


if __name__ == "__main__":
    main()

"""`python -m tests.chaos --incidents 300`: the long chaos run on a Postgres of its own; prints the table."""

from __future__ import annotations

import argparse
import asyncio
import sys

from tests.chaos.run import run
from tests.servers.postgres import fresh_database, postgres_running


def main() -> int:
    """0 if every promise was kept."""
    arguments = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    arguments.add_argument("--incidents", type=int, default=300)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--at-once", type=int, default=12, help="alerts that come at the same time")
    given = arguments.parse_args()
    with postgres_running() as server, fresh_database(server) as database:
        judgement = asyncio.run(
            run(
                database.owner.get_secret_value(),
                incidents=given.incidents,
                seed=given.seed,
                at_once=given.at_once,
                every_s=(3.0, 8.0),
            )
        )
    print(judgement.table())
    print("Every promise was kept." if judgement.sound else f"BROKEN: {judgement}")
    return 0 if judgement.sound else 1


if __name__ == "__main__":
    sys.exit(main())

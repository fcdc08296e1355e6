"""`python -m bot.demo.payments.report`: the nightly report that forgets to end its transaction.

It marks every merchant's account as reported, and then sits idle in that transaction: each payment needs one of these
rows and waits in vain. It holds on until its session is ended from outside, says so, and goes.
"""

from __future__ import annotations

import argparse
import os
import select
import sys
from collections.abc import Sequence

import psycopg

from bot.demo.announce import announce

APPLICATION = "reporting-job"
MARK = "UPDATE accounts SET reported_at = now() WHERE kind = 'merchant'"


def hold_lock(dsn: str) -> str:
    """Hold the rows until somebody ends this session; what the server said then."""
    with psycopg.connect(dsn, application_name=APPLICATION) as connection:
        connection.execute(MARK)
        announce(str(connection.info.backend_pid))
        select.select([connection.fileno()], [], [])  # a server speaks unasked only to say goodbye
        try:
            connection.execute("SELECT 1")
        except psycopg.OperationalError as farewell:
            return str(farewell).splitlines()[0]
    return "the transaction ended"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the report."""
    parser = argparse.ArgumentParser(prog="python -m bot.demo.payments.report")
    parser.add_argument("--dsn-env", default="REPORTING_DSN", help="variable with the database's connection string")
    given = parser.parse_args(arguments)
    sys.stderr.write(hold_lock(os.environ[given.dsn_env]) + "\n")


if __name__ == "__main__":
    main()

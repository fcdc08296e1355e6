"""A short chaos run; the long one is `python -m tests.chaos`."""

from __future__ import annotations

import pytest

from tests.chaos.run import run
from tests.servers.postgres import PostgresDatabase


@pytest.mark.timeout(600)
async def test_whatever_dies_no_approval_is_lost_and_nothing_runs_unapproved_or_twice(
    postgres_database: PostgresDatabase,
) -> None:
    dsn = postgres_database.owner.get_secret_value()
    judgement = await run(dsn, incidents=12, seed=7, at_once=6, every_s=(2.0, 4.0))
    assert judgement.sound, judgement
    assert judgement.approved == 12, judgement.table()
    assert judgement.tally.kills, judgement.table()

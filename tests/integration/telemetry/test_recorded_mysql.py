"""What a real MariaDB answers while a queue stands, recorded: it is judged as the live server is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.agents.tools import Toolbox
from bot.telemetry.mysql import MySql
from bot.telemetry.mysql_rows import MySqlSession
from bot.telemetry.recorded_databases import DATABASES, recorded_databases
from bot.telemetry.recorded_mysql import MySqlAnswers
from tests.integration.agents.database.asking import no_pause, scope, suspicious, tools_for
from tests.servers.mariadb import MariaDbServer
from tests.servers.mariadb_queue import CASE, NAME, ROW_WAITERS, answers, queue
from tests.unit.canvas.answers import END, written
from tests.unit.canvas.recordings import CASES

FEW = 6
TOPICS = ("blocking_sessions", "long_transactions", "replication", "deadlocks")
SECONDS_APART = 2.0


def tools_on(folder: Path) -> Toolbox:
    return tools_for(recorded_databases(folder))


def approximately(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Ages go on between two questions."""
    return {
        name: pytest.approx(fact, abs=SECONDS_APART) if name.endswith("_s") else fact for name, fact in facts.items()
    }


async def test_a_recording_is_judged_as_the_server_that_it_was_made_of(
    mariadb_server: MariaDbServer, tmp_path: Path
) -> None:
    live = tools_for({NAME: MySql(NAME, mariadb_server.dsn("nightdesk_reader"), pause=no_pause)})
    async with queue(mariadb_server, payments=FEW) as standing:
        (tmp_path / DATABASES).write_text(written({NAME: await answers(standing, at=END, between_s=0)}))
        recorded = tools_on(tmp_path)
        for topic in TOPICS:
            seen = await live.use(f"database.{topic}", {"database": NAME}, scope())
            kept = await recorded.use(f"database.{topic}", {"database": NAME}, scope())
            assert kept.facts == approximately(seen.facts), topic
            assert (suspicious(kept), kept.gaps) == (suspicious(seen), seen.gaps), topic


async def test_the_committed_recording_is_one_of_such_a_queue(mariadb_server: MariaDbServer) -> None:
    (kept,) = [
        MySqlAnswers.model_validate(one)
        for one in json.loads((CASES / CASE / DATABASES).read_text(encoding="utf-8")).values()
    ]
    async with queue(mariadb_server) as standing:
        fresh = await answers(standing, at=END, between_s=0)
    assert (kept.connections, sorted(kept.holders, key=str)) == (fresh.connections, sorted(fresh.holders, key=str))
    assert len(kept.waits) == len(fresh.waits) > FEW
    assert sorted(map(_seen, kept.sessions or ())) == sorted(map(_seen, fresh.sessions or ()))
    assert len([one for one in kept.sessions or () if one.waited_s is not None]) == ROW_WAITERS


def _seen(session: MySqlSession) -> tuple[str, ...]:
    """All but numbers and ages."""
    return tuple(map(str, (session.user, session.client, session.command, session.state, session.statement)))

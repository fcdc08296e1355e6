"""Databases of a recorded case: their answers are judged as those of live servers are."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.agents.database import database_tools
from bot.agents.scope import Scope
from bot.agents.tools import Toolbox
from bot.catalog import Catalog
from bot.errors import BadInput
from bot.models import Alert, AlertStatus, Report, Window
from bot.telemetry.mysql_rows import Deadlock, MySqlTotals
from bot.telemetry.recorded_databases import DATABASES, Answers, PostgresAnswers, RedisAnswers, recorded_databases
from bot.telemetry.recorded_mysql import MySqlAnswers
from tests.unit.canvas.answers import END, LOCKED, connections, redis, session, statements, told
from tests.unit.canvas.recordings import CASES

AT = datetime(2026, 3, 1, 3, 15, tzinfo=UTC)
SCOPE = Scope(
    incident_id="i",
    alert=Alert(source="generic", name="Slow", status=AlertStatus.FIRING, fingerprint="f"),
    service=None,
    catalog=Catalog(),
    window=Window(start=AT.replace(minute=0), end=AT),
    baseline=Window(start=AT.replace(hour=2), end=AT.replace(minute=0)),
)


async def ask(folder: Path, topic: str, answers: Answers, times: int = 1) -> Report:
    (folder / DATABASES).write_text(json.dumps(told({"db": answers})))
    toolbox = Toolbox(database_tools(recorded_databases(folder), clock=lambda: END))
    for _ in range(times):
        report = await toolbox.use(f"database.{topic}", {"database": "db"}, SCOPE)
    return report


async def test_a_recorded_queue_is_judged_by_its_root(tmp_path: Path) -> None:
    facts = (await ask(tmp_path, "blocking_sessions", LOCKED)).facts
    assert (facts["blocked_count"], facts["root_pid"], facts["root_state"]) == (14, 4711, "idle in transaction")


async def test_only_transactions_that_are_old_enough_count(tmp_path: Path) -> None:
    known = PostgresAnswers(engine="postgres", transactions=(session(1, 300.0), session(2, 5.0)))
    assert (await ask(tmp_path, "long_transactions", known)).facts["long_transaction_count"] == 1


async def test_readings_are_compared_in_order_of_time_whenever_it_is_asked(tmp_path: Path) -> None:
    """The earlier one shows what was usual: 5 ms a call, then 3 s."""
    known = PostgresAnswers(
        engine="postgres", active=(), texts={42: "SELECT * FROM orders WHERE voucher = 'secret'"},
        totals=(statements(1800, 10_000, 50_000.0), statements(1, 10_100, 350_000.0), statements(0, 10_101, 353_000.0)),
    )  # fmt: skip
    for times in (1, 2):
        report = await ask(tmp_path, "slow_statements", known, times)
        assert report.facts["slower_count"] == 1
        said = " ".join(fact.statement for finding in report.findings for fact in finding.evidence)
        assert "FROM orders" in said
        assert "secret" not in said


async def test_a_recorded_redis_is_judged_too(tmp_path: Path) -> None:
    facts = (await ask(tmp_path, "memory", RedisAnswers(engine="redis", totals=(redis(1), redis(0))))).facts
    assert facts["memory_share"] == pytest.approx(0.88)
    assert facts["fragmentation_ratio"] == pytest.approx(2.1)


async def test_a_queue_in_mysql_is_judged_by_its_root(tmp_path: Path) -> None:
    """As it was recorded of a real server: by rows first, by the table behind the migration then."""
    on_mysql = json.loads((CASES / "payments-failing-mysql" / DATABASES).read_text(encoding="utf-8"))["ledger"]
    known = MySqlAnswers.model_validate(on_mysql)
    facts = {**(await ask(tmp_path, "blocking_sessions", known)).facts,
             **(await ask(tmp_path, "connections", known)).facts}  # fmt: skip
    assert (facts["blocked_count"], facts["root_application"], facts["relation"]) == (21, "reports", "ledger.payments")
    assert (facts["root_state"], facts["root_backend_start"]) == ("idle in transaction", "")
    assert facts["root_age_s"] > 60
    assert (facts["connections_used"], facts["connections_share"], facts["holder"]) == (24, 1.0, "payments")


def mysql_totals(before_s: float, deadlocks: int) -> MySqlTotals:
    return MySqlTotals(
        at=END - timedelta(seconds=before_s), uptime_s=int(90_000 - before_s), deadlocks=deadlocks, history_length=3,
        disk_tables=0, memory_tables=0, page_reads=0, page_requests=0, most_connections=9, refused=0,
    )  # fmt: skip


async def test_a_recorded_deadlock_of_mysql_is_told_with_its_tables(tmp_path: Path) -> None:
    latest = Deadlock(
        at="2026-03-01 03:12:00", statements=("UPDATE carts SET n = 7",), tables=("shop.carts",), victim="2"
    )
    readings = (mysql_totals(1800, 5), mysql_totals(1, 8), mysql_totals(0, 8))
    report = await ask(tmp_path, "deadlocks", MySqlAnswers(engine="mysql", totals=readings, deadlock=latest))
    assert report.facts["new_deadlocks"] == 3
    assert "on shop.carts: UPDATE carts SET n = ?" in report.findings[0].evidence[1].statement


@pytest.mark.parametrize(
    ("topic", "question"),
    [("blocking_sessions", "sessions"), ("long_transactions", "sessions"), ("connections", "totals"),
     ("replication", "replication"), ("vacuum", "totals"), ("storage", "totals")],
)  # fmt: skip
async def test_a_question_to_mysql_whose_answer_was_not_kept_is_a_gap(
    tmp_path: Path, topic: str, question: str
) -> None:
    report = await ask(tmp_path, topic, MySqlAnswers(engine="mysql"))
    assert report.facts == {}
    assert f"holds no '{question}'" in report.gaps[0].reason


@pytest.mark.parametrize(
    ("topic", "question"),
    [("blocking_sessions", "locks"), ("connections", "connections"), ("replication", "replication"),
     ("vacuum", "upkeep"), ("storage", "totals"), ("deadlocks", "totals")],
)  # fmt: skip
async def test_a_question_whose_answer_was_not_kept_is_a_gap(tmp_path: Path, topic: str, question: str) -> None:
    report = await ask(tmp_path, topic, PostgresAnswers(engine="postgres"))
    assert report.facts == {}
    assert f"holds no '{question}'" in report.gaps[0].reason


async def test_one_answer_is_enough_for_the_questions_that_it_answers(tmp_path: Path) -> None:
    known = PostgresAnswers(engine="postgres", connections=connections(96))
    assert (await ask(tmp_path, "connections", known)).facts["connections_share"] == pytest.approx(0.96)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("{", "cannot be read"),
        ({"db": {"engine": "oracle"}}, "'postgres', 'mysql', 'redis'"),
        ({"db": {"engine": "mysql", "sessions": [{"pid": "x"}]}}, r"db.mysql.sessions.0.pid"),
        ({"db": {"engine": "postgres", "lokcs": []}}, "lokcs"),
        ({"db": {"engine": "redis", "totals": [{}]}}, r"db.redis.totals.0.at"),
        ([], "dictionary"),
    ],
)
def test_what_is_no_recording_is_refused_with_its_place(tmp_path: Path, written: Any, said: str) -> None:
    (tmp_path / DATABASES).write_text(written if isinstance(written, str) else json.dumps(written))
    with pytest.raises(BadInput, match=said) as caught:
        recorded_databases(tmp_path)
    assert str(tmp_path / DATABASES) in str(caught.value)

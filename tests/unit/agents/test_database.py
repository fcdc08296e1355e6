"""What the database agent makes of what it saw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.database import database_tools
from bot.agents.database_findings import connections, replication, slow_statements, totals, transactions
from bot.agents.database_locks import blocking
from bot.agents.database_subject import Subject
from bot.telemetry.postgres_rows import (
    Connections,
    Counters,
    Holder,
    LockedSession,
    Replication,
    Session,
    Slot,
    Standby,
    StatementCounts,
    deltas,
    lock_tree,
)

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
SUBJECT = Subject("payments", AT)


def session(pid: int, **given: Any) -> Any:
    defaults: dict[str, Any] = {
        "pid": pid,
        "backend_start": AT - timedelta(hours=1),
        "backend_type": "client backend",
        "role": "app",
        "application": "checkout",
        "state": "active",
        "transaction_start": AT - timedelta(seconds=300),
        "query_start": AT - timedelta(seconds=200),
        "transaction_age_s": 300,
        "state_age_s": 200,
        "statement_age_s": 200,
        "statement": "UPDATE orders SET state = 'paid' WHERE id = 7",
    }
    kind = LockedSession if {"blocked_by", "waited_s"} & given.keys() else Session
    return kind(**{**defaults, **given})


def queue(length: int, **root: Any) -> tuple[Any, ...]:
    waiting = [session(100 + n, blocked_by=(1 if n == 0 else 100,), waited_s=60 - n) for n in range(length)]
    return blocking(SUBJECT, lock_tree([session(1, blocked_by=None, **root), *waiting]))


def used(**given: Any) -> Connections:
    defaults = {"limit_total": 100, "reserved": 3, "used": 20, "used_here": 10, "active": 2, "idle": 18,
                "idle_in_transaction": 0}  # fmt: skip
    return Connections(**{**defaults, **given})


def counters(**given: Any) -> Counters:
    defaults = {"at": AT, "since": AT - timedelta(days=9), "deadlocks": 5, "temp_files": 0, "temp_bytes": 0,
                "commits": 1, "rollbacks": 0, "frozen_age": 1000, "work_mem": "4MB"}  # fmt: skip
    return Counters(**{**defaults, **given})


def test_more_sessions_behind_an_idle_root_are_more_suspicious() -> None:
    scores = [queue(length, state="idle in transaction")[0].score for length in range(1, 7)]
    assert scores == sorted(scores)
    assert scores[2] > 0.9


def test_a_blocker_that_works_for_long_may_be_cancelled_before_it_is_ended() -> None:
    (finding,) = queue(3)
    assert [remedy.action for remedy in finding.remedies] == ["postgres.cancel_query", "postgres.terminate_backend"]
    assert "query_start" in finding.remedies[0].parameters
    assert "transaction_start" in finding.remedies[1].parameters


def test_everybody_behind_a_blocker_counts_not_only_the_first() -> None:
    (finding,) = queue(4)
    assert (finding.facts["blocked_count"], finding.facts["directly_blocked_count"]) == (4, 1)


@pytest.mark.parametrize("root", [{"superuser": True}, {"backend_type": "autovacuum worker"}, {"backend_start": None}])
def test_nothing_is_suggested_against_the_servers_own(root: dict[str, Any]) -> None:
    (finding,) = queue(5, **root)
    assert finding.score > 0.9
    assert finding.remedies == ()


def test_two_trees_are_two_findings_the_worst_first() -> None:
    sessions = [
        session(1, blocked_by=None), session(2, blocked_by=None),
        session(11, blocked_by=(1,), waited_s=9),
        session(21, blocked_by=(2,), waited_s=9), session(22, blocked_by=(2,), waited_s=9),
    ]  # fmt: skip
    findings = blocking(SUBJECT, lock_tree(sessions))
    assert [finding.facts["root_pid"] for finding in findings] == [2, 1]
    assert len({evidence.id for finding in findings for evidence in finding.evidence}) == 6


def test_sessions_that_wait_in_a_circle_have_no_root() -> None:
    sessions = [session(1, blocked_by=(2,), waited_s=1), session(2, blocked_by=(1,), waited_s=1)]
    (finding,) = blocking(SUBJECT, lock_tree(sessions))
    assert finding.remedies == ()
    assert (finding.facts["blocked_count"], finding.facts["root_pid"]) == (2, 0)


def test_no_customer_value_reaches_a_finding() -> None:
    (finding,) = queue(3, statement="UPDATE users SET mail = 'ann@example.com' WHERE id = 99")
    assert "ann@example.com" not in finding.model_dump_json()
    assert "99" not in finding.facts["root_statement"]


def test_an_application_name_is_one_short_printable_line() -> None:
    (finding,) = queue(1, application="a\n<!channel>\x00" + "b" * 500)
    assert finding.facts["root_application"].isprintable()
    assert len(finding.facts["root_application"]) <= 80


def test_an_idle_transaction_is_told_apart_from_one_that_works() -> None:
    idle = session(1, state="idle in transaction", state_age_s=600)
    findings = transactions(SUBJECT, [idle, session(2)])
    assert [finding.kind for finding in findings] == ["idle_in_transaction", "long_transaction"]
    assert [remedy.action for remedy in findings[0].remedies] == ["postgres.terminate_backend"]
    assert findings[1].remedies == ()


@pytest.mark.parametrize(("connected", "suspicious"), [(20, False), (60, False), (90, True), (97, True)])
def test_connections_are_suspicious_near_their_limit(connected: int, suspicious: bool) -> None:
    assert (connections(SUBJECT, used(used=connected), []).score >= 0.15) is suspicious


def test_a_roles_own_limit_counts_too() -> None:
    holder = Holder(role="app", application="checkout", used=10, limit_role=10, used_role=10)
    finding = connections(SUBJECT, used(), [holder])
    assert finding.score == 1
    assert "10 of its 10" in finding.title


def test_who_waits_for_a_lock_is_no_slow_statement() -> None:
    (finding,) = slow_statements(SUBJECT, [session(1, wait_event_type="Lock")], None, 1)
    assert finding.score == 0


def test_a_long_statement_may_be_cancelled() -> None:
    (finding,) = slow_statements(SUBJECT, [session(1)], None, 1)
    assert [remedy.action for remedy in finding.remedies] == ["postgres.cancel_query"]


def test_a_statement_that_became_slow_is_found_by_its_counts() -> None:
    before = StatementCounts(
        userid=1, queryid=5, toplevel=True, calls=1000, total_ms=5000, rows=0, blocks_read=0, temp_blocks=0
    )
    after = before.model_copy(update={"calls": 1002, "total_ms": 6000})
    (delta,) = deltas([before], [after], {5: "SELECT * FROM orders WHERE id = $1"})
    (finding,) = slow_statements(SUBJECT, [], [delta], 1)
    assert (finding.evidence[0].value, finding.evidence[0].baseline) == (500, 5)
    assert finding.score > 0.5


def test_counts_that_were_reset_in_between_say_nothing() -> None:
    before = StatementCounts(
        userid=1, queryid=5, toplevel=True, calls=10, total_ms=9, rows=0, blocks_read=0, temp_blocks=0
    )
    assert deltas([before], [before.model_copy(update={"calls": 1})], {}) == ()


def test_a_copy_that_is_far_behind_is_suspicious() -> None:
    standby = Standby(name="replica", state="streaming", sync_state="async", lag_s=120, lag_bytes=1e9)
    finding = replication(SUBJECT, Replication(standby=False, behind_s=0, paused=False, standbys=(standby,)))
    assert finding.score > 0.8
    assert finding.facts["replication_lag_s"] == 120


def test_a_forgotten_slot_is_suspicious_when_it_keeps_much() -> None:
    def score(retained: float) -> float:
        slot = Slot(name="s", type="physical", active=False, wal_status="reserved", retained_bytes=retained)
        return replication(SUBJECT, Replication(standby=False, behind_s=0, paused=False, slots=(slot,))).score

    assert score(1e6) == 0
    assert score(40e9) > 0.4


def test_deadlocks_are_suspicious_only_when_they_are_new() -> None:
    assert totals(SUBJECT, counters(), None)[0].score == 0
    later = counters(at=AT + timedelta(seconds=60), deadlocks=9)
    assert totals(SUBJECT, later, counters())[0].score > 0.8


def test_totals_that_were_reset_are_not_compared() -> None:
    later = counters(since=AT, deadlocks=9)
    assert totals(SUBJECT, later, counters())[0].score == 0


def test_a_near_wraparound_is_told() -> None:
    assert [finding.kind for finding in totals(SUBJECT, counters(frozen_age=1_900_000_000), None)] == [
        "deadlocks",
        "wraparound",
    ]


def test_the_tools_are_the_database_agents() -> None:
    assert {tool.name for tool in database_tools({})} == {
        "database.blocking_sessions",
        "database.long_transactions",
        "database.connections",
        "database.slow_statements",
        "database.replication",
        "database.look",
    }
    assert {tool.agent for tool in database_tools({})} == {"database"}

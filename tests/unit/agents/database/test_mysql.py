"""What the database agent makes of what it saw in a MySQL or MariaDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.database.mysql_server import deadlocks, history, replication, storage
from bot.agents.database.mysql_sessions import blocking, connections, transactions
from bot.agents.database.mysql_statements import slow_statements, table_of
from bot.agents.database.subject import Subject
from bot.telemetry.mysql_rows import (
    Digest,
    LockWait,
    MySqlConnections,
    MySqlHolder,
    MySqlReplication,
    MySqlSession,
    MySqlTotals,
    ReplicaChannel,
    lock_tree,
)
from bot.telemetry.readings import Spans

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
SUBJECT = Subject("payments", AT)


def session(pid: int, **given: Any) -> MySqlSession:
    return MySqlSession(**{"pid": pid, "user": "app", "command": "Query", "state_age_s": 30, **given})


def idle(pid: int, age_s: float = 300) -> MySqlSession:
    return session(pid, command="Sleep", state="", state_age_s=age_s - 5, transaction_age_s=age_s)


def waiting(pid: int, waited_s: float = 20) -> MySqlSession:
    return session(pid, statement="UPDATE t SET a = 'x'", transaction_age_s=waited_s, waited_s=waited_s)


def altering(pid: int, waited_s: float = 20) -> MySqlSession:
    return session(pid, state="Waiting for table metadata lock", state_age_s=waited_s)


def totals(at_s: float = 0, digests: tuple[Digest, ...] | None = None, **given: Any) -> MySqlTotals:
    defaults = {"at": AT + timedelta(seconds=at_s), "uptime_s": 86400 + int(at_s), "deadlocks": 5, "history_length": 10,
                "disk_tables": 0, "memory_tables": 0, "page_reads": 0, "page_requests": 0, "most_connections": 50,
                "refused": 0}  # fmt: skip
    return MySqlTotals(**{**defaults, **given}, digests=digests)


def moment(last: MySqlTotals, *, earlier: MySqlTotals | None = None, first: MySqlTotals | None = None) -> Any:
    return Spans(first or totals(-1), last, earlier)


def digest(calls: int, total_ms: float, rows: int = 0, without_index: int = 0, **given: Any) -> Digest:
    defaults = {"schema": "shop", "digest": "d1", "statement": "SELECT * FROM `orders` WHERE `customer` = ?",
                "disk_tables": 0}  # fmt: skip
    return Digest(
        calls=calls, total_ms=total_ms, rows_examined=rows, without_index=without_index, **{**defaults, **given}
    )


def looking(calls: int, disk_tables: int) -> Digest:
    statement = "SELECT * FROM `performance_schema` . `threads`"
    return digest(calls, calls * 900.0, digest="d2", statement=statement, disk_tables=disk_tables, of_onlooker=True)


def test_two_who_wait_for_an_idle_one_and_for_each_other_have_one_root() -> None:
    locks = lock_tree(
        [idle(1), waiting(2), waiting(3, 10)], [LockWait(waiter=2, blocker=1), LockWait(waiter=3, blocker=2)]
    )
    (finding,) = blocking(SUBJECT, locks)
    assert (finding.facts["root_pid"], finding.facts["blocked_count"]) == (1, 2)
    assert finding.facts["directly_blocked_count"] == 1
    assert finding.remedies == ()


def test_a_holder_that_the_server_does_not_tell_is_called_probable_and_scores_less() -> None:
    told = blocking(SUBJECT, lock_tree([idle(1), altering(2)], [LockWait(waiter=2, blocker=1, relation="shop.t")]))[0]
    guessed = blocking(SUBJECT, lock_tree([idle(1), altering(2)], []))[0]
    assert guessed.facts["root_pid"] == told.facts["root_pid"] == 1
    assert "probably" in guessed.title
    assert "probably" not in told.title
    assert guessed.score < told.score


def test_a_transaction_that_is_younger_than_the_wait_is_not_suspected() -> None:
    locks = lock_tree([idle(1, age_s=10), altering(2, waited_s=20)], [])
    (finding,) = blocking(SUBJECT, locks)
    assert finding.facts["root_pid"] == 0
    assert finding.facts["blocked_count"] == 1


def test_idle_and_working_transactions_are_told_apart() -> None:
    found = transactions(SUBJECT, [idle(1, 600), session(2, transaction_age_s=900, statement="DELETE FROM t")])
    assert [finding.kind for finding in found] == ["idle_in_transaction", "long_transaction"]
    assert "KILL 1" in found[0].evidence[0].statement


@pytest.mark.parametrize(("used", "suspicious"), [(20, False), (60, False), (90, True), (100, True)])
def test_connections_are_suspicious_near_their_limit(used: int, suspicious: bool) -> None:
    seen = MySqlConnections(used=used, limit_total=100, limit_user=0, running=1)
    assert (connections(SUBJECT, seen, [], moment(totals())).score >= 0.15) is suspicious


def test_the_limit_of_each_user_counts_too() -> None:
    seen = MySqlConnections(used=20, limit_total=100, limit_user=10, running=1)
    holders = [MySqlHolder(user="app", client=host, used=5, idle=5) for host in ("10.0.0.1", "10.0.0.2")]
    finding = connections(SUBJECT, seen, holders, moment(totals()))
    assert finding.score == 1
    assert "app uses 10 of its 10" in finding.title


def test_that_the_limit_was_reached_between_two_readings_is_told() -> None:
    seen = MySqlConnections(used=20, limit_total=100, limit_user=0, running=1)
    full = moment(totals(most_connections=101), first=totals(-1, most_connections=60))
    always = moment(totals(most_connections=101), first=totals(-1, most_connections=101))
    assert connections(SUBJECT, seen, [], full).score > 0.5
    assert connections(SUBJECT, seen, [], always).score <= 0


def test_a_statement_that_reads_many_times_the_rows_without_its_index_is_found() -> None:
    before, after = digest(1000, 200, rows=8000), digest(1010, 900, rows=408_000, without_index=10)
    (finding,) = slow_statements(SUBJECT, [], moment(totals(digests=(after,)), first=totals(-1, digests=(before,))))
    assert finding.kind == "sequential_scans"
    assert finding.facts["scanned_table"] == "orders"
    assert finding.score > 0.8


def test_a_statement_that_never_had_an_index_is_no_news() -> None:
    before = digest(1000, 70_000, rows=40_000_000, without_index=1000)
    after = digest(1010, 70_700, rows=40_400_000, without_index=1010)
    (finding,) = slow_statements(SUBJECT, [], moment(totals(digests=(after,)), first=totals(-1, digests=(before,))))
    assert finding.score == 0


def test_a_statement_that_became_slow_is_found_by_its_counts() -> None:
    before, after = digest(1000, 5000), digest(1002, 6000)
    (finding,) = slow_statements(SUBJECT, [], moment(totals(digests=(after,)), first=totals(-1, digests=(before,))))
    assert (finding.kind, finding.evidence[0].value, finding.evidence[0].baseline) == ("slow_statement", 500, 5)


def test_what_runs_for_long_is_told_and_what_sleeps_is_not() -> None:
    sleeping = session(2, command="Sleep", state_age_s=4000)
    (finding,) = slow_statements(SUBJECT, [session(1, state_age_s=300), sleeping], moment(totals()))
    assert finding.facts["slow_statement_count"] == 1
    assert "KILL QUERY 1" in finding.evidence[0].statement


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        ("SELECT * FROM `shop` . `orders` WHERE id = ?", "shop.orders"),
        ("UPDATE orders SET a = ?", "orders"),
        ("INSERT INTO `o` VALUES (?)", "o"),
        ("SELECT ?", ""),
    ],
)
def test_the_table_of_a_statement_is_told_from_its_text(statement: str, table: str) -> None:
    assert table_of(statement) == table


def channel(**given: Any) -> ReplicaChannel:
    return ReplicaChannel(**{"name": "db1", "receiving": True, "applying": True, "behind_s": 0, **given})


@pytest.mark.parametrize(
    ("seen", "at_least", "at_most"),
    [
        (channel(), 0, 0),
        (channel(behind_s=600), 0.8, 1),
        (channel(behind_s=600, meant_s=600), 0, 0),
        (channel(applying=False, behind_s=None), 0.5, 0.5),
        (channel(applying=False, behind_s=None, error="error 1062 (the row is already there)"), 0.85, 0.85),
    ],
)
def test_a_copy_is_suspicious_by_how_it_is_behind(seen: ReplicaChannel, at_least: float, at_most: float) -> None:
    assert at_least <= replication(SUBJECT, MySqlReplication(channels=(seen,), followers=0)).score <= at_most


def test_deadlocks_after_a_restart_are_not_compared_with_those_before() -> None:
    restarted = totals(0, deadlocks=3, uptime_s=20)
    assert deadlocks(SUBJECT, moment(restarted, first=restarted, earlier=totals(-600)), None).score == 0
    assert deadlocks(SUBJECT, moment(totals(deadlocks=9), earlier=totals(-60)), None).score > 0.7


def test_a_long_history_is_told_to_be_kept_by_somebody() -> None:
    finding = history(SUBJECT, moment(totals(history_length=2_000_000)))
    assert finding.score > 0.5
    assert finding.facts["cleaning_blocked"]


def test_a_buffer_pool_that_misses_more_than_ever_is_an_echo() -> None:
    before = totals(-600, page_requests=10**9, page_reads=10**5)
    after = totals(page_requests=10**9 + 10**5, page_reads=10**5 + 50_000)
    (finding,) = storage(SUBJECT, moment(after, earlier=before), 1 << 30)
    assert finding.kind == "cache_misses"
    assert finding.score < 0.5


def test_temporary_tables_of_monitoring_are_no_sign_of_who_works_with_the_server() -> None:
    before = totals(-10, digests=(looking(100, 1000), digest(100, 100)), disk_tables=1000)
    watched = totals(digests=(looking(110, 3000), digest(110, 110)), disk_tables=3000)
    worked = totals(digests=(looking(110, 3000), digest(110, 110, disk_tables=500)), disk_tables=3500)
    (normal,) = storage(SUBJECT, moment(watched, first=before), 1 << 30)
    (spill,) = storage(SUBJECT, moment(worked, first=before), 1 << 30)
    assert (normal.kind, normal.facts["spilled_count"]) == ("disk", 0)
    assert (spill.kind, spill.facts["spilled_count"]) == ("temp_spill", 500)
    assert spill.title.startswith("Statements on payments put 50 temporary tables a second on disk, usually 0.01")
    assert "orders" in spill.evidence[1].statement


def test_temporary_tables_are_not_taken_for_those_of_monitoring_where_one_reading_lacks_the_statements() -> None:
    before = totals(-10, digests=None, disk_tables=1000)
    after = totals(digests=(looking(100, 40),), disk_tables=1040)
    (finding,) = storage(SUBJECT, moment(after, first=before), 1 << 30)
    assert finding.facts["spilled_count"] == 40


def test_a_statement_of_monitoring_that_became_slow_is_nobodys_trouble() -> None:
    before, after = looking(10, 0), looking(20, 0).model_copy(update={"total_ms": 90_000.0})
    (finding,) = slow_statements(SUBJECT, [], moment(totals(digests=(after,)), first=totals(-1, digests=(before,))))
    assert finding.score == 0

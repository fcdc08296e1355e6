"""What the database agent makes of what it saw."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.database.postgres_copies import replication
from bot.agents.database.postgres_locks import blocking
from bot.agents.database.postgres_sessions import connections, transactions
from bot.agents.database.postgres_statements import Load, slow_statements, table_scans
from bot.agents.database.postgres_storage import deadlocks, storage
from bot.agents.database.postgres_upkeep import vacuum
from bot.agents.database.subject import Subject
from bot.telemetry.postgres_rows import (
    Connections,
    Holder,
    Horizon,
    LockedSession,
    Replication,
    Session,
    Slot,
    Space,
    Standby,
    Unclean,
    Upkeep,
    Wraparound,
    lock_tree,
)
from bot.telemetry.postgres_totals import (
    Checkpoints,
    Counters,
    StatementCounts,
    StatementDelta,
    TableCounts,
    Totals,
    statement_deltas,
)
from bot.telemetry.readings import Spans

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


def totals(
    at_s: float = 0,
    *,
    tables: tuple[TableCounts, ...] = (),
    checkpoints: dict[str, Any] | None = None,
    **given: Any,
) -> Totals:
    """A reading so many seconds after AT."""
    counters = {"at": AT + timedelta(seconds=at_s), "since": AT - timedelta(days=9),
                "server_started_at": AT - timedelta(days=20), "deadlocks": 5, "temp_files": 0, "temp_bytes": 0,
                "commits": 1, "rollbacks": 0, "work_mem": "4MB"}  # fmt: skip
    made = {"timed": 100, "requested": 3, "write_ms": 0, "sync_ms": 0, "max_wal_size": "1GB", **(checkpoints or {})}
    return Totals(counters=Counters(**{**counters, **given}), checkpoints=Checkpoints(**made), tables=tables)


def moment(last: Totals, *, earlier: Totals | None = None, first: Totals | None = None) -> Spans[Totals]:
    return Spans(first or totals(-1), last, earlier)


def load(*statements: StatementDelta, spans: Spans[Totals] | None = None) -> Load:
    return Load(spans or moment(totals()), statements)


def table(scans: int, *indexes: str, rows: int = 1_000_000) -> TableCounts:
    return TableCounts(
        relid=7, name="orders", live_rows=rows, size_bytes=1 << 30, scans=scans, scanned_rows=scans * rows,
        indexes=indexes,
    )  # fmt: skip


def space(at_s: float = 0, gibibytes: float = 10) -> Space:
    taken = int(gibibytes * (1 << 30))
    return Space(at=AT + timedelta(seconds=at_s), database_bytes=taken, log_bytes=0, temporary_bytes=0)


def upkeep(*unclean: Unclean, age: int = 1000, horizon: Horizon | None = None, waiting: int = 0) -> Upkeep:
    frozen = Wraparound(database="payments", age=age, freeze_at=200_000_000)
    return Upkeep(wraparound=frozen, unclean=unclean, horizon=horizon, waiting=waiting, running=0, workers=3)


def unclean(dead: int, **given: Any) -> Unclean:
    defaults: dict[str, Any] = {"name": "jobs", "live_rows": 100_000, "dead_rows": dead, "cleaned_at": 20_050,
                                "vacuumed_ago_s": 90_000, "autovacuum_off": False}  # fmt: skip
    return Unclean(**{**defaults, **given})


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
    (finding,) = slow_statements(SUBJECT, [session(1, wait_event_type="Lock")], load(), ())
    assert finding.score == 0


def test_a_long_statement_may_be_cancelled() -> None:
    (finding,) = slow_statements(SUBJECT, [session(1)], load(), ())
    assert [remedy.action for remedy in finding.remedies] == ["postgres.cancel_query"]


def test_a_statement_that_became_slow_is_found_by_its_counts() -> None:
    before = StatementCounts(
        userid=1, queryid=5, toplevel=True, calls=1000, total_ms=5000, rows=0, blocks_read=0, temp_blocks=0
    )
    after = before.model_copy(update={"calls": 1002, "total_ms": 6000})
    (delta,) = statement_deltas([before], [after])
    (finding,) = slow_statements(SUBJECT, [], load(delta), ())
    assert (finding.evidence[0].value, finding.evidence[0].baseline) == (500, 5)
    assert finding.score > 0.5


def test_counts_that_were_reset_in_between_say_nothing() -> None:
    before = StatementCounts(
        userid=1, queryid=5, toplevel=True, calls=10, total_ms=9, rows=0, blocks_read=0, temp_blocks=0
    )
    assert statement_deltas([before], [before.model_copy(update={"calls": 1})]) == ()


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


def test_a_copy_that_is_meant_to_be_behind_is_not() -> None:
    meant = Replication(standby=True, behind_s=3600, paused=False, meant_s=3600)
    finding = replication(SUBJECT, meant)
    assert finding.score == 0
    assert "told to stay 60 min behind" in finding.title


def test_a_copy_that_lost_its_source_is_suspicious_although_it_has_replayed_all_that_it_has() -> None:
    cut_off = Replication(standby=True, behind_s=0, paused=False, receiving=False)
    finding = replication(SUBJECT, cut_off)
    assert finding.score >= 0.5
    assert finding.facts["replication_broken"]


def test_deadlocks_are_suspicious_only_when_they_are_new() -> None:
    assert deadlocks(SUBJECT, moment(totals())).score == 0
    assert deadlocks(SUBJECT, moment(totals(deadlocks=9), earlier=totals(-60))).score > 0.7


def test_one_deadlock_within_an_hour_is_daily_life() -> None:
    assert (
        deadlocks(SUBJECT, moment(totals(deadlocks=6), first=totals(-1, deadlocks=6), earlier=totals(-3500))).score
        < 0.15
    )


def test_deadlocks_of_the_last_minutes_do_not_drown_in_the_hour() -> None:
    spans = Spans(totals(-1, deadlocks=13), totals(deadlocks=13), totals(-3500), totals(-240, deadlocks=5))
    finding = deadlocks(SUBJECT, spans)
    assert finding.facts == {"new_deadlocks": 8, "deadlocks_per_min": 2}
    assert finding.score > 0.4


def test_totals_that_were_reset_are_not_compared() -> None:
    reset = totals(since=AT, deadlocks=9)
    finding = deadlocks(SUBJECT, moment(reset, earlier=totals(-60)))
    assert finding.score == 0
    assert "reset" in finding.title


def test_a_near_wraparound_is_told() -> None:
    (finding,) = vacuum(SUBJECT, upkeep(age=1_900_000_000))
    assert finding.kind == "wraparound"
    assert finding.score > 0.9


def test_dead_rows_beyond_what_autovacuum_waits_for_are_suspicious() -> None:
    calm, late = vacuum(SUBJECT, upkeep(unclean(15_000)))[0], vacuum(SUBJECT, upkeep(unclean(900_000)))[0]
    assert (calm.score, late.kind) == (0, "vacuum")
    assert late.score > 0.3


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (upkeep(unclean(900_000, autovacuum_off=True)), "switched off"),
        (upkeep(unclean(900_000), waiting=2), "2 autovacuum workers wait"),
        (
            upkeep(unclean(900_000), horizon=Horizon(kind="session", name="42", age=5, state="idle in transaction")),
            "session 42 may still want to see them",
        ),
        (
            upkeep(unclean(900_000), horizon=Horizon(kind="replication slot", name="old", age=10**7, state=None)),
            "replication slot old",
        ),
    ],
)
def test_what_keeps_rows_from_being_cleaned_is_named(seen: Upkeep, why: str) -> None:
    (finding,) = vacuum(SUBJECT, seen)
    assert why in finding.title
    assert finding.facts["cleaning_blocked"]
    assert finding.score > vacuum(SUBJECT, upkeep(unclean(900_000)))[0].score


def test_a_large_table_that_is_suddenly_scanned_is_found_by_its_usual_rate() -> None:
    spans = moment(totals(tables=(table(1010),)), first=totals(-1, tables=(table(1000),)))
    (scan,) = table_scans(load(spans=spans))
    assert scan.score > 0.6
    assert scan.table.expected_scans < 0.01


def test_a_table_that_is_always_scanned_so_often_is_not() -> None:
    ever = 10 * 9 * 86400
    spans = moment(totals(tables=(table(ever + 12),)), first=totals(-1, tables=(table(ever),)))
    assert table_scans(load(spans=spans)) == ()


def test_a_small_table_may_be_scanned() -> None:
    spans = moment(totals(tables=(table(2000, rows=500),)), first=totals(-1, tables=(table(1, rows=500),)))
    assert table_scans(load(spans=spans)) == ()


def test_an_index_that_was_there_earlier_is_named_with_the_statement() -> None:
    spans = moment(
        totals(tables=(table(1004, "orders_pkey"),)),
        first=totals(-1, tables=(table(1000, "orders_pkey"),)),
        earlier=totals(-1800, tables=(table(1000, "orders_pkey", "orders_customer"),)),
    )
    delta = StatementDelta(
        queryid=1, statement="SELECT * FROM public.orders WHERE customer = $1", calls=4, total_ms=900, mean_ms=225,
        usual_ms=0.2, blocks_read=0, temp_blocks=0,
    )  # fmt: skip
    seen = load(delta, spans=spans)
    (finding,) = slow_statements(SUBJECT, [], seen, table_scans(seen))
    assert finding.kind == "sequential_scans"
    assert finding.facts["lost_index"] == "orders_customer"
    assert "orders WHERE customer" in finding.facts["scanning_statement"]
    assert finding.score >= 0.85


def test_a_statement_is_not_matched_by_a_part_of_a_name() -> None:
    delta = StatementDelta(queryid=1, statement="SELECT * FROM reorders_old", calls=1, total_ms=9, mean_ms=9,
                           usual_ms=None, blocks_read=0, temp_blocks=0)  # fmt: skip
    assert load(delta).statement_on("public.orders") is None


def test_checkpoints_before_their_time_are_told_with_the_setting_that_asks_for_them() -> None:
    spans = moment(totals(checkpoints={"requested": 43}), earlier=totals(-600))
    (finding,) = storage(SUBJECT, spans, space(), None, [])
    assert finding.kind == "checkpoints"
    assert "max_wal_size (1GB)" in finding.title


def test_an_archive_that_fails_is_told_before_the_disk_is_full() -> None:
    spans = moment(totals(checkpoints={"archiving_fails": True, "archive_failures": 7}))
    (finding,) = storage(SUBJECT, spans, space(), None, [])
    assert (finding.kind, finding.facts["persistence_failing"]) == ("wal_archiving", True)


def test_a_cache_that_answers_less_than_ever_is_an_echo() -> None:
    before = totals(-600, blocks_hit=99_000_000, blocks_read=100_000)
    after = totals(blocks_hit=99_050_000, blocks_read=150_000)
    (finding,) = storage(SUBJECT, moment(after, earlier=before), space(), None, [])
    assert finding.kind == "cache_misses"
    assert finding.score < 0.5


def test_growth_is_told_by_the_hour() -> None:
    (finding,) = storage(SUBJECT, moment(totals()), space(), space(-600, gibibytes=8), [])
    assert finding.kind == "disk"
    assert "12.0 GiB an hour" in finding.title
    assert storage(SUBJECT, moment(totals()), space(), space(-600, gibibytes=9.99), [])[0].score == 0

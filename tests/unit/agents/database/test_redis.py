"""What the database agent makes of what it saw in a Redis."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot.agents.database.redis_memory import blocked, memory
from bot.agents.database.redis_server import connections, persistence, replication, slow_commands
from bot.agents.database.subject import Subject
from bot.telemetry.readings import Spans
from bot.telemetry.redis_rows import RedisTotals, SlowCommand, totals_of

AT = datetime(2026, 5, 1, 3, 0, tzinfo=UTC)
SUBJECT = Subject("cache", AT)
CALM: dict[str, Any] = {
    "run_id": "r1", "used_memory": 500_000_000, "used_memory_rss": 520_000_000, "maxmemory": 1_000_000_000,
    "maxmemory_policy": "noeviction", "mem_fragmentation_ratio": 1.04, "connected_clients": 10, "maxclients": 100,
    "keyspace_hits": 9_000_000, "keyspace_misses": 1_000_000, "role": "master",
    "cmdstat_get": {"calls": 1_000_000, "usec": 2_000_000},
}  # fmt: skip


def totals(at_s: float = 0, **given: Any) -> RedisTotals:
    return totals_of({**CALM, **given}, AT + timedelta(seconds=at_s))


def moment(last: RedisTotals, *, earlier: RedisTotals | None = None, first: RedisTotals | None = None) -> Any:
    return Spans(first or totals(-1), last, earlier)


def slow(duration_ms: float, minutes_ago: float = 1) -> SlowCommand:
    return SlowCommand(
        id=1, at=AT - timedelta(minutes=minutes_ago), duration_ms=duration_ms, command="KEYS", arguments=1
    )


def test_a_quiet_server_is_normal() -> None:
    (finding,) = memory(SUBJECT, moment(totals()))
    assert (finding.kind, finding.score) == ("memory", 0)
    assert finding.facts["memory_share"] == 0.5


def test_memory_near_its_limit_matters_only_where_nothing_may_be_evicted() -> None:
    full = {"used_memory": 990_000_000}
    assert memory(SUBJECT, moment(totals(**full)))[0].score > 0.6
    assert memory(SUBJECT, moment(totals(**full, maxmemory_policy="allkeys-lru")))[0].score == 0


def test_without_a_limit_the_machine_is_the_limit() -> None:
    (finding,) = memory(SUBJECT, moment(totals(maxmemory=0, total_system_memory=505_000_000)))
    assert finding.score > 0.6
    assert "the machine has" in finding.title


def test_evictions_are_judged_by_their_rate_in_the_worse_of_both_stretches() -> None:
    spans = moment(totals(evicted_keys=7200), first=totals(-1, evicted_keys=7150), earlier=totals(-3600))
    finding = memory(SUBJECT, spans)[0]
    assert finding.kind == "evictions"
    assert finding.facts["evicted_per_s"] == 50


def test_figures_of_a_server_that_was_restarted_are_not_compared() -> None:
    spans = moment(totals(evicted_keys=500, run_id="r2"), first=totals(-1, run_id="r1"))
    assert memory(SUBJECT, spans)[0].score == 0


def test_fragmentation_of_little_memory_is_no_trouble() -> None:
    bad = {"mem_fragmentation_ratio": 3.0}
    assert [finding.kind for finding in memory(SUBJECT, moment(totals(**bad)))] == ["fragmentation"]
    assert memory(SUBJECT, moment(totals(**bad, used_memory=2_000_000)))[0].kind == "memory"


def test_memory_that_is_swapped_out_is_worse() -> None:
    (finding,) = memory(SUBJECT, moment(totals(mem_fragmentation_ratio=0.5)))
    assert "swapped out" in finding.title


def test_keys_that_are_no_longer_found_are_told_against_all_time_before() -> None:
    cold = totals(keyspace_hits=9_002_000, keyspace_misses=1_098_000)
    (finding,) = memory(SUBJECT, moment(cold, earlier=totals(-600)))
    assert finding.kind == "cache_misses"
    assert finding.evidence[0].value == 0.02


def test_consumers_that_wait_all_day_are_normal_and_more_of_them_are_not() -> None:
    waits = Counter({"blpop": 30})
    assert blocked(SUBJECT, moment(totals(blocked_clients=30), first=totals(-1, blocked_clients=29)), waits) == []
    (finding,) = blocked(SUBJECT, moment(totals(blocked_clients=30), earlier=totals(-600, blocked_clients=2)), waits)
    assert finding.score > 0.3
    assert "30 in blpop" in finding.evidence[0].statement


@pytest.mark.parametrize(("clients", "suspicious"), [(10, False), (60, False), (95, True)])
def test_connections_are_suspicious_near_their_limit(clients: int, suspicious: bool) -> None:
    finding = connections(SUBJECT, moment(totals(connected_clients=clients)), Counter())
    assert (finding.score >= 0.15) is suspicious


def test_a_command_that_held_up_the_others_is_told_while_it_is_fresh() -> None:
    fresh, old = slow(900), slow(900, minutes_ago=60)
    assert slow_commands(SUBJECT, moment(totals()), [fresh], [])[0].score > 0.6
    assert slow_commands(SUBJECT, moment(totals()), [old], [])[0].score == 0
    assert slow_commands(SUBJECT, moment(totals()), [slow(5)], [])[0].score == 0


def test_commands_that_take_up_the_servers_time_are_named() -> None:
    busy = totals(cmdstat_keys={"calls": 10, "usec": 950_000})
    found = slow_commands(SUBJECT, moment(busy), [], [])
    assert "KEYS most: 10 calls, 95.00 ms each" in found[0].title
    assert found[0].kind == "saturation"


def test_a_kind_of_command_that_became_slower_is_told() -> None:
    slower = totals(cmdstat_get={"calls": 1_000_100, "usec": 2_200_000})
    found = slow_commands(SUBJECT, moment(slower), [], [])
    assert found[0].facts["slower_count"] == 1
    assert "GET on cache takes 2.00 ms instead of 0.002 ms" in found[0].title


def test_a_copy_without_its_source_is_suspicious() -> None:
    alone = totals(role="slave", master_link_status="down", master_link_down_since_seconds=90, slave_repl_offset=5)
    finding = replication(SUBJECT, moment(alone))
    assert finding.score >= 0.7
    assert (finding.facts["replication_lag_s"], finding.facts["is_standby"]) == (90, True)


def test_a_copy_far_behind_is_seen_from_its_source() -> None:
    late = {"ip": "10.0.0.2", "port": 6379, "state": "online", "offset": 0, "lag": 1}
    finding = replication(SUBJECT, moment(totals(connected_slaves=1, slave0=late, master_repl_offset=400 << 20)))
    assert finding.score > 0.5
    assert finding.facts["replication_lag_bytes"] == 400 << 20


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"rdb_last_bgsave_status": "err"}, "saving a snapshot"),
        ({"aof_last_write_status": "err"}, "writing the append-only file"),
        ({"loading": 1}, "still loading"),
    ],
)
def test_trouble_with_the_disk_is_told(said: dict[str, Any], words: str) -> None:
    finding = persistence(SUBJECT, totals(**said))
    assert finding.score >= 0.7
    assert words in finding.title

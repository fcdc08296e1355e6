"""What the databases of recorded cases answered.

python -m tests.unit.canvas.answers      writes `database.json` into tests/cases/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from bot.telemetry.postgres_rows import (
    Connections,
    Holder,
    LockedSession,
    Replication,
    Session,
    Space,
    Unclean,
    Upkeep,
    Wraparound,
)
from bot.telemetry.postgres_totals import Checkpoints, Counters, StatementCounts, Totals
from bot.telemetry.recorded_databases import Answers, PostgresAnswers, RedisAnswers
from bot.telemetry.redis_rows import RedisTotals, totals_of
from tests.unit.canvas.recordings import BEGAN, CASES

END = BEGAN + timedelta(minutes=15)


def session(pid: int, age_s: float, **given: Any) -> Session:
    """An ordinary client, whose transaction is so old."""
    return (LockedSession if "blocked_by" in given else Session)(**{
        "pid": pid, "backend_start": BEGAN - timedelta(minutes=2), "backend_type": "client backend", "role": "app",
        "application": "batch", "state": "active", "transaction_start": END - timedelta(seconds=age_s),
        "query_start": END - timedelta(seconds=age_s), "transaction_age_s": age_s, "state_age_s": age_s,
        "statement_age_s": age_s, "statement": "UPDATE accounts SET held = held + 1 WHERE id = 7", **given,
    })  # fmt: skip


def queue() -> tuple[Session, ...]:
    """Fourteen behind a session that has left its transaction open."""
    root = session(4711, 190.5, blocked_by=None, state="idle in transaction")
    waiting = (session(5000 + number, 180.0 - number, blocked_by=(4711,), waited_s=180.0 - number,
                       relation="accounts", application="payments") for number in range(14))  # fmt: skip
    return (root, *waiting)


def totals(before_s: float, **given: Any) -> Totals:
    """A reading so many seconds before the end."""
    return Totals(
        counters=Counters(
            at=END - timedelta(seconds=before_s), since=BEGAN - timedelta(days=9), commits=1, rollbacks=0, deadlocks=5,
            server_started_at=BEGAN - timedelta(days=20), temp_files=0, temp_bytes=0, work_mem="4MB",
        ),
        checkpoints=Checkpoints(timed=100, requested=3, write_ms=0, sync_ms=0, max_wal_size="1GB"),
        statements=(), **given,
    )  # fmt: skip


def statements(before_s: float, calls: int, total_ms: float) -> Totals:
    """A reading in which one statement was called so often."""
    counted = StatementCounts(
        userid=10, queryid=42, toplevel=True, calls=calls, total_ms=total_ms, rows=calls, blocks_read=0, temp_blocks=0
    )
    return totals(before_s).model_copy(update={"statements": (counted,)})


def connections(used: int) -> Connections:
    """So many of the hundred that ordinary roles may have."""
    return Connections(limit_total=103, reserved=3, used=used, used_here=used, active=4, idle=used - 4,
                       idle_in_transaction=0)  # fmt: skip


def upkeep() -> Upkeep:
    """Nothing is behind but a table of another service."""
    carts = Unclean(name="carts", live_rows=90_000, dead_rows=1000, cleaned_at=18_050.0, vacuumed_ago_s=4000.0,
                    autovacuum_off=False)  # fmt: skip
    frozen = Wraparound(database="orders", age=90_000, freeze_at=200_000_000)
    return Upkeep(wraparound=frozen, unclean=(carts,), horizon=None, waiting=0, running=0, workers=3)


def redis(before_s: float) -> RedisTotals:
    """Full of holes: twice as much resident as used."""
    said = {
        "run_id": "r1", "used_memory": 880_000_000, "used_memory_rss": 1_848_000_000, "maxmemory": 1_000_000_000,
        "maxmemory_policy": "noeviction", "mem_fragmentation_ratio": 2.1, "connected_clients": 10, "maxclients": 10_000,
        "keyspace_hits": 9_700_000, "keyspace_misses": 300_000, "role": "master", "uptime_in_seconds": 900_000,
    }  # fmt: skip
    return totals_of(said, END - timedelta(seconds=before_s))


LOCKED = PostgresAnswers(engine="postgres", locks=queue(), transactions=(queue()[0],), totals=(totals(1), totals(0)))
GIBIBYTE = 1 << 30
ANSWERS: Mapping[str, Mapping[str, PostgresAnswers | RedisAnswers]] = {
    "cpu-memory-saturation": {"catalog-db": PostgresAnswers(engine="postgres", connections=connections(30))},
    "disk-filling": {
        "gateway-db": PostgresAnswers(
            engine="postgres", totals=(totals(1), totals(0)),
            space=(Space(at=END, database_bytes=3 * GIBIBYTE, log_bytes=GIBIBYTE, temporary_bytes=0),),
            replication=Replication(standby=False, behind_s=0, paused=False),
        )
    },
    "general-triage": {
        "search-db": LOCKED.model_copy(update={
            "connections": connections(40), "active": (), "upkeep": upkeep(),
            "replication": Replication(standby=False, behind_s=0, paused=False),
            "space": (Space(at=END, database_bytes=3 * GIBIBYTE, log_bytes=GIBIBYTE, temporary_bytes=0),),
        })
    },
    "latency-from-dependency": {"ledger": LOCKED},
    "payments-failing": {"ledger": LOCKED},
    "postgres-connections": {
        "ledger": PostgresAnswers(
            engine="postgres", connections=connections(96), active=(), totals=(totals(1), totals(0)),
            holders=(Holder(role="app", application="batch", used=70, used_role=90),),
            transactions=(
                *(session(811 + number, 640.0 - number, state="idle in transaction") for number in range(8)),
                session(900, 70.0),
            ),
        )
    },
    "postgres-locks": {"ledger": LOCKED},
    "postgres-replication-lag": {
        "ledger-copy": PostgresAnswers(
            engine="postgres", replication=Replication(standby=True, behind_s=720.0, paused=False),
            transactions=(session(90, 760.0, statement="SELECT sum(amount) FROM bookings"),),
        )
    },
    "redis-memory": {"sessions-redis": RedisAnswers(engine="redis", totals=(redis(1), redis(0)))},
    "slow-query-after-deploy": {
        "orders-db": PostgresAnswers(
            engine="postgres", upkeep=upkeep(), texts={42: "SELECT * FROM orders WHERE voucher = 'x'"},
            active=tuple(session(600 + number, 44.0 - number) for number in range(5)),
            totals=(statements(1800, 10_000, 50_000.0), statements(1, 10_100, 300_000.0),
                    statements(0, 10_101, 303_000.0)),
        )
    },
}  # fmt: skip


def told(answers: Mapping[str, Answers]) -> dict[str, Any]:
    """As a case holds them."""
    return {name: {"engine": kept.engine, **kept.model_dump(mode="json", by_alias=True, exclude_defaults=True)}
            for name, kept in answers.items()}  # fmt: skip


def written(answers: Mapping[str, Answers]) -> str:
    """The text of `database.json`."""
    return json.dumps(told(answers), indent=1) + "\n"


if __name__ == "__main__":
    for case, answers in ANSWERS.items():
        (CASES / case / "database.json").write_text(written(answers))

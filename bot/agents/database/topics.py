"""What the database agent can be asked, whatever the engine, and what its answers are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Topic = Literal[
    "blocking_sessions",
    "long_transactions",
    "connections",
    "slow_statements",
    "replication",
    "deadlocks",
    "vacuum",
    "storage",
    "memory",
]


@dataclass(frozen=True)
class Facts:
    """What a topic's findings say, by name, whatever the engine."""

    summary: str
    meanings: Mapping[str, str]


TOPICS: Mapping[Topic, Facts] = {
    "blocking_sessions": Facts(
        "Who blocks whom, and who is at the root.",
        {
            "database": "the database that was looked at",
            "blocked_count": "sessions that wait behind the worst blocker; 0 where nobody waits",
            "directly_blocked_count": "those of them that wait for it directly",
            "longest_wait_s": "how long the first of them has waited",
            "root_pid": "session that blocks them; 0 where there is none",
            "root_backend_start": "when that session began, ISO 8601; with the pid it names the session; '' if unknown",
            "root_transaction_start": "when its transaction began, ISO 8601",
            "root_age_s": "age of its transaction",
            "root_statement": "its last statement, literals masked",
            "root_state": "such as 'idle in transaction'",
            "root_application": "its application name, or its user where sessions have no application name",
            "relation": "the table that most of them want",
        },
    ),
    "long_transactions": Facts(
        "Transactions that stay open.",
        {
            "long_transaction_count": "transactions older than a minute",
            "idle_in_transaction_count": "those of them that do nothing",
            "oldest_transaction_age_s": "age of the oldest; 0 where there is none",
            "oldest_transaction_pid": "its session; 0 where there is none",
            "oldest_transaction_backend_start": "when that session began, ISO 8601; '' if unknown",
        },
    ),
    "connections": Facts(
        "How many connections are left.",
        {
            "connections_used": "connections to the server in use",
            "connections_limit": "connections that ordinary roles may use",
            "connections_share": "use of the tightest limit of server, database and role; 1 is full",
            "holder": "the role, user or client that holds most of them",
            "holder_connections": "how many it holds",
        },
    ),
    "slow_statements": Facts(
        "What runs for long or slower than usual, and which tables are read from end to end.",
        {
            "slow_statement_count": "statements that have run for more than ten seconds and do not wait for a lock",
            "longest_statement_s": "how long the longest of them has run",
            "slower_count": "statements that take several times longer than usual",
            "scanned_table": "the large table whose scans have surged; '' where there is none",
            "scanning_statement": "the statement that scans it, literals masked",
            "lost_index": "an index of it that has gone; ''",
        },
    ),
    "replication": Facts(
        "How far copies are behind.",
        {
            "replication_lag_s": "how far the furthest copy is behind, beyond what it is told to be",
            "replication_lag_bytes": "log that the furthest copy has not replayed; 0 where that is not known",
            "replication_broken": "whether a copy is paused, stopped or cut off",
            "retained_bytes": "log that unread slots keep on disk",
            "is_standby": "whether the server is itself a copy",
        },
    ),
    "deadlocks": Facts(
        "Deadlocks since an earlier look.",
        {"new_deadlocks": "deadlocks since an earlier look", "deadlocks_per_min": "their rate"},
    ),
    "vacuum": Facts(
        "Whether old rows are cleaned away in time, and how near the transaction counter is to its end.",
        {
            "frozen_age": "transactions since the server's oldest unfrozen row; 0 where there is no such end",
            "dead_rows": "rows, or versions of rows, that wait to be cleaned away",
            "uncleaned_table": "the table that has most of them; '' where that is not known",
            "cleaning_blocked": "whether something keeps them from being cleaned away",
        },
    ),
    "storage": Facts(
        "Sizes, spills to disk, checkpoints, and reads that the cache did not spare.",
        {
            "database_bytes": "size on disk",
            "spilled_bytes_per_s": "bytes that statements spill to disk",
            "spilled_count": "temporary files or tables on disk since an earlier look",
            "cache_hit_ratio": "reads that the cache answered lately, 0 to 1; 1 where hardly anything was read",
            "persistence_failing": "whether writing snapshots, logs or archives fails",
        },
    ),
    "memory": Facts(
        "Memory against its limit, evictions, and the keyspace.",
        {
            "memory_share": "used memory by the limit; 0 where there is no limit",
            "evicted_per_s": "keys that were evicted to make room",
            "fragmentation_ratio": "memory that the system gave by memory that is used",
            "keyspace_hit_ratio": "reads that found their key lately, 0 to 1; 1 where hardly anything was read",
            "blocked_clients": "clients that wait in a blocking command",
        },
    ),
}
"""The tools of the database agent, in the order in which they are asked."""

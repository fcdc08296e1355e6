"""What the database agent makes of what it saw: pure judgement, from rows to findings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bot.agents.database_subject import (
    REMEDY_FROM,
    TRANSACTIONS_QUERY,
    Subject,
    cancel,
    described,
    grown,
    iso,
    terminate,
)
from bot.models import Finding, Remedy
from bot.telemetry.postgres_rows import Connections, Counters, Holder, Replication, Session, StatementDelta

LONG_TRANSACTION_S = 60.0
SLOW_STATEMENT_S = 10.0
SLOWER_THAN_USUAL = 4.0
ALL_IS_WELL_BELOW = 0.7
"""The share of connections in use from which on it deserves a look."""
WRAPAROUND_NEAR = 1_000_000_000
GIBIBYTE = 1 << 30

ACTIVE_QUERY = (
    "SELECT pid, usename, application_name, now() - query_start AS age, wait_event, query FROM pg_stat_activity "
    "WHERE state = 'active' ORDER BY query_start;"
)
STATEMENTS_QUERY = "SELECT calls, total_exec_time, query FROM pg_stat_statements ORDER BY total_exec_time DESC;"
CONNECTIONS_QUERY = (
    "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;"
)
REPLICATION_QUERY = "SELECT application_name, state, replay_lag FROM pg_stat_replication;"
TOTALS_QUERY = "SELECT deadlocks, temp_files, temp_bytes FROM pg_stat_database WHERE datname = current_database();"


def transactions(subject: Subject, sessions: Sequence[Session]) -> tuple[Finding, ...]:
    """The oldest idle transaction, and the oldest one that works; or that there is none."""
    idle = [session for session in sessions if session.idle_in_transaction]
    busy = [session for session in sessions if not session.idle_in_transaction]
    oldest = max((session.transaction_age_s or 0.0 for session in sessions), default=0.0)
    facts = {
        "long_transaction_count": len(sessions),
        "idle_in_transaction_count": len(idle),
        "oldest_transaction_age_s": round(oldest, 3),
        "oldest_transaction_pid": sessions[0].pid if sessions else 0,
        "oldest_transaction_backend_start": iso(sessions[0].backend_start) if sessions else "",
    }
    found = []
    if idle:
        idleness = max(session.state_age_s or 0.0 for session in idle)
        found.append(_transaction(subject, "idle_in_transaction", idle, 0.7 * grown(idleness, 120), facts))
    if busy:
        found.append(_transaction(subject, "long_transaction", busy, 0.6 * grown(oldest, 600), facts))
    if found:
        return tuple(found)
    statement = f"No other transaction on {subject.database} is older than {LONG_TRANSACTION_S:.0f} s."
    evidence = subject.evidence("transactions", statement, TRANSACTIONS_QUERY, value=0, unit="transactions")
    return (subject.finding("long_transaction", "transaction_age_s", statement, 0, evidence=(evidence,), facts=facts),)


def _transaction(
    subject: Subject, kind: str, sessions: Sequence[Session], score: float, facts: Mapping[str, Any]
) -> Finding:
    oldest = sessions[0]
    age = oldest.transaction_age_s or 0.0
    more = f" ({len(sessions)} such sessions)" if len(sessions) > 1 else ""
    evidence = subject.evidence(
        kind.replace("_", "-"),
        f"Session {described(oldest)}{more}. Last statement: {oldest.statement or 'none'}",
        TRANSACTIONS_QUERY, value=age, baseline=LONG_TRANSACTION_S, unit="s",
    )  # fmt: skip
    remedies: tuple[Remedy, ...] = ()
    if score >= REMEDY_FROM and oldest.idle_in_transaction:
        remedies = terminate(
            subject, oldest, f"Session {oldest.pid} holds a transaction open and does nothing with it."
        )
    return subject.finding(
        kind,
        "transaction_age_s",
        f"Session {oldest.pid} ({oldest.application or 'unnamed'}) has kept a transaction open for {age:.0f} s, "
        f"it is {oldest.state}{more}",
        score,
        started_at=oldest.transaction_start,
        evidence=(evidence,),
        remedies=remedies,
        facts=facts,
    )


def connections(subject: Subject, used: Connections, holders: Sequence[Holder]) -> Finding:
    """How near the server, the database or a role is to its limit."""
    tightest = max(holders, key=lambda holder: holder.share, default=None)
    share = max(used.share, tightest.share if tightest else 0.0)
    usable = used.limit_total - used.reserved
    statement = (
        f"{used.used} of {usable} connections to the server of {subject.database} are in use: {used.active} active, "
        f"{used.idle} idle, {used.idle_in_transaction} idle in transaction."
    )
    if tightest and tightest.share == share and share > 0:
        statement += f" Role {tightest.role} uses {tightest.used_role} of its {tightest.limit_role}."
    most = "; ".join(f"{holder.application or 'unnamed'} as {holder.role}: {holder.used}" for holder in holders[:4])
    evidence = (
        subject.evidence(
            "connections", statement, CONNECTIONS_QUERY, value=used.used, baseline=usable, unit="connections"
        ),
        subject.evidence("connections", f"Most connections: {most or 'none'}.", CONNECTIONS_QUERY, 2),
    )
    return subject.finding(
        "connection_exhaustion",
        "connections_used",
        statement,
        (share - ALL_IS_WELL_BELOW) / (1 - ALL_IS_WELL_BELOW),
        evidence=evidence,
        facts={"connections_used": used.used, "connections_limit": usable, "connections_share": round(share, 3)},
    )


def exhausted(subject: Subject, words: str) -> Finding:
    """The server refused us for want of connections; its words are the evidence."""
    evidence = subject.evidence("connections", words, CONNECTIONS_QUERY)
    facts = {"connections_share": 1.0}
    title = f"{subject.database} has no connection left"
    return subject.finding("connection_exhaustion", "connections_used", title, 0.97, evidence=(evidence,), facts=facts)


def slow_statements(
    subject: Subject, active: Sequence[Session], counted: Sequence[StatementDelta] | None, over_s: float
) -> tuple[Finding, ...]:
    """Statements that run for long, and those that take much longer than usual. Who waits for a lock is no cause."""
    working = [session for session in active if session.wait_event_type != "Lock"]
    slower = [delta for delta in counted or () if _slowdown(delta) >= SLOWER_THAN_USUAL and delta.mean_ms >= 50]
    longest = max((session.statement_age_s or 0.0 for session in working), default=0.0)
    facts = {
        "slow_statement_count": len(working),
        "longest_statement_s": round(longest, 3),
        "slower_count": len(slower),
    }
    found = [_running(subject, working, facts)] if working else []
    if slower:
        found.append(_slower(subject, slower[0], over_s, facts))
    if found:
        return tuple(found)
    statement = f"No statement on {subject.database} has run for more than {SLOW_STATEMENT_S:.0f} s"
    statement += "." if counted is None else f", and none of {len(counted)} counted is much slower than usual."
    evidence = subject.evidence("statements", statement, ACTIVE_QUERY, value=0, unit="statements")
    return (subject.finding("slow_statement", "statement_s", statement, 0, evidence=(evidence,), facts=facts),)


def _running(subject: Subject, sessions: Sequence[Session], facts: Mapping[str, Any]) -> Finding:
    longest = sessions[0]
    age = longest.statement_age_s or 0.0
    score = 0.7 * grown(age, 90)
    waits = f", waiting for {longest.wait_event}" if longest.wait_event else ""
    evidence = subject.evidence(
        "statements", f"Session {described(longest)}{waits}. It runs: {longest.statement}",
        ACTIVE_QUERY, value=age, baseline=SLOW_STATEMENT_S, unit="s",
    )  # fmt: skip
    why = f"Cancelling ends a statement that has run for {age:.0f} s."
    return subject.finding(
        "slow_statement",
        "statement_s",
        f"Session {longest.pid} ({longest.application or 'unnamed'}) has worked on one statement for {age:.0f} s"
        + (f", {len(sessions) - 1} more for long" if len(sessions) > 1 else ""),
        score,
        started_at=longest.query_start,
        evidence=(evidence,),
        remedies=cancel(subject, longest, why) if score >= REMEDY_FROM else (),
        facts=facts,
    )


def _slower(subject: Subject, delta: StatementDelta, over_s: float, facts: Mapping[str, Any]) -> Finding:
    usual = delta.usual_ms or 0.0
    title = f"A statement takes {delta.mean_ms:.0f} ms instead of {usual:.1f} ms: {delta.statement}"
    evidence = subject.evidence(
        "statements", f"Within {over_s:g} s it ran {delta.calls} time(s), {delta.mean_ms:.0f} ms each; "
        f"usually {usual:.1f} ms. {delta.statement}",
        STATEMENTS_QUERY, 2, value=delta.mean_ms, baseline=usual, unit="ms",
    )  # fmt: skip
    score = min(0.8, 0.25 * math.log2(_slowdown(delta)))
    return subject.finding("slow_statement", "statement_ms", title, score, evidence=(evidence,), facts=facts)


def _slowdown(delta: StatementDelta) -> float:
    return delta.mean_ms / delta.usual_ms if delta.usual_ms else 0.0


def replication(subject: Subject, seen: Replication) -> Finding:
    """How far copies are behind, and what forgotten slots hold back."""
    lag = max([seen.behind_s, *(standby.lag_s for standby in seen.standbys)])
    idle_slots = [slot for slot in seen.slots if not slot.active]
    retained = max([slot.retained_bytes or 0.0 for slot in idle_slots], default=0.0)
    lost = [slot for slot in seen.slots if slot.wal_status in {"unreserved", "lost"}]
    statement = (
        f"{subject.database} is {'a standby' if seen.standby else 'a primary'} with {len(seen.standbys)} standby(s), "
        f"the furthest {lag:.1f} s behind; {len(idle_slots)} of {len(seen.slots)} slot(s) unread, "
        f"keeping {retained / GIBIBYTE:.2f} GiB of log."
    )
    score = max(
        grown(lag - 5, 60),
        0.6 * grown(retained / GIBIBYTE - 1, 20),
        0.8 if lost else 0.0,
        0.5 if seen.paused else 0.0,
    )
    evidence = subject.evidence("replication", statement, REPLICATION_QUERY, value=lag, baseline=0, unit="s")
    facts = {"replication_lag_s": round(lag, 3), "retained_bytes": retained, "is_standby": seen.standby}
    return subject.finding("replication_lag", "replication_lag_s", statement, score, evidence=(evidence,), facts=facts)


def totals(subject: Subject, now: Counters, earlier: Counters | None) -> tuple[Finding, ...]:
    """Deadlocks, spills to disk and rollbacks since an earlier look, and how near the server is to its wraparound."""
    found = [_deadlocks(subject, now, earlier)]
    if now.frozen_age > WRAPAROUND_NEAR:
        title = (
            f"{subject.database} is {now.frozen_age:,} transactions from its last freeze; the server stops near 2.1e9"
        )
        evidence = subject.evidence("wraparound", f"{title}.", "SELECT datname, age(datfrozenxid) FROM pg_database;",
                                    value=now.frozen_age, unit="transactions")  # fmt: skip
        score = now.frozen_age / 2.1e9
        found.append(subject.finding("wraparound", "frozen_age", title, score, evidence=(evidence,)))
    return tuple(found)


def _deadlocks(subject: Subject, now: Counters, earlier: Counters | None) -> Finding:
    if earlier is None or earlier.since != now.since or earlier.deadlocks > now.deadlocks:
        earlier = None
        new, since = 0, "nothing earlier to compare with"
        spilled = 0
    else:
        new, spilled = now.deadlocks - earlier.deadlocks, now.temp_bytes - earlier.temp_bytes
        since = f"{new} of them within the last {(now.at - earlier.at).total_seconds():.0f} s"
    statement = (
        f"{now.deadlocks} deadlock(s) on {subject.database} in all, {since}; "
        f"{spilled / (1 << 20):.0f} MiB spilled to disk meanwhile (work_mem {now.work_mem})."
    )
    evidence = subject.evidence("deadlocks", statement, TOTALS_QUERY, value=new, baseline=0, unit="deadlocks")
    facts = {"new_deadlocks": new, "spilled_bytes": spilled}
    return subject.finding("deadlocks", "deadlocks", statement, grown(new, 2), evidence=(evidence,), facts=facts)

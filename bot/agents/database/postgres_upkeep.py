"""Whether a PostgreSQL is cleaned in time: dead rows, what keeps them, and how near the wraparound is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.agents.database.subject import Subject, grown
from bot.models import Evidence, Finding
from bot.plural import many, verb
from bot.telemetry.postgres_rows import Horizon, Unclean, Upkeep

WRAPAROUND_NEAR = 1_000_000_000
WRAPAROUND_AT = 2.1e9
MANY_DEAD = 10_000
OLD_HORIZON = 100_000
"""Transactions that somebody may look back over before it matters to cleaning."""

DEAD_QUERY = (
    "SELECT relname, n_dead_tup, n_live_tup, last_autovacuum FROM pg_stat_user_tables ORDER BY n_dead_tup DESC;"
)
WRAPAROUND_QUERY = "SELECT datname, age(datfrozenxid), mxid_age(datminmxid) FROM pg_database ORDER BY 2 DESC;"
HORIZON_QUERY = (
    "SELECT pid, state, age(backend_xmin) FROM pg_stat_activity WHERE backend_xmin IS NOT NULL ORDER BY 3 DESC;"
)


def vacuum(subject: Subject, seen: Upkeep) -> tuple[Finding, ...]:
    """The table that is furthest from being cleaned, and the wraparound; or that all is in time."""
    overdue = [table for table in seen.unclean if table.dead_rows >= MANY_DEAD and _overdue(table) > 1]
    worst = max(overdue, key=_overdue, default=None)
    blocked = bool(overdue) and (_held(seen.horizon) or seen.waiting > 0 or any(one.autovacuum_off for one in overdue))
    facts = {
        "frozen_age": seen.wraparound.age,
        "dead_rows": sum(table.dead_rows for table in seen.unclean),
        "uncleaned_table": worst.name if worst else "",
        "cleaning_blocked": blocked,
    }
    found = [_unclean(subject, worst, seen, facts)] if worst else []
    if seen.wraparound.age > WRAPAROUND_NEAR:
        found.append(_wraparound(subject, seen, facts))
    if found:
        return tuple(found)
    statement = (
        f"Old rows of {subject.database} are cleaned in time ({facts['dead_rows']:,} wait), and its server has "
        f"used {seen.wraparound.age:,} of 2,100,000,000 transactions since its last freeze."
    )
    return (subject.normal("vacuum", "dead_rows", statement, DEAD_QUERY, facts),)


def _overdue(table: Unclean) -> float:
    """Dead rows by those at which autovacuum should have come."""
    return table.dead_rows / max(1.0, table.cleaned_at)


def _held(horizon: Horizon | None) -> bool:
    return horizon is not None and (
        horizon.age > OLD_HORIZON or (horizon.state or "").startswith("idle in transaction")
    )


def _unclean(subject: Subject, table: Unclean, seen: Upkeep, facts: Mapping[str, Any]) -> Finding:
    share = table.dead_rows / max(1, table.dead_rows + table.live_rows)
    why = _why(table, seen)
    title = f"Table {table.name} of {subject.database} has {table.dead_rows:,} dead rows, {share:.0%} of it{why}"
    last = "never" if table.vacuumed_ago_s is None else f"{table.vacuumed_ago_s / 60:.0f} min ago"
    evidence = [
        subject.evidence(
            "vacuum",
            f"{table.name}: {table.dead_rows:,} dead and {table.live_rows:,} live rows; autovacuum comes at "
            f"{table.cleaned_at:,.0f}; last cleaned: {last}. {seen.running} of {seen.workers} workers run, "
            f"{seen.waiting} wait for a lock.",
            DEAD_QUERY, value=table.dead_rows, baseline=round(table.cleaned_at), unit="rows",
        )
    ]  # fmt: skip
    if _held(seen.horizon) and seen.horizon:
        evidence.append(_horizon(subject, seen.horizon))
    score = 0.65 * grown(_overdue(table) - 1, 5) * max(share, 0.3) ** 0.5
    return subject.finding("vacuum", "dead_rows", title, score if why else 0.7 * score, evidence=tuple(evidence),
                           facts=facts)  # fmt: skip


def _why(table: Unclean, seen: Upkeep) -> str:
    if table.autovacuum_off:
        return "; autovacuum is switched off for it"
    if _held(seen.horizon) and seen.horizon:
        return f"; {seen.horizon.kind} {seen.horizon.name} may still want to see them"
    if seen.waiting:
        return f"; {many(seen.waiting, 'autovacuum worker')} {verb(seen.waiting, 'wait')} for a lock"
    return "; all autovacuum workers are busy" if seen.running >= seen.workers else ""


def _horizon(subject: Subject, horizon: Horizon) -> Evidence:
    state = f" ({horizon.state})" if horizon.state else ""
    said = (
        f"The oldest snapshot is that of {horizon.kind} {horizon.name}{state}, {many(horizon.age, 'transaction')} ago."
    )
    return subject.evidence("vacuum", said, HORIZON_QUERY, 2, value=horizon.age, unit="transactions")


def _wraparound(subject: Subject, seen: Upkeep, facts: Mapping[str, Any]) -> Finding:
    frozen = seen.wraparound
    title = (
        f"Database {frozen.database} on the server of {subject.database} is {frozen.age:,} transactions from its last "
        "freeze; the server stops near 2.1e9"
    )
    evidence = [
        subject.evidence("wraparound", f"{title}.", WRAPAROUND_QUERY, value=frozen.age, baseline=frozen.freeze_at,
                         unit="transactions")
    ]  # fmt: skip
    if _held(seen.horizon) and seen.horizon:
        evidence.append(_horizon(subject, seen.horizon))
    return subject.finding("wraparound", "frozen_age", title, frozen.age / WRAPAROUND_AT, evidence=tuple(evidence),
                           facts=facts)  # fmt: skip

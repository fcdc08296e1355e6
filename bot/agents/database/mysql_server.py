"""What a MySQL or MariaDB does as a whole: its copies, deadlocks, old row versions, temporary tables, buffer pool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.agents.database.subject import Subject, bytes_of, cache_score, deadlock_score, grown
from bot.agents.database.thresholds import ENOUGH_READS
from bot.agents.wording import figure, lasted
from bot.models import Finding
from bot.plural import many, verb
from bot.telemetry.mysql_rows import Deadlock, DigestDelta, MySqlReplication, MySqlTotals, ReplicaChannel, digest_deltas
from bot.telemetry.readings import Spans, span_s

LONG_HISTORY = 50_000
"""Transactions whose old versions may wait on a busy server."""

REPLICA_QUERY = "SHOW REPLICA STATUS;"
DEADLOCK_QUERY = "SHOW ENGINE INNODB STATUS;"
HISTORY_QUERY = "SELECT NAME, COUNT FROM information_schema.INNODB_METRICS WHERE NAME = 'trx_rseg_history_len';"
STATUS_QUERY = (
    "SHOW GLOBAL STATUS WHERE Variable_name LIKE 'Created_tmp%' OR Variable_name LIKE 'Innodb_buffer_pool_read%';"
)


def replication(subject: Subject, seen: MySqlReplication) -> Finding:
    """How far this server is behind those that it follows, beyond what it is told to be."""
    lag = max([0.0, *((one.behind_s or 0.0) - one.meant_s for one in seen.channels)])
    broken = [one for one in seen.channels if not (one.receiving and one.applying)]
    failed = [one for one in broken if one.error]
    facts = {
        "replication_lag_s": round(lag, 3),
        "replication_lag_bytes": 0,
        "replication_broken": bool(broken),
        "retained_bytes": 0,
        "is_standby": bool(seen.channels),
    }
    if not seen.channels:
        followers = f"{seen.followers or 'none'} {verb(seen.followers or 1, 'follow')} it"
        statement = f"{subject.database} follows no other server; {followers}."
        return subject.normal("replication_lag", "replication_lag_s", statement, REPLICA_QUERY, facts)
    worst = (failed or broken or sorted(seen.channels, key=lambda one: -(one.behind_s or 0.0)))[0]
    title = f"{subject.database} follows {worst.name or 'its source'}: {_state(worst)}"
    evidence = tuple(
        subject.evidence("replication", f"{one.name or 'source'}: {_state(one)}.", REPLICA_QUERY, number,
                         value=one.behind_s, baseline=one.meant_s, unit="s")
        for number, one in enumerate(seen.channels[:4], 1)
    )  # fmt: skip
    score = max(grown(lag - 5, 60), 0.85 if failed else 0.5 if broken else 0.0)
    return subject.finding("replication_lag", "replication_lag_s", title, score, evidence=evidence, facts=facts)


def _state(one: ReplicaChannel) -> str:
    behind = "it is not known how far it is behind" if one.behind_s is None else f"{lasted(one.behind_s)} behind"
    stopped = [name for name, runs in (("receiving", one.receiving), ("applying", one.applying)) if not runs]
    said = f"{behind}, {' and '.join(stopped)} stopped" if stopped else behind
    said += f" (told to stay {lasted(one.meant_s)} behind)" if one.meant_s else ""
    return f"{said}: {one.error}" if one.error else said


def deadlocks(subject: Subject, spans: Spans[MySqlTotals], latest: Deadlock | None) -> Finding:
    """Deadlocks since an earlier look, with the statements of the latest."""
    before, after = _grown_only(spans)
    new, over_s = after.deadlocks - before.deadlocks, span_s((before, after))
    statement = (
        f"{many(after.deadlocks, 'deadlock')} on {subject.database} in all, "
        f"{new} of them within the last {lasted(over_s)}."
    )
    evidence = [subject.evidence("deadlocks", statement, DEADLOCK_QUERY, value=new, baseline=0, unit="deadlocks")]
    if latest:
        said = " | ".join(latest.statements) or "statements that the server does not tell"
        evidence.append(
            subject.evidence(
                "deadlocks",
                f"The latest, at {latest.at} of the server's time, on {', '.join(latest.tables) or 'unknown tables'}: "
                f"{said}. Transaction {latest.victim or '?'} of these was rolled back.",
                DEADLOCK_QUERY, 2,
            )
        )  # fmt: skip
    a_minute = max(
        ((b.deadlocks - a.deadlocks) / max(span_s((a, b)), 60) * 60 for a, b in _unbroken(spans)), default=0.0
    )
    score = deadlock_score(new, a_minute)
    facts = {"new_deadlocks": new, "deadlocks_per_min": round(a_minute, 3)}
    return subject.finding("deadlocks", "deadlocks", statement, score, evidence=tuple(evidence), facts=facts)


def history(subject: Subject, spans: Spans[MySqlTotals]) -> Finding:
    """Old versions of rows that cannot be purged while somebody may still look at them."""
    now, before = spans.last.history_length, spans.longest[0].history_length
    score = 0.65 * grown(now / LONG_HISTORY - 1, 10)
    statement = (
        f"{many(now, 'transaction')} of {subject.database} {verb(now, 'wait')} to be purged; "
        f"{lasted(span_s(spans.longest))} ago it was {before:,}"
        + ("; an old transaction keeps them" if score > 0 else "")
    )
    evidence = subject.evidence("history", f"{statement}.", HISTORY_QUERY, value=now, baseline=before,
                                unit="transactions")  # fmt: skip
    facts = {"frozen_age": 0, "dead_rows": now, "uncleaned_table": "", "cleaning_blocked": score > 0}
    return subject.finding("vacuum", "history_length", statement, score, evidence=(evidence,), facts=facts)


def storage(subject: Subject, spans: Spans[MySqlTotals], size_bytes: int) -> tuple[Finding, ...]:
    """Temporary tables on disk, and reads that the buffer pool did not spare; or that all is normal."""
    before, after = _grown_only(spans)
    disk_tables = _own_disk_tables(before, after)
    hit_ratio = _hit_ratio(before, after)
    facts = {
        "database_bytes": size_bytes,
        "spilled_bytes_per_s": 0.0,
        "spilled_count": disk_tables,
        "cache_hit_ratio": 1.0 if hit_ratio is None else round(hit_ratio, 4),
        "persistence_failing": False,
    }
    found = [*_disk_tables(subject, spans, facts), *_buffer_pool(subject, before, after, facts)]
    if found:
        return tuple(found)
    statement = (
        f"{subject.database} is {bytes_of(size_bytes)}; temporary tables and buffer pool are as usual. How much room "
        "is left on the disk cannot be seen from within."
    )
    return (subject.normal("disk", "database_bytes", statement, STATUS_QUERY, facts),)


def _grown_only(spans: Spans[MySqlTotals]) -> tuple[MySqlTotals, MySqlTotals]:
    """The longest stretch without a restart of the server in it."""
    return next(reversed(_unbroken(spans)), (spans.last, spans.last))


def _unbroken(spans: Spans[MySqlTotals]) -> list[tuple[MySqlTotals, MySqlTotals]]:
    return [pair for pair in spans.pairs if pair[0].uptime_s <= pair[1].uptime_s]


def _disk_tables(subject: Subject, spans: Spans[MySqlTotals], facts: Mapping[str, Any]) -> Sequence[Finding]:
    pairs = _unbroken(spans)
    a_second = max((_own_disk_tables(*pair) / max(1.0, span_s(pair)) for pair in pairs), default=0.0)
    usual = spans.longest[0].disk_tables / max(1, spans.longest[0].uptime_s)
    score = 0.6 * grown(a_second / (2 * usual + 1) - 1, 5)
    if score < 0.05:
        return ()
    title = (
        f"Statements on {subject.database} put {figure(a_second, '')} temporary tables a second on disk, "
        f"usually {figure(usual, '')}"
    )
    evidence = [
        subject.evidence("spill", f"{title}.", STATUS_QUERY, value=round(a_second, 2), baseline=round(usual, 3),
                         unit="tables/s")
    ]  # fmt: skip
    own = [delta for pair in pairs for delta in _statements(*pair) if not delta.of_onlooker]
    worst = max(own, key=lambda delta: delta.disk_tables, default=None)
    if worst and worst.disk_tables:
        said = f"It put {worst.disk_tables} on disk in {many(worst.calls, 'call')}: {worst.statement}"
        evidence.append(subject.evidence("spill", said, None, 2, value=worst.disk_tables, unit="tables"))
        title += f": {worst.statement}"
    return (subject.finding("temp_spill", "disk_tables", title, score, evidence=tuple(evidence), facts=facts),)


def _statements(before: MySqlTotals, after: MySqlTotals) -> tuple[DigestDelta, ...]:
    return digest_deltas(before.digests, after.digests)


def _own_disk_tables(before: MySqlTotals, after: MySqlTotals) -> int:
    """Without those of who looks at the server, as we do: they tell nothing of who works with it."""
    of_onlookers = sum(delta.disk_tables for delta in _statements(before, after) if delta.of_onlooker)
    return max(0, after.disk_tables - before.disk_tables - of_onlookers)


def _hit_ratio(before: MySqlTotals, after: MySqlTotals) -> float | None:
    requests = after.page_requests - before.page_requests
    return 1 - (after.page_reads - before.page_reads) / requests if requests >= ENOUGH_READS else None


def _buffer_pool(
    subject: Subject, before: MySqlTotals, after: MySqlTotals, facts: Mapping[str, Any]
) -> Sequence[Finding]:
    """Against all time before."""
    ratio = _hit_ratio(before, after)
    if ratio is None:
        return ()
    usual = 1 - before.page_reads / max(1, before.page_requests)
    score = cache_score(ratio, usual)
    if score < 0.05:
        return ()
    title = f"The buffer pool of {subject.database} answers {ratio:.1%} of the reads, usually {usual:.1%}"
    evidence = subject.evidence("cache", f"{title}.", STATUS_QUERY, value=round(ratio, 4), baseline=round(usual, 4),
                                unit="ratio")  # fmt: skip
    return (subject.finding("cache_misses", "cache_hit_ratio", title, score, evidence=(evidence,), facts=facts),)

"""Statements of a PostgreSQL that run for long or became slow, and the tables that they read from end to end."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.agents.database.postgres_sessions import cancel, described
from bot.agents.database.subject import Subject, grown
from bot.agents.database.thresholds import LARGE_ROWS, NOTICEABLE_MS, REMEDY_FROM, SLOW_STATEMENT_S, SLOWER_THAN_USUAL
from bot.agents.wording import figure, lasted
from bot.models import Finding
from bot.plural import many, verb
from bot.telemetry.postgres_rows import Session
from bot.telemetry.postgres_totals import StatementDelta, TableDelta, Totals, table_deltas
from bot.telemetry.readings import Spans

ACTIVE_QUERY = (
    "SELECT pid, usename, application_name, now() - query_start AS age, wait_event, query FROM pg_stat_activity "
    "WHERE state = 'active' ORDER BY query_start;"
)
STATEMENTS_QUERY = "SELECT calls, total_exec_time, query FROM pg_stat_statements ORDER BY total_exec_time DESC;"
SCANS_QUERY = "SELECT relname, seq_scan, seq_tup_read, idx_scan FROM pg_stat_user_tables ORDER BY seq_tup_read DESC;"


@dataclass(frozen=True)
class Load:
    """What happened between the readings."""

    spans: Spans[Totals]
    statements: Sequence[StatementDelta]

    @property
    def over_s(self) -> float:
        """How long the last moment was."""
        return (self.spans.last.at - self.spans.first.at).total_seconds()

    def statement_on(self, table: str) -> StatementDelta | None:
        """The most expensive statement that names the table."""
        name = re.compile(rf"(?<![\w$]){re.escape(table.rpartition('.')[2].strip(chr(34)))}(?![\w$])", re.IGNORECASE)
        naming = [delta for delta in self.statements if name.search(delta.statement)]
        return max(naming, key=lambda delta: delta.total_ms, default=None)


@dataclass(frozen=True)
class Scan:
    """A large table that is read from end to end far more often than it was."""

    table: TableDelta
    score: float
    statement: StatementDelta | None
    over_s: float


def table_scans(load: Load) -> tuple[Scan, ...]:
    """The surging scans, the worst first."""
    spans = load.spans
    found: dict[str, Scan] = {}
    for before, after in spans.pairs:
        over_s = (after.at - before.at).total_seconds()
        for table in table_deltas(before, after, baseline=spans.earlier):
            name = table.name or ""
            score = _surge(table)
            if score >= REMEDY_FROM and (name not in found or score > found[name].score):
                found[name] = Scan(table, score, load.statement_on(name), over_s)
    return tuple(sorted(found.values(), key=lambda scan: scan.score, reverse=True))


def _surge(table: TableDelta) -> float:
    """How far beyond its normal rate, and its variation, a large table is scanned."""
    if table.live_rows < LARGE_ROWS or table.rows_each < LARGE_ROWS / 2:
        return 0.0
    expected = table.expected_scans
    excess = (table.scans - expected - 3 * math.sqrt(expected)) / (expected + 2)
    surge = 0.75 * grown(excess, 2)
    return max(surge, 0.85) if table.lost_indexes and excess > 0 else surge


def slow_statements(
    subject: Subject, active: Sequence[Session], load: Load, scans: Sequence[Scan]
) -> tuple[Finding, ...]:
    """What runs for long, what takes much longer than usual, and why. Who waits for a lock is no cause."""
    working = [session for session in active if session.wait_event_type != "Lock"]
    slower = sorted(
        (one for one in load.statements if one.slowdown >= SLOWER_THAN_USUAL and one.mean_ms >= NOTICEABLE_MS),
        key=lambda delta: -delta.slowdown,
    )
    scan = scans[0] if scans else None
    facts = {
        "slow_statement_count": len(working),
        "longest_statement_s": round(max((session.statement_age_s or 0.0 for session in working), default=0.0), 3),
        "slower_count": len(slower),
        "scanned_table": scan.table.name if scan else "",
        "scanning_statement": scan.statement.statement if scan and scan.statement else "",
        "lost_index": scan.table.lost_indexes[0] if scan and scan.table.lost_indexes else "",
    }
    found = [_running(subject, working, facts)] if working else []
    if scan:
        found.append(_scanned(subject, scan, facts))
    explained = scan.statement.queryid if scan and scan.statement else None
    if slower and slower[0].queryid != explained:
        found.append(_slower(subject, slower[0], facts))
    return tuple(found) or (_nothing(subject, load, facts),)


def _nothing(subject: Subject, load: Load, facts: Mapping[str, Any]) -> Finding:
    statement = f"No statement on {subject.database} has run for more than {SLOW_STATEMENT_S:.0f} s"
    if load.spans.last.statements is not None:
        statement += f", and none of {len(load.statements)} counted is much slower than usual"
    return subject.normal("slow_statement", "statement_s", f"{statement}.", ACTIVE_QUERY, facts)


def _running(subject: Subject, sessions: Sequence[Session], facts: Mapping[str, Any]) -> Finding:
    longest = sessions[0]
    age = longest.statement_age_s or 0.0
    score = 0.7 * grown(age, 90)
    waits = f", waiting for {longest.wait_event}" if longest.wait_event else ""
    evidence = subject.evidence(
        "statements", f"Session {described(longest)}{waits}. It runs: {longest.statement}",
        ACTIVE_QUERY, value=age, baseline=SLOW_STATEMENT_S, unit="s",
    )  # fmt: skip
    why = f"Cancelling ends a statement that has run for {lasted(age)}."
    return subject.finding(
        "slow_statement",
        "statement_s",
        f"Session {longest.pid} ({longest.application or 'unnamed'}) has worked on one statement for {lasted(age)}"
        + (f"; {len(sessions) - 1} more {verb(len(sessions) - 1, 'run')} long, too" if len(sessions) > 1 else ""),
        score,
        started_at=longest.query_start,
        evidence=(evidence,),
        remedies=cancel(subject, longest, why) if score >= REMEDY_FROM else (),
        facts=facts,
    )


def _slower(subject: Subject, delta: StatementDelta, facts: Mapping[str, Any]) -> Finding:
    usual = delta.usual_ms or 0.0
    mean, before = figure(delta.mean_ms / 1000, "s"), figure(usual / 1000, "s")
    title = f"A statement takes {mean} instead of {before}: {delta.statement}"
    evidence = subject.evidence(
        "statements", f"{_timed(delta)} {delta.statement}",
        STATEMENTS_QUERY, 2, value=delta.mean_ms, baseline=usual, unit="ms",
    )  # fmt: skip
    score = min(0.8, 0.25 * math.log2(delta.slowdown))
    return subject.finding("slow_statement", "statement_ms", title, score, evidence=(evidence,), facts=facts)


def _scanned(subject: Subject, scan: Scan, facts: Mapping[str, Any]) -> Finding:
    table = scan.table
    title = f"Table {table.name} ({table.live_rows:,} rows) is read from end to end {_rate(table.scans, scan.over_s)}"
    if table.lost_indexes:
        title += f"; its index {table.lost_indexes[0]} is no longer there"
    if scan.statement:
        title += f": {scan.statement.statement}"
    evidence = [
        subject.evidence(
            "scans",
            f"{many(table.scans, 'scan')} of {table.name} within {lasted(scan.over_s)}, "
            f"{table.rows_each:,.0f} rows each; at its usual rate it would be {table.expected_scans:.1f}.",
            SCANS_QUERY, value=table.scans, baseline=round(table.expected_scans, 2), unit="scans",
        )
    ]  # fmt: skip
    if table.lost_indexes:
        gone = f"Index {', '.join(table.lost_indexes)} of {table.name} was there at the reading before and is gone."
        evidence.append(subject.evidence("scans", gone, r"\d " + str(table.name), 2))
    if scan.statement:
        said = f"{_timed(scan.statement)} {scan.statement.statement}"
        evidence.append(
            subject.evidence("scans", said, STATEMENTS_QUERY, 3, value=scan.statement.mean_ms,
                             baseline=scan.statement.usual_ms, unit="ms")
        )  # fmt: skip
    return subject.finding("sequential_scans", "table_scans", title, scan.score, evidence=tuple(evidence), facts=facts)


def _timed(delta: StatementDelta) -> str:
    usually = "never before" if delta.usual_ms is None else f"usually {figure(delta.usual_ms / 1000, 's')}"
    each = figure(delta.mean_ms / 1000, "s")
    return f"It ran {many(delta.calls, 'time')} between two readings, {each} each, {usually}."


def _rate(count: int, over_s: float) -> str:
    a_second = count / over_s if over_s else 0.0
    return f"{a_second:.1f} times a second" if a_second >= 1 else f"{a_second * 60:.1f} times a minute"

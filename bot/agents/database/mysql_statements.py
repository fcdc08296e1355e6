"""Statements of a MySQL or MariaDB that run for long, became slow, or lost the index that they used."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.agents.database.mysql_sessions import described
from bot.agents.database.subject import Subject, grown
from bot.agents.database.thresholds import LARGE_ROWS, NOTICEABLE_MS, SLOW_STATEMENT_S, SLOWER_THAN_USUAL
from bot.agents.wording import figure, lasted
from bot.models import Evidence, Finding
from bot.plural import many, verb
from bot.telemetry.mysql_rows import DigestDelta, MySqlSession, MySqlTotals, digest_deltas
from bot.telemetry.readings import Spans

ACTIVE_QUERY = "SHOW FULL PROCESSLIST;"
DIGESTS_QUERY = (
    "SELECT DIGEST_TEXT, COUNT_STAR, SUM_TIMER_WAIT, SUM_ROWS_EXAMINED, SUM_NO_INDEX_USED FROM "
    "performance_schema.events_statements_summary_by_digest ORDER BY SUM_TIMER_WAIT DESC LIMIT 20;"
)
_TABLE = re.compile(r"\b(?:FROM|UPDATE|INTO|JOIN)\s+((?:`[^`]+`|\w+)(?:\s*\.\s*(?:`[^`]+`|\w+))?)", re.IGNORECASE)


def slow_statements(subject: Subject, active: Sequence[MySqlSession], spans: Spans[MySqlTotals]) -> tuple[Finding, ...]:
    """What runs for long, what takes much longer than usual, and what reads a table from end to end."""
    working = sorted(
        (one for one in active if one.command != "Sleep" and (one.state_age_s or 0.0) > SLOW_STATEMENT_S),
        key=lambda session: -(session.state_age_s or 0.0),
    )
    deltas = _deltas(spans)
    slower = [one for one in deltas if one.slowdown >= SLOWER_THAN_USUAL and one.mean_ms >= NOTICEABLE_MS]
    scans = [one for one in deltas if _scan_score(one) > 0]
    scan = max(scans, key=_scan_score, default=None)
    facts = {
        "slow_statement_count": len(working),
        "longest_statement_s": (working[0].state_age_s or 0.0) if working else 0.0,
        "slower_count": len(slower),
        "scanned_table": table_of(scan.statement) if scan else "",
        "scanning_statement": scan.statement if scan else "",
        "lost_index": "",
    }
    found = [_running(subject, working, facts)] if working else []
    if scan:
        found.append(_scanned(subject, scan, facts))
    worst = max(slower, key=lambda delta: delta.slowdown, default=None)
    if worst and (scan is None or worst.digest != scan.digest):
        found.append(_slower(subject, worst, facts))
    if found:
        return tuple(found)
    statement = f"No statement on {subject.database} has run for more than {SLOW_STATEMENT_S:.0f} s"
    if spans.last.digests is not None:
        statement += f", and none of {len(deltas)} counted is much slower than usual"
    return (subject.normal("slow_statement", "statement_s", f"{statement}.", ACTIVE_QUERY, facts),)


def table_of(statement: str) -> str:
    """The first table that the statement names, as `schema.table`; '' where none can be told."""
    found = _TABLE.search(statement)
    return re.sub(r"[`\s]", "", found.group(1)) if found else ""


def _deltas(spans: Spans[MySqlTotals]) -> tuple[DigestDelta, ...]:
    """The last moment's, and those of the longer stretch where they deviate more."""
    found: dict[str, DigestDelta] = {}
    for before, after in spans.pairs:
        for delta in digest_deltas(before.digests, after.digests):
            if delta.of_onlooker:
                continue
            known = found.setdefault(delta.digest, delta)
            if delta.slowdown > known.slowdown:
                found[delta.digest] = delta
    return tuple(found.values())


def _scan_score(delta: DigestDelta) -> float:
    """Near 0.85 for a statement that used an index until lately and now reads many times the rows without one."""
    if not delta.usual_rows_each or delta.without_index < delta.calls or delta.rows_each < LARGE_ROWS:
        return 0.0
    growth = delta.rows_each / max(1.0, delta.usual_rows_each)
    if growth < SLOWER_THAN_USUAL or delta.usually_without_index > 0.5:
        return 0.0
    return min(0.85, 0.2 * math.log2(growth))


def _running(subject: Subject, sessions: Sequence[MySqlSession], facts: Mapping[str, Any]) -> Finding:
    longest = sessions[0]
    age = longest.state_age_s or 0.0
    evidence = subject.evidence(
        "statements",
        f"Session {described(longest)}. It runs: {longest.statement or longest.command}. By hand the statement is "
        f"ended by KILL QUERY {longest.pid}.",
        ACTIVE_QUERY, value=age, baseline=SLOW_STATEMENT_S, unit="s",
    )  # fmt: skip
    more = f"; {len(sessions) - 1} more {verb(len(sessions) - 1, 'run')} long, too" if len(sessions) > 1 else ""
    return subject.finding(
        "slow_statement",
        "statement_s",
        f"Session {longest.pid} ({longest.user or 'unnamed'}) has worked on one statement for {lasted(age)}{more}",
        0.7 * grown(age, 90),
        started_at=subject.at - timedelta(seconds=age),
        evidence=(evidence,),
        facts=facts,
    )


def _slower(subject: Subject, delta: DigestDelta, facts: Mapping[str, Any]) -> Finding:
    mean, usual = figure(delta.mean_ms / 1000, "s"), figure((delta.usual_ms or 0.0) / 1000, "s")
    title = f"A statement takes {mean} instead of {usual}: {delta.statement}"
    score = min(0.8, 0.25 * math.log2(delta.slowdown))
    evidence = (_timed(subject, delta),)
    return subject.finding("slow_statement", "statement_ms", title, score, evidence=evidence, facts=facts)


def _scanned(subject: Subject, delta: DigestDelta, facts: Mapping[str, Any]) -> Finding:
    title = (
        f"A statement reads {delta.rows_each:,.0f} rows of {facts['scanned_table'] or 'a table'} without an index, "
        f"usually {delta.usual_rows_each or 0:,.0f}: {delta.statement}"
    )
    evidence = (
        subject.evidence(
            "scans",
            f"{delta.without_index} of {many(delta.calls, 'call')} used no index; "
            f"before, {delta.usually_without_index:.0%} used none. "
            f"Rows read by each: {delta.rows_each:,.0f}, before {delta.usual_rows_each or 0:,.0f}.",
            DIGESTS_QUERY, value=round(delta.rows_each), baseline=round(delta.usual_rows_each or 0), unit="rows",
        ),
        _timed(subject, delta),
    )  # fmt: skip
    return subject.finding("sequential_scans", "table_scans", title, _scan_score(delta), evidence=evidence, facts=facts)


def _timed(subject: Subject, delta: DigestDelta) -> Evidence:
    usually = "never before" if delta.usual_ms is None else f"usually {figure(delta.usual_ms / 1000, 's')}"
    each = figure(delta.mean_ms / 1000, "s")
    said = f"It ran {many(delta.calls, 'time')} between two readings, {each} each, {usually}. {delta.statement}"
    return subject.evidence("statements", said, DIGESTS_QUERY, 2, value=round(delta.mean_ms, 3),
                            baseline=delta.usual_ms, unit="ms")  # fmt: skip

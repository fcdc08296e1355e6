"""Sessions of a MySQL or MariaDB: who blocks whom, whose transactions stay open, and how many there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.agents.database.fullness import full_since, told
from bot.agents.database.subject import NO_LOCKS, Subject, blocking_score, grown
from bot.agents.database.thresholds import CONNECTIONS_WELL_BELOW, LONG_TRANSACTION_S
from bot.agents.wording import lasted
from bot.models import Finding
from bot.plural import many, verb
from bot.telemetry.mysql_rows import (
    MySqlAge,
    MySqlBlocker,
    MySqlConnections,
    MySqlHolder,
    MySqlLocks,
    MySqlSession,
    MySqlTotals,
)
from bot.telemetry.readings import Spans, span_s

LOCKS_QUERY = "SELECT * FROM sys.innodb_lock_waits; SHOW FULL PROCESSLIST;"
TRANSACTIONS_QUERY = "SELECT * FROM information_schema.INNODB_TRX ORDER BY trx_started;"
CONNECTIONS_QUERY = "SELECT USER, COMMAND, count(*) FROM information_schema.PROCESSLIST GROUP BY 1, 2 ORDER BY 3 DESC;"


def blocking(subject: Subject, locks: MySqlLocks) -> tuple[Finding, ...]:
    """One finding for each session at which the waiting ends, the worst three; or that nobody waits."""
    if not locks.waiting:
        statement = f"No session of {subject.database} waits for a lock."
        facts = {**NO_LOCKS, "database": subject.database}
        return (subject.normal("blocking_session", "blocked_sessions", statement, LOCKS_QUERY, facts),)
    found = [_root(subject, blocker, 10 * number) for number, blocker in enumerate(locks.blockers[:3])]
    return tuple(found) or (_unseen(subject, locks),)


def _root(subject: Subject, blocker: MySqlBlocker, number: int) -> Finding:
    session, count, wait = blocker.session, len(blocker.waiting), blocker.longest_wait_s
    score = blocking_score(count, wait, idle=session.idle_in_transaction)
    table = f" on {blocker.relation}" if blocker.relation else ""
    crowd = Counter(waiter.user or "unnamed" for waiter in blocker.waiting).most_common(3)
    who_waits = ", ".join(f"{times} of {name}" for name, times in crowd)
    probably = "probably " if blocker.guessed else ""
    how = "the server does not tell who holds a table; this is the oldest transaction" if blocker.guessed else who_waits
    evidence = (
        subject.evidence(
            "locks",
            f"{many(count, 'session')} of {subject.database} {verb(count, 'wait')}{table} {probably}behind session "
            f"{session.pid} ({blocker.directly} of them directly), the longest for {lasted(wait)}: {how}.",
            LOCKS_QUERY, number + 1, value=count, baseline=0, unit="sessions",
        ),
        subject.evidence(
            "locks",
            f"Session {described(session)}. Last statement: {session.statement or 'not remembered by the server'}. "
            f"By hand it is ended by KILL {session.pid}.",
            TRANSACTIONS_QUERY, number + 2, value=session.transaction_age_s, unit="s",
        ),
        subject.evidence(
            "locks", f"The first in the queue wants to run: {blocker.waiting[0].statement}",
            LOCKS_QUERY, number + 3, value=wait, unit="s",
        ),
    )  # fmt: skip
    held = max(wait, session.transaction_age_s or 0.0)
    return subject.finding(
        "blocking_session",
        "blocked_sessions",
        f"Session {session.pid} ({session.user or 'unnamed'}) {probably}blocks {many(count, 'session')}{table}; it is "
        f"{state_of(session)}, its transaction is {lasted(session.transaction_age_s or 0)} old",
        score * (0.8 if blocker.guessed else 1.0),
        started_at=subject.at - timedelta(seconds=held),
        evidence=evidence,
        facts=_facts(subject, blocker),
    )


def _facts(subject: Subject, blocker: MySqlBlocker) -> dict[str, Any]:
    session = blocker.session
    return {
        **NO_LOCKS,
        "database": subject.database,
        "blocked_count": len(blocker.waiting),
        "directly_blocked_count": blocker.directly,
        "longest_wait_s": round(blocker.longest_wait_s, 3),
        "root_pid": session.pid,
        "root_age_s": round(session.transaction_age_s or 0.0, 3),
        "root_statement": session.statement,
        "root_state": state_of(session),
        "root_application": session.user or "",
        "relation": blocker.relation or "",
    }


def _unseen(subject: Subject, locks: MySqlLocks) -> Finding:
    statement = (
        f"{many(locks.waiting, 'session')} of {subject.database} {verb(locks.waiting, 'wait')} for locks, "
        "and the server does not tell whose: they were released while looking, or belong to no transaction."
    )
    evidence = subject.evidence("locks", statement, LOCKS_QUERY, value=locks.waiting, unit="sessions")
    facts = {**NO_LOCKS, "database": subject.database, "blocked_count": locks.waiting}
    return subject.finding("blocking_session", "blocked_sessions", statement, 0.2, evidence=(evidence,), facts=facts)


def transactions(subject: Subject, sessions: Sequence[MySqlSession]) -> tuple[Finding, ...]:
    """The oldest idle transaction, and the oldest one that works; or that there is none."""
    old = sorted(
        (one for one in sessions if (one.transaction_age_s or 0.0) > LONG_TRANSACTION_S),
        key=lambda session: -(session.transaction_age_s or 0.0),
    )
    idle = [session for session in old if session.idle_in_transaction]
    busy = [session for session in old if not session.idle_in_transaction]
    facts = {
        "long_transaction_count": len(old),
        "idle_in_transaction_count": len(idle),
        "oldest_transaction_age_s": round(old[0].transaction_age_s or 0.0, 3) if old else 0.0,
        "oldest_transaction_pid": old[0].pid if old else 0,
        "oldest_transaction_backend_start": "",
    }
    found = []
    if idle:
        idleness = max(session.state_age_s or 0.0 for session in idle)
        found.append(_transaction(subject, "idle_in_transaction", idle, 0.7 * grown(idleness, 120), facts))
    if busy:
        oldest = busy[0].transaction_age_s or 0.0
        found.append(_transaction(subject, "long_transaction", busy, 0.6 * grown(oldest, 600), facts))
    if found:
        return tuple(found)
    statement = f"No other transaction on {subject.database} is older than {LONG_TRANSACTION_S:.0f} s."
    return (subject.normal("long_transaction", "transaction_age_s", statement, TRANSACTIONS_QUERY, facts),)


def _transaction(
    subject: Subject, kind: str, sessions: Sequence[MySqlSession], score: float, facts: Mapping[str, Any]
) -> Finding:
    oldest = sessions[0]
    age = oldest.transaction_age_s or 0.0
    more = f" ({len(sessions)} such sessions)" if len(sessions) > 1 else ""
    evidence = subject.evidence(
        kind.replace("_", "-"),
        f"Session {described(oldest)}, {many(oldest.rows_modified, 'row')} changed{more}. By hand it is ended by KILL "
        f"{oldest.pid}; what it has changed is then rolled back. {oldest.statement}".rstrip(),
        TRANSACTIONS_QUERY, value=round(age, 3), baseline=LONG_TRANSACTION_S, unit="s",
    )  # fmt: skip
    return subject.finding(
        kind,
        "transaction_age_s",
        f"Session {oldest.pid} ({oldest.user or 'unnamed'}) has kept a transaction open for {lasted(age)}, it is "
        f"{state_of(oldest)}{more}",
        score,
        started_at=subject.at - timedelta(seconds=age),
        evidence=(evidence,),
        facts=facts,
    )


def connections(
    subject: Subject,
    used: MySqlConnections,
    holders: Sequence[MySqlHolder],
    spans: Spans[MySqlTotals],
    ages: Sequence[MySqlAge] = (),
) -> Finding:
    """How near the server or a user is to its limit, since when at the latest, and whether some were refused lately."""
    users: Counter[str] = Counter()
    for holder in holders:
        users[holder.user or "unnamed"] += holder.used
    most_of_all = users.most_common(1)
    user, held = most_of_all[0] if most_of_all else ("", 0)
    of_user = held / used.limit_user if used.limit_user else 0.0
    share = max(used.used / max(1, used.limit_total), of_user)
    lately = _full_lately(used, spans)
    statement = f"{used.used} of {used.limit_total} connections to {subject.database} are in use, {used.running} work."
    if used.limit_user and of_user == share:
        statement += f" User {user} uses {held} of its {used.limit_user}."
    by = _full_by(subject, used, user, ages)
    statement += told(by)
    if lately:
        statement += f" All were in use at a moment within the last {lasted(span_s(spans.longest))}."
    most = "; ".join(f"{one.user} from {one.client or 'here'}: {one.used}, {one.idle} idle" for one in holders[:4])
    evidence = (
        subject.evidence(
            "connections", statement, CONNECTIONS_QUERY, value=used.used, baseline=used.limit_total, unit="connections"
        ),
        subject.evidence("connections", f"Most connections: {most or 'none'}.", CONNECTIONS_QUERY, 2),
    )
    score = max((share - CONNECTIONS_WELL_BELOW) / (1 - CONNECTIONS_WELL_BELOW), 0.7 if lately else 0.0)
    facts = {
        "connections_used": used.used,
        "connections_limit": used.limit_total,
        "connections_share": round(share, 3),
        "holder": user,
        "holder_connections": held,
    }
    return subject.finding(
        "connection_exhaustion", "connections_used", statement, score, evidence=evidence, facts=facts, started_by=by
    )


def _full_by(subject: Subject, used: MySqlConnections, user: str, ages: Sequence[MySqlAge]) -> datetime | None:
    """The earliest moment at which the limit of all, or of the user with the most, is known to have been reached."""
    begun = [(one.user or "unnamed", subject.at - timedelta(seconds=one.state_age_s)) for one in ages]
    limits = (
        (used.limit_total, [at for _, at in begun]),
        (used.limit_user, [at for name, at in begun if name == user]),
    )
    return min((since for limit, of in limits if limit and (since := full_since(of, limit))), default=None)


def _full_lately(used: MySqlConnections, spans: Spans[MySqlTotals]) -> bool:
    """Whether some found no room, or the most that there ever were reached the limit, between the readings."""
    before, after = spans.longest
    reached = before.most_connections < used.limit_total <= after.most_connections
    return before.uptime_s <= after.uptime_s and (reached or after.refused > before.refused)


def state_of(session: MySqlSession) -> str:
    """In the words of every engine."""
    if session.idle_in_transaction:
        return "idle in transaction"
    return (session.state or session.command or "busy").casefold()


def described(session: MySqlSession) -> str:
    """`42 (user app, 10.0.0.3:5122), idle in transaction for 340 s, transaction open for 345 s`."""
    where = ", ".join(part for part in (f"user {session.user}" if session.user else "", session.client or "") if part)
    age = session.transaction_age_s
    open_for = "" if age is None else f", transaction open for {lasted(age)}"
    return f"{session.pid} ({where}), {state_of(session)} for {lasted(session.state_age_s or 0)}{open_for}"

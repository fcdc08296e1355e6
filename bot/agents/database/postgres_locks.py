"""Who blocks whom, judged: one session that does nothing and holds up many is nearly always the cause."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

from bot.agents.database.postgres_sessions import TRANSACTIONS_QUERY, cancel, described, terminate
from bot.agents.database.subject import NO_LOCKS, Subject, blocking_score, iso
from bot.agents.database.thresholds import REMEDY_FROM
from bot.agents.wording import lasted
from bot.models import Finding, Remedy
from bot.plural import many, verb
from bot.telemetry.postgres_rows import Blocker, Locks, Prepared

LOCKS_QUERY = (
    "SELECT pid, pg_blocking_pids(pid) AS blocked_by, query FROM pg_stat_activity WHERE wait_event_type = 'Lock';"
)


def blocking(subject: Subject, locks: Locks) -> tuple[Finding, ...]:
    """One finding for each session at which the waiting ends, the worst three; or that nobody waits."""
    if not locks.waiting:
        statement = f"No session of {subject.database} waits for a lock."
        evidence = subject.evidence("locks", statement, LOCKS_QUERY, value=0, unit="sessions")
        facts = {**NO_LOCKS, "database": subject.database}
        return (
            subject.finding("blocking_session", "blocked_sessions", statement, 0, evidence=(evidence,), facts=facts),
        )
    found = [_root(subject, blocker, 10 * number) for number, blocker in enumerate(locks.blockers[:3])]
    if locks.prepared:
        found.append(_prepared(subject, locks, locks.prepared[0]))
    return tuple(found) or (_circle(subject, locks),)


def _root(subject: Subject, blocker: Blocker, number: int) -> Finding:
    session, count, wait = blocker.session, len(blocker.waiting), blocker.longest_wait_s
    score = blocking_score(count, wait, idle=session.idle_in_transaction)
    table = f" on {blocker.relation}" if blocker.relation else ""
    crowd = Counter(waiter.application or "unnamed" for waiter in blocker.waiting).most_common(3)
    who_waits = ", ".join(f"{times} of {name}" for name, times in crowd)
    evidence = (
        subject.evidence(
            "locks",
            f"{many(count, 'session')} of {subject.database} {verb(count, 'wait')}{table} behind session {session.pid} "
            f"({blocker.directly} of them directly), the longest for {lasted(wait)}: {who_waits}.",
            LOCKS_QUERY, number + 1, value=count, baseline=0, unit="sessions",
        ),
        subject.evidence(
            "locks",
            f"Session {described(session)}. Last statement: {session.statement or 'none'}",
            TRANSACTIONS_QUERY, number + 2, value=session.transaction_age_s, unit="s",
        ),
        subject.evidence(
            "locks", f"The first in the queue wants to run: {blocker.waiting[0].statement}",
            LOCKS_QUERY, number + 3, value=wait, unit="s",
        ),
    )  # fmt: skip
    held = max(wait, session.state_age_s or 0.0 if session.idle_in_transaction else session.transaction_age_s or 0.0)
    return subject.finding(
        "blocking_session",
        "blocked_sessions",
        f"Session {session.pid} ({session.application or 'unnamed'}) blocks {many(count, 'session')}{table}; "
        f"it is {session.state or session.backend_type or 'busy'}, its transaction is "
        f"{lasted(session.transaction_age_s or 0)} old",
        score,
        started_at=subject.at - timedelta(seconds=held),
        evidence=evidence,
        remedies=_lock_remedies(subject, blocker) if score >= REMEDY_FROM else (),
        facts=_lock_facts(subject, blocker),
    )


def _lock_facts(subject: Subject, blocker: Blocker) -> dict[str, Any]:
    session = blocker.session
    return {
        "database": subject.database,
        "blocked_count": len(blocker.waiting),
        "directly_blocked_count": blocker.directly,
        "longest_wait_s": round(blocker.longest_wait_s, 3),
        "root_pid": session.pid,
        "root_backend_start": iso(session.backend_start),
        "root_transaction_start": iso(session.transaction_start),
        "root_age_s": round(session.transaction_age_s or 0.0, 3),
        "root_statement": session.statement,
        "root_state": session.state or "",
        "root_application": session.application or "",
        "relation": blocker.relation or "",
    }


def _lock_remedies(subject: Subject, blocker: Blocker) -> tuple[Remedy, ...]:
    session, count = blocker.session, len(blocker.waiting)
    needed = f"the locks that {many(count, 'session')} {verb(count, 'need')}"
    end = terminate(subject, session, f"Ending session {session.pid} releases {needed}.")
    if session.idle_in_transaction:  # there is no statement to cancel
        return end
    why = f"Cancelling what session {session.pid} runs may release the locks, and leaves it connected."
    return (*cancel(subject, session, why), *end)


def _prepared(subject: Subject, locks: Locks, prepared: Prepared) -> Finding:
    title = (
        f"Prepared transaction {prepared.name} ({prepared.role}), {lasted(prepared.age_s)} old, holds locks that "
        "others wait for; it needs COMMIT PREPARED or ROLLBACK PREPARED by a person"
    )
    evidence = subject.evidence(
        "prepared", f"{title}.", "SELECT * FROM pg_prepared_xacts;", value=prepared.age_s, unit="s"
    )
    facts = {**NO_LOCKS, "database": subject.database, "blocked_count": locks.waiting, "root_state": "prepared",
             "root_age_s": prepared.age_s}  # fmt: skip
    score = blocking_score(locks.waiting, 0, idle=True)
    return subject.finding("blocking_session", "blocked_sessions", title, score, evidence=(evidence,), facts=facts)


def _circle(subject: Subject, locks: Locks) -> Finding:
    statement = (
        f"{many(locks.waiting, 'session')} of {subject.database} {verb(locks.waiting, 'wait')} for each other's locks, "
        "or for one that was released while looking; the server breaks a circle by itself."
    )
    evidence = subject.evidence("locks", statement, LOCKS_QUERY, value=locks.waiting, unit="sessions")
    facts = {**NO_LOCKS, "database": subject.database, "blocked_count": locks.waiting}
    return subject.finding("deadlocks", "blocked_sessions", statement, 0.2, evidence=(evidence,), facts=facts)

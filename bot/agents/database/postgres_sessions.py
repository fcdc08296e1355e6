"""Sessions of a PostgreSQL: what they are called, what would end them, how long they are open, how many there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.agents.database.fullness import full_since, told
from bot.agents.database.subject import Subject, grown, iso
from bot.agents.database.thresholds import CONNECTIONS_WELL_BELOW, LONG_TRANSACTION_S, REMEDY_FROM
from bot.agents.wording import lasted
from bot.models import Finding, Remedy
from bot.telemetry.postgres_rows import Beginning, Connections, Holder, Session

TRANSACTIONS_QUERY = (
    "SELECT pid, usename, application_name, state, now() - xact_start AS age, query FROM pg_stat_activity "
    "WHERE xact_start IS NOT NULL ORDER BY xact_start;"
)
CONNECTIONS_QUERY = (
    "SELECT usename, application_name, state, count(*) FROM pg_stat_activity GROUP BY 1, 2, 3 ORDER BY 4 DESC;"
)


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
        f"Session {oldest.pid} ({oldest.application or 'unnamed'}) has kept a transaction open for {lasted(age)}, "
        f"it is {oldest.state}{more}",
        score,
        started_at=oldest.transaction_start,
        evidence=(evidence,),
        remedies=remedies,
        facts=facts,
    )


def connections(
    subject: Subject, used: Connections, holders: Sequence[Holder], begun: Sequence[Beginning] = ()
) -> Finding:
    """How near the server, the database or a role is to its limit, and since when at the latest it is there."""
    tightest = max(holders, key=lambda holder: holder.share, default=None)
    share = fullness(used, holders)
    usable = used.limit_total - used.reserved
    statement = (
        f"{used.used} of {usable} connections to the server of {subject.database} are in use: {used.active} active, "
        f"{used.idle} idle, {used.idle_in_transaction} idle in transaction."
    )
    if tightest and tightest.share == share and share > 0:
        statement += f" Role {tightest.role} uses {tightest.used_role} of its {tightest.limit_role}."
    by = _full_by(used, tightest, begun)
    statement += told(by)
    most = "; ".join(f"{holder.application or 'unnamed'} as {holder.role}: {holder.used}" for holder in holders[:4])
    evidence = (
        subject.evidence(
            "connections", statement, CONNECTIONS_QUERY, value=used.used, baseline=usable, unit="connections"
        ),
        subject.evidence("connections", f"Most connections: {most or 'none'}.", CONNECTIONS_QUERY, 2),
    )
    most_of_all = max(holders, key=lambda holder: holder.used_role, default=None)
    return subject.finding(
        "connection_exhaustion",
        "connections_used",
        statement,
        (share - CONNECTIONS_WELL_BELOW) / (1 - CONNECTIONS_WELL_BELOW),
        started_by=by,
        evidence=evidence,
        facts={
            "connections_used": used.used,
            "connections_limit": usable,
            "connections_share": round(share, 3),
            "holder": most_of_all.role if most_of_all else "",
            "holder_connections": most_of_all.used_role if most_of_all else 0,
        },
    )


def fullness(used: Connections, holders: Sequence[Holder]) -> float:
    """Use of the tightest limit of server, database and role."""
    return max([used.share, *(holder.share for holder in holders)])


def _full_by(used: Connections, tightest: Holder | None, begun: Sequence[Beginning]) -> datetime | None:
    """The earliest moment at which one of the limits is known to have been reached."""
    of_role = tightest.role if tightest else None
    limits = (
        (used.limit_total - used.reserved, [one.at for one in begun]),
        (used.limit_here, [one.at for one in begun if one.here]),
        (tightest.limit_role if tightest else None, [one.at for one in begun if one.role == of_role]),
    )
    return min((since for limit, of in limits if limit and (since := full_since(of, limit))), default=None)


def terminate(subject: Subject, session: Session, why: str) -> tuple[Remedy, ...]:
    """Ending the session, if it is an ordinary client's; bound to the transaction that it is in."""
    moment = {"transaction_start": iso(session.transaction_start)} if session.transaction_start else {}
    return _remedy("postgres.terminate_backend", subject, session, moment, why)


def cancel(subject: Subject, session: Session, why: str) -> tuple[Remedy, ...]:
    """Cancelling what the session does, if it is an ordinary client's; bound to the statement that it works on."""
    if session.state != "active":
        return ()
    moment = {"query_start": iso(session.query_start)} if session.query_start else {}
    return _remedy("postgres.cancel_query", subject, session, moment, why)


def _remedy(action: str, subject: Subject, session: Session, moment: Mapping[str, str], why: str) -> tuple[Remedy, ...]:
    if not session.expendable:
        return ()
    parameters = {
        "database": subject.database,
        "pid": session.pid,
        "backend_start": iso(session.backend_start),
        **moment,
    }
    return (Remedy(action=action, parameters=parameters, why=why),)


def described(session: Session) -> str:
    """`4711 of batch-job (role app, 10.0.0.3), idle in transaction for 340 s, transaction open for 345 s`."""
    where = ", ".join(part for part in (f"role {session.role}" if session.role else "", session.client or "") if part)
    state = f"{session.state or session.backend_type or 'in an unknown state'} for {lasted(session.state_age_s or 0)}"
    open_for = (
        "" if session.transaction_age_s is None else f", transaction open for {lasted(session.transaction_age_s)}"
    )
    mine = "" if session.expendable else "; a superuser's or the server's own: only a person may end it"
    return f"{session.pid} of {session.application or 'an unnamed application'} ({where}), {state}{open_for}{mine}"

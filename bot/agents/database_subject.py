"""What all judgements of the database agent share: the database, its sessions in words, and what would end them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.models import Evidence, Finding, Remedy
from bot.telemetry.postgres_rows import Session

REMEDY_FROM = 0.3
"""Below this score nothing is suggested."""

TRANSACTIONS_QUERY = (
    "SELECT pid, usename, application_name, state, now() - xact_start AS age, query FROM pg_stat_activity "
    "WHERE xact_start IS NOT NULL ORDER BY xact_start;"
)


@dataclass(frozen=True)
class Subject:
    """Which database was looked at, and when."""

    database: str
    at: datetime

    def evidence(self, topic: str, statement: str, query: str, number: int = 1, **measured: Any) -> Evidence:
        """An observed fact; its id is unique within an incident, also when the same is asked again later."""
        name = f"database-{topic}-{self.database}-{self.at:%H%M%S}-{number}"
        return Evidence(id=name, statement=statement, query=query, observed_at=self.at, **measured)

    def finding(self, kind: str, indicator: str, title: str, score: float, **rest: Any) -> Finding:
        """A finding about this database."""
        return Finding(
            agent="database",
            service=self.database,
            kind=kind,
            indicator=indicator,
            title=title,
            score=round(min(1.0, max(0.0, score)), 3),
            **rest,
        )


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
    state = f"{session.state or session.backend_type or 'in an unknown state'} for {session.state_age_s or 0:.0f} s"
    open_for = "" if session.transaction_age_s is None else f", transaction open for {session.transaction_age_s:.0f} s"
    mine = "" if session.expendable else "; a superuser's or the server's own: only a person may end it"
    return f"{session.pid} of {session.application or 'an unnamed application'} ({where}), {state}{open_for}{mine}"


def grown(value: float, scale: float) -> float:
    """0 at 0, rising to 1; two thirds of the way at `scale`."""
    return 1 - math.exp(-max(0.0, value) / scale)


def iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""

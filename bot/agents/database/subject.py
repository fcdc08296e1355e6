"""What all judgements of the database agent share: which database, and how facts and findings about it are made."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.agents.database.thresholds import MISSES_ALLOWED
from bot.agents.wording import clock
from bot.models import Evidence, Finding, Gap

NO_LOCKS: Mapping[str, Any] = {
    "blocked_count": 0,
    "directly_blocked_count": 0,
    "longest_wait_s": 0.0,
    "root_pid": 0,
    "root_backend_start": "",
    "root_transaction_start": "",
    "root_age_s": 0.0,
    "root_statement": "",
    "root_state": "",
    "root_application": "",
    "relation": "",
}


@dataclass(frozen=True)
class Subject:
    """Which database was looked at, and when."""

    database: str
    at: datetime

    def gap(self, reason: str) -> Gap:
        """A question to this database that got no answer."""
        return Gap(source=f"database {self.database}", reason=reason)

    def evidence(
        self, topic: str, statement: str, query: str | None = None, number: int = 1, **measured: Any
    ) -> Evidence:
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

    def normal(self, kind: str, indicator: str, statement: str, query: str, facts: Mapping[str, Any]) -> Finding:
        """Looked, and normal."""
        evidence = self.evidence(kind.replace("_", "-"), statement, query)
        return self.finding(kind, indicator, statement, 0, evidence=(evidence,), facts=facts)


def exhausted(subject: Subject, words: str, since: datetime | None) -> Finding:
    """The server refused us for want of connections; its words are the evidence.

    Args:
        since: when it refused us first, and let us in no more.
    """
    earlier = f" It refused us first at {clock(since)}." if since and since < subject.at else ""
    evidence = subject.evidence("connections", f"{words.rstrip('.')}.{earlier}")
    facts = {"connections_share": 1.0}
    title = f"{subject.database} has no connection left"
    return subject.finding(
        "connection_exhaustion", "connections_used", title, 0.97, evidence=(evidence,), facts=facts, started_by=since
    )


def grown(value: float, scale: float) -> float:
    """0 at 0, rising to 1; two thirds of the way at `scale`."""
    return 1 - math.exp(-max(0.0, value) / scale)


def iso(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""


def bytes_of(count: float) -> str:
    """'3.2 GiB', '120 KiB'."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(count) < 1024:
            return f"{count:.0f} {unit}" if unit == "B" or abs(count) >= 100 else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} TiB"


def blocking_score(blocked: int, wait_s: float, *, idle: bool) -> float:
    """Nearly 1 for several behind a session that does nothing; short queues behind working sessions are normal."""
    crowd = 1 - 0.35**blocked
    patience = wait_s / (wait_s + 3)
    return crowd * max(patience, 0.97 if idle else 0.0)


def deadlock_score(new: int, a_minute: float) -> float:
    """One or two within an hour happen, one just now is a clue; several a minute are a fault."""
    return max(0.5 * grown(new - 1, 5), 0.9 * grown(a_minute, 2.5))


def cache_score(hit_ratio: float, usual: float) -> float:
    """How much more a cache misses than in all time before; a cold one is an echo, seldom the cause."""
    misses = 1 - hit_ratio
    return 0.4 * grown(misses / max(1 - usual, 0.005) - 2, 10) if misses > MISSES_ALLOWED else 0.0

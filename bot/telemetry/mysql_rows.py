"""What a look into a MySQL or MariaDB gives: values, ages in seconds, statements already masked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from bot.models import Instant, Noun
from bot.telemetry.lock_tree import roots
from bot.telemetry.observed import MySqlStatement, Name

Count = Annotated[int, BeforeValidator(lambda value: 0 if value is None else int(value))]
Seconds = Annotated[float | None, BeforeValidator(lambda value: None if value is None else float(value))]


class MySqlSession(Noun):
    """One connection that works or has a transaction open."""

    pid: int = Field(description="the connection's id, which KILL takes")
    user: Name
    client: Name = None
    schema_name: Name = Field(default=None, alias="schema")
    command: str | None = None
    state: Name = None
    state_age_s: Seconds = None
    statement: MySqlStatement = ""
    transaction_age_s: Seconds = Field(default=None, description="None: no transaction")
    waited_s: Seconds = Field(default=None, description="how long it has waited for a row's lock")
    rows_modified: Count = 0

    @property
    def idle_in_transaction(self) -> bool:
        """Whether it holds a transaction open and does nothing with it."""
        return self.command == "Sleep" and self.transaction_age_s is not None

    @property
    def waits_for_metadata(self) -> bool:
        """Whether it waits until others have left a table, mostly to change it."""
        return "metadata lock" in (self.state or "")

    @property
    def waits(self) -> bool:
        """Whether it waits for a lock."""
        return self.waited_s is not None or self.waits_for_metadata


class LockWait(Noun):
    """One session that waits for another."""

    waiter: int
    blocker: int
    relation: Name = None
    mode: str | None = None


class MySqlBlocker(Noun):
    """A session that waits for nobody while others wait for it."""

    session: MySqlSession
    waiting: tuple[MySqlSession, ...] = Field(description="all that wait behind it, the longest wait first")
    directly: int
    relation: Name
    guessed: bool = Field(description="the server does not tell who holds the table; this is the oldest transaction")

    @property
    def longest_wait_s(self) -> float:
        """How long the first in the queue has waited."""
        return max((_wait_s(session) for session in self.waiting), default=0.0)


class MySqlLocks(Noun):
    """Who blocks whom."""

    waiting: int
    blockers: tuple[MySqlBlocker, ...] = Field(description="the one that holds up the most sessions first")


class MySqlConnections(Noun):
    """How many connections there are and may be."""

    used: int
    limit_total: int
    limit_user: int = Field(description="for each user; 0: none")
    running: int


class MySqlHolder(Noun):
    """How many connections one user holds from one address."""

    user: Name
    client: Name
    used: int
    idle: int


class MySqlAge(Noun):
    """One session. The server does not tell when it connected, only since when it sleeps or does what it does."""

    user: Name
    state_age_s: float


class Digest(Noun):
    """One kind of statement, counted up to one moment."""

    schema_name: Name = Field(default=None, alias="schema")
    digest: str
    statement: MySqlStatement
    calls: Count
    total_ms: float
    rows_examined: Count
    without_index: Count
    disk_tables: Count
    of_onlooker: bool = Field(default=False, description="it looks at the server itself, as monitoring and we do")


class DigestDelta(Noun):
    """What one kind of statement did between two moments."""

    digest: str
    statement: str
    calls: int
    total_ms: float
    mean_ms: float
    usual_ms: float | None
    rows_each: float
    usual_rows_each: float | None
    without_index: int
    usually_without_index: float = Field(description="the share of earlier calls that used no index")
    disk_tables: int
    of_onlooker: bool

    @property
    def slowdown(self) -> float:
        """How many times longer it takes than usual; 0 where nothing is known of before."""
        return self.mean_ms / self.usual_ms if self.usual_ms else 0.0


class MySqlTotals(Noun):
    """Running totals since the server started."""

    at: Instant
    uptime_s: int
    deadlocks: int
    history_length: int = Field(description="transactions whose old row versions wait to be purged")
    disk_tables: int = Field(description="temporary tables that went to disk")
    memory_tables: int
    page_reads: int = Field(description="read requests that the buffer pool could not answer")
    page_requests: int
    most_connections: int = Field(description="the most at the same time since the server started")
    refused: int = Field(description="connections that found no room, where the server counts them (not MariaDB)")
    digests: tuple[Digest, ...] | None = None
    no_digests: str = Field(default="", description="why statements are not counted, and what to do")


class ReplicaChannel(Noun):
    """One source that this server follows."""

    name: Name
    receiving: bool
    applying: bool
    behind_s: Seconds = Field(description="None: not known, as while one of its threads is stopped")
    meant_s: float = Field(default=0.0, description="how far behind it is told to stay")
    error: str = Field(default="", description="what stopped it, by its number")


class MySqlReplication(Noun):
    """Whom this server follows, and how many follow it."""

    channels: tuple[ReplicaChannel, ...]
    followers: int


class Deadlock(Noun):
    """The latest deadlock that the server remembers."""

    at: str = Field(description="in the server's own time")
    statements: tuple[MySqlStatement, ...]
    tables: tuple[str, ...]
    victim: str


def lock_tree(sessions: Iterable[MySqlSession], waits: Iterable[LockWait]) -> MySqlLocks:
    """Find the sessions at which the waiting ends; for waits on metadata of which the server tells nothing, guess."""
    by_pid = {session.pid: session for session in sessions}
    known = [wait for wait in waits if wait.waiter in by_pid and wait.blocker in by_pid]
    guesses = _guessed(by_pid, {wait.waiter for wait in known})
    blocked_by: dict[int, set[int]] = {pid: set() for pid in by_pid}
    for wait in (*known, *guesses):
        blocked_by[wait.waiter].add(wait.blocker)
    relations = {wait.waiter: wait.relation for wait in known if wait.relation}
    guessed = {wait.blocker for wait in guesses} - {wait.blocker for wait in known}
    blockers = [
        _blocker(by_pid[root], [by_pid[pid] for pid in behind], blocked_by, relations, guessed=root in guessed)
        for root, behind in roots(blocked_by).items()
    ]
    blockers.sort(key=lambda blocker: (len(blocker.waiting), blocker.longest_wait_s), reverse=True)
    waiting = {pid for pid, blockers_ in blocked_by.items() if blockers_}
    return MySqlLocks(
        waiting=len(waiting | {pid for pid, session in by_pid.items() if session.waits}), blockers=tuple(blockers)
    )


def _guessed(by_pid: Mapping[int, MySqlSession], known: set[int]) -> list[LockWait]:
    """The oldest transaction that was there before the wait began, and does not wait itself, is the likeliest."""
    waiters = [one for one in by_pid.values() if one.waits_for_metadata and one.pid not in known]
    holders = [one for one in by_pid.values() if one.transaction_age_s is not None and not one.waits]
    found = []
    for waiter in waiters:
        older = [one for one in holders if (one.transaction_age_s or 0.0) >= (waiter.state_age_s or 0.0)]
        if older:
            oldest = max(older, key=lambda session: session.transaction_age_s or 0.0)
            found.append(LockWait(waiter=waiter.pid, blocker=oldest.pid))
    return found


def _blocker(
    root: MySqlSession,
    behind: Iterable[MySqlSession],
    blocked_by: Mapping[int, set[int]],
    relations: Mapping[int, str | None],
    *,
    guessed: bool,
) -> MySqlBlocker:
    queue = sorted(behind, key=_wait_s, reverse=True)
    wanted = [relation for session in queue if (relation := relations.get(session.pid))]
    return MySqlBlocker(
        session=root,
        waiting=tuple(queue),
        directly=sum(root.pid in blocked_by[session.pid] for session in queue),
        relation=max(wanted, key=wanted.count, default=None),
        guessed=guessed,
    )


def _wait_s(session: MySqlSession) -> float:
    return session.waited_s if session.waited_s is not None else session.state_age_s or 0.0


def digest_deltas(before: Iterable[Digest] | None, after: Iterable[Digest] | None) -> tuple[DigestDelta, ...]:
    """What each kind of statement did in between, the one with the most time first; nothing where one was not read."""
    if before is None or after is None:
        return ()
    earlier = {(line.schema_name, line.digest): line for line in before}
    made = []
    for line in after:
        then = earlier.get((line.schema_name, line.digest))
        calls = line.calls - (then.calls if then else 0)
        if calls <= 0:  # not called, or the totals were reset in between
            continue
        total = max(0.0, line.total_ms - (then.total_ms if then else 0.0))
        known = then if then and then.calls else None
        made.append(
            DigestDelta(
                digest=line.digest,
                statement=line.statement,
                calls=calls,
                total_ms=total,
                mean_ms=total / calls,
                usual_ms=known.total_ms / known.calls if known else None,
                rows_each=(line.rows_examined - (then.rows_examined if then else 0)) / calls,
                usual_rows_each=known.rows_examined / known.calls if known else None,
                without_index=line.without_index - (then.without_index if then else 0),
                usually_without_index=known.without_index / known.calls if known else 0.0,
                disk_tables=line.disk_tables - (then.disk_tables if then else 0),
                of_onlooker=line.of_onlooker,
            )
        )
    return tuple(sorted(made, key=lambda delta: delta.total_ms, reverse=True))

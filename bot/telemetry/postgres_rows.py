"""What a look into a PostgreSQL gives of its sessions and copies: values, ages in seconds, statements masked."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from bot.models import Instant, Noun
from bot.telemetry.lock_tree import roots
from bot.telemetry.observed import Name, Statement


class Session(Noun):
    """One backend of the server."""

    pid: int
    backend_start: Instant | None = Field(description="with the pid: which session it is; pids are used again")
    backend_type: str | None = None
    superuser: bool = False
    role: Name = None
    application: Name = None
    client: Name = None
    state: str | None = None
    transaction_start: Instant | None = None
    query_start: Instant | None = None
    transaction_age_s: float | None = None
    state_age_s: float | None = None
    statement_age_s: float | None = None
    wait_event_type: str | None = None
    wait_event: str | None = None
    statement: Statement = ""

    @property
    def idle_in_transaction(self) -> bool:
        """Whether it holds a transaction open and does nothing with it."""
        return (self.state or "").startswith("idle in transaction")

    @property
    def expendable(self) -> bool:
        """Whether an ordinary client stands behind it: not a system process, not a superuser, clearly identified."""
        return self.backend_type == "client backend" and not self.superuser and self.backend_start is not None


class LockedSession(Session):
    """A session that waits for a lock, or that one waits for."""

    blocked_by: tuple[int, ...] | None = Field(default=None, description="None: it does not wait")
    wanted_mode: str | None = None
    waited_s: float | None = None
    relation: Name = None


class Prepared(Noun):
    """A prepared transaction: it holds locks without a session."""

    name: Name
    role: Name
    age_s: float


class Blocker(Noun):
    """A session that waits for nobody while others wait for it."""

    session: LockedSession
    waiting: tuple[LockedSession, ...] = Field(description="all that wait behind it, the longest wait first")
    directly: int = Field(description="how many of them wait for it and not only for each other")

    @property
    def longest_wait_s(self) -> float:
        """How long the first in the queue has waited."""
        return max((session.waited_s or 0.0 for session in self.waiting), default=0.0)

    @property
    def relation(self) -> str | None:
        """The table that most of the waiting want."""
        wanted = [session.relation for session in self.waiting if session.relation]
        return max(wanted, key=wanted.count, default=None)


class Locks(Noun):
    """Who blocks whom."""

    waiting: int
    blockers: tuple[Blocker, ...] = Field(description="the one that holds up the most sessions first")
    prepared: tuple[Prepared, ...] = Field(default=(), description="prepared transactions that sessions wait for")


class Connections(Noun):
    """How many connections there are and may be; all of the server, unless it says here."""

    limit_total: int
    reserved: int
    used: int
    used_here: int
    active: int
    idle: int
    idle_in_transaction: int
    limit_here: int | None = None

    @property
    def share(self) -> float:
        """Used connections by those that ordinary roles may use, of the server or of this database."""
        here = self.used_here / self.limit_here if self.limit_here else 0.0
        return max(self.used / max(1, self.limit_total - self.reserved), here)


class Holder(Noun):
    """How many connections one application holds under one role."""

    role: Name
    application: Name
    used: int
    limit_role: int | None = None
    used_role: int

    @property
    def share(self) -> float:
        """How much of the role's own limit is used; 0 where it has none."""
        return self.used_role / self.limit_role if self.limit_role else 0.0


class Beginning(Noun):
    """When one session connected."""

    role: Name
    here: bool = Field(description="whether it is connected to this database")
    at: Instant


class Standby(Noun):
    """A server that replays this one's changes."""

    name: Name
    client: Name = None
    state: str | None
    sync_state: str | None
    lag_s: float
    lag_bytes: float | None = Field(description="log that it has not replayed yet")


class Slot(Noun):
    """A replication slot and the log that it keeps from being removed."""

    name: Name
    type: str
    active: bool
    wal_status: str | None
    retained_bytes: float | None


class Replication(Noun):
    """How far copies are behind."""

    standby: bool = Field(description="whether this server is itself a copy")
    behind_s: float = Field(description="how far this copy is behind; 0 on a primary")
    paused: bool
    receiving: bool = Field(default=True, description="whether this copy is connected to its source; true on a primary")
    meant_s: float = Field(default=0.0, description="how far behind it is told to stay (recovery_min_apply_delay)")
    standbys: tuple[Standby, ...] = ()
    slots: tuple[Slot, ...] = ()


class Wraparound(Noun):
    """The database of this server whose oldest unfrozen row is the oldest."""

    database: Name
    age: int = Field(description="transactions since then; the server stops near 2.1e9")
    freeze_at: int = Field(description="from this age on autovacuum freezes, whatever else is to be done")


class Unclean(Noun):
    """A table with rows that nobody needs any more."""

    name: Name
    live_rows: int
    dead_rows: int
    cleaned_at: float = Field(description="how many dead rows make autovacuum come")
    vacuumed_ago_s: float | None = Field(description="None: never")
    autovacuum_off: bool


class Horizon(Noun):
    """Who keeps the oldest dead rows from being cleaned away."""

    kind: str
    name: Name
    age: int = Field(description="transactions since the oldest that it may see")
    state: str | None


class Upkeep(Noun):
    """How far the server is with its cleaning."""

    wraparound: Wraparound
    unclean: tuple[Unclean, ...] = Field(description="most dead rows first")
    horizon: Horizon | None
    waiting: int = Field(description="autovacuum workers that wait for a lock")
    running: int
    workers: int = Field(description="how many autovacuum may have")


class Space(Noun):
    """What lies on the disk, as far as it is seen from within; how much room is left is not."""

    at: Instant
    database_bytes: int
    log_bytes: int
    temporary_bytes: int


def lock_tree(sessions: Iterable[LockedSession], prepared: tuple[Prepared, ...] = ()) -> Locks:
    """Find the sessions at which the waiting ends, each with everyone behind it."""
    by_pid = {session.pid: session for session in sessions}
    blocked_by = {pid: session.blocked_by or () for pid, session in by_pid.items()}
    blockers = [
        _blocker(by_pid[root], [by_pid[pid] for pid in behind])
        for root, behind in roots(blocked_by).items()
        if root in by_pid  # 0 stands for prepared transactions
    ]
    blockers.sort(key=lambda blocker: (len(blocker.waiting), blocker.longest_wait_s), reverse=True)
    holds = any(0 in pids for pids in blocked_by.values())
    return Locks(
        waiting=sum(bool(pids) for pids in blocked_by.values()),
        blockers=tuple(blockers),
        prepared=prepared if holds else (),
    )


def _blocker(root: LockedSession, behind: Iterable[LockedSession]) -> Blocker:
    queue = sorted(behind, key=lambda session: session.waited_s or 0.0, reverse=True)
    directly = sum(root.pid in (session.blocked_by or ()) for session in queue)
    return Blocker(session=root, waiting=tuple(queue), directly=directly)

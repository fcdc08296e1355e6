"""The running totals of a PostgreSQL, and what happened between two readings of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from pydantic import Field

from bot.models import Instant, Noun
from bot.telemetry.observed import Name, Statement


class StatementCounts(Noun):
    """One line of pg_stat_statements at one moment."""

    userid: int
    queryid: int
    toplevel: bool
    calls: int
    total_ms: float
    rows: int
    blocks_read: int
    temp_blocks: int


class StatementDelta(Noun):
    """What one statement did between two moments."""

    queryid: int
    statement: Statement = ""
    calls: int
    total_ms: float
    mean_ms: float
    usual_ms: float | None = Field(description="the mean of all earlier calls")
    blocks_read: int
    temp_blocks: int

    @property
    def slowdown(self) -> float:
        """How many times longer it takes than usual; 0 where nothing is known of before."""
        return self.mean_ms / self.usual_ms if self.usual_ms else 0.0


class TableCounts(Noun):
    """How one table was read up to one moment."""

    relid: int
    name: Name
    live_rows: int
    size_bytes: int = Field(description="as of the last vacuum or analyze")
    scans: int = Field(description="times that it was read from end to end")
    scanned_rows: int
    indexes: tuple[str, ...]


class TableDelta(Noun):
    """How one table was read between two moments."""

    name: Name
    live_rows: int
    scans: int
    expected_scans: float = Field(description="what the rate before makes of the stretch")
    rows_each: float = Field(description="rows read by each of these scans")
    lost_indexes: tuple[str, ...] = Field(description="indexes that were there at the first moment")


class Counters(Noun):
    """Running totals of the database since `since`."""

    at: Instant
    since: Instant | None = Field(description="when they were reset; None: never")
    server_started_at: Instant
    deadlocks: int
    temp_files: int
    temp_bytes: int
    commits: int
    rollbacks: int
    blocks_hit: int = 0
    blocks_read: int = 0
    work_mem: str


class Checkpoints(Noun):
    """Running totals of the server's checkpoints and of its log archive."""

    timed: int
    requested: int = Field(description="begun before their time, mostly because max_wal_size was reached")
    write_ms: float
    sync_ms: float
    max_wal_size: str
    archive_failures: int = 0
    archiving_fails: bool = Field(default=False, description="the last attempt to archive a file failed")


class Totals(Noun):
    """Everything that is compared between two moments."""

    counters: Counters
    checkpoints: Checkpoints
    tables: tuple[TableCounts, ...] = ()
    statements: tuple[StatementCounts, ...] | None = None
    no_statements: str = Field(default="", description="why statements are not counted, and what to do")

    @property
    def at(self) -> datetime:
        """The server's clock."""
        return self.counters.at


def comparable(before: Counters, after: Counters) -> bool:
    """Whether the totals only grew in between: neither reset nor lost in a crash."""
    return before.since == after.since and before.deadlocks <= after.deadlocks and before.commits <= after.commits


def statement_deltas(before: Iterable[StatementCounts], after: Iterable[StatementCounts]) -> tuple[StatementDelta, ...]:
    """What each statement did in between, the one with the most time first; without the texts."""
    earlier = {(line.userid, line.queryid, line.toplevel): line for line in before}
    made = []
    for line in after:
        then = earlier.get((line.userid, line.queryid, line.toplevel))
        calls = line.calls - (then.calls if then else 0)
        if calls <= 0:  # not called, or the totals were reset in between
            continue
        total = max(0.0, line.total_ms - (then.total_ms if then else 0.0))
        made.append(
            StatementDelta(
                queryid=line.queryid,
                calls=calls,
                total_ms=total,
                mean_ms=total / calls,
                usual_ms=then.total_ms / then.calls if then and then.calls else None,
                blocks_read=line.blocks_read - (then.blocks_read if then else 0),
                temp_blocks=line.temp_blocks - (then.temp_blocks if then else 0),
            )
        )
    return tuple(sorted(made, key=lambda delta: delta.total_ms, reverse=True))


def table_deltas(before: Totals, after: Totals, *, baseline: Totals | None = None) -> tuple[TableDelta, ...]:
    """How each table was read in between, and at what rate it was read up to the first reading.

    The rate is that since the totals began, which is the server's start where they were never reset: where they are
    older still, too high a rate is expected, and a surge rather missed than made up.

    Args:
        baseline: whose totals give the rate, where they are older than `before`.
    """
    usual = baseline or before
    began = max(filter(None, (usual.counters.since, usual.counters.server_started_at)))
    lived_s = max(1.0, (usual.at - began).total_seconds())
    over_s = max(0.0, (after.at - before.at).total_seconds())
    then = {table.relid: table for table in before.tables}
    long_ago = {table.relid: table for table in usual.tables}
    return tuple(
        TableDelta(
            name=now.name,
            live_rows=now.live_rows,
            scans=scans,
            expected_scans=long_ago.get(now.relid, first).scans / lived_s * over_s,
            rows_each=(now.scanned_rows - first.scanned_rows) / scans,
            lost_indexes=tuple(sorted(set(long_ago.get(now.relid, first).indexes) - set(now.indexes))),
        )
        for now in after.tables
        if (first := then.get(now.relid)) and (scans := now.scans - first.scans) > 0
    )

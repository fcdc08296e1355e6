"""What a PostgreSQL writes and reads: deadlocks and spills, checkpoints, the archive, the cache, the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.agents.database.subject import Subject, bytes_of, cache_score, deadlock_score, grown
from bot.agents.database.thresholds import ENOUGH_READS, GIBIBYTE, MEBIBYTE
from bot.agents.wording import lasted
from bot.models import Finding
from bot.plural import many
from bot.telemetry.postgres_rows import Space
from bot.telemetry.postgres_totals import StatementDelta, Totals, comparable
from bot.telemetry.readings import Spans, span_s

TOTALS_QUERY = "SELECT deadlocks, temp_files, temp_bytes FROM pg_stat_database WHERE datname = current_database();"
CACHE_QUERY = "SELECT blks_hit, blks_read FROM pg_stat_database WHERE datname = current_database();"
CHECKPOINTS_QUERY = "SELECT * FROM pg_stat_bgwriter;"
ARCHIVE_QUERY = "SELECT * FROM pg_stat_archiver;"
SIZE_QUERY = "SELECT pg_size_pretty(pg_database_size(current_database())), sum(size) FROM pg_ls_waldir();"


def deadlocks(subject: Subject, spans: Spans[Totals]) -> Finding:
    """Deadlocks since an earlier look; those of long ago say nothing."""
    pair = _pair(spans)
    total, new, over_s = spans.last.counters.deadlocks, 0, 0.0
    if pair:
        new, over_s = pair[1].counters.deadlocks - pair[0].counters.deadlocks, span_s(pair)
    since = f"{new} of them within the last {lasted(over_s)}" if pair else "the totals were reset a moment ago"
    statement = f"{many(total, 'deadlock')} on {subject.database} in all, {since}."
    evidence = subject.evidence("deadlocks", statement, TOTALS_QUERY, value=new, baseline=0, unit="deadlocks")
    a_minute = max(
        ((b.counters.deadlocks - a.counters.deadlocks) / max(span_s((a, b)), 60) * 60 for a, b in _comparable(spans)),
        default=0.0,
    )
    facts = {"new_deadlocks": new, "deadlocks_per_min": round(a_minute, 3)}
    score = deadlock_score(new, a_minute)
    return subject.finding("deadlocks", "deadlocks", statement, score, evidence=(evidence,), facts=facts)


def storage(
    subject: Subject, spans: Spans[Totals], space: Space, before: Space | None, spilling: Sequence[StatementDelta]
) -> tuple[Finding, ...]:
    """Spills, checkpoints, archive, cache and growth that deviate; or that all is normal."""
    spilled_per_s, files = _spilled(spans)
    hit_ratio = _hit_ratio(_pair(spans))
    facts = {
        "database_bytes": space.database_bytes,
        "spilled_bytes_per_s": round(spilled_per_s, 1),
        "spilled_count": files,
        "cache_hit_ratio": round(1.0 if hit_ratio is None else hit_ratio, 4),
        "persistence_failing": spans.last.checkpoints.archiving_fails,
    }
    found = [
        *_spill(subject, spilled_per_s, files, spans, space, spilling, facts),
        *_checkpoints(subject, spans, facts),
        *_archive(subject, spans, space, facts),
        *_cache(subject, spans, facts),
        *_growth(subject, space, before, facts),
    ]
    if found:
        return tuple(found)
    statement = (
        f"{subject.database} is {bytes_of(space.database_bytes)}, its server's log {bytes_of(space.log_bytes)}; "
        "spills, checkpoints and cache are as usual. How much room is left on the disk cannot be seen from within."
    )
    return (subject.normal("disk", "database_bytes", statement, SIZE_QUERY, facts),)


def _pair(spans: Spans[Totals]) -> tuple[Totals, Totals] | None:
    """The longest stretch over which the totals only grew."""
    return next(reversed(_comparable(spans)), None)


def _comparable(spans: Spans[Totals]) -> list[tuple[Totals, Totals]]:
    return [pair for pair in spans.pairs if comparable(pair[0].counters, pair[1].counters)]


def _spilled(spans: Spans[Totals]) -> tuple[float, int]:
    """The highest rate of the stretches that can be compared, and the files of the longest."""
    pairs = _comparable(spans)
    # totals are written at the end of a statement, so a moment shorter than a second is no rate
    rates = [(b.counters.temp_bytes - a.counters.temp_bytes) / max(1.0, span_s((a, b))) for a, b in pairs]
    files = [b.counters.temp_files - a.counters.temp_files for a, b in pairs]
    return max(rates, default=0.0), max(files, default=0)


def _spill(
    subject: Subject, per_s: float, files: int, spans: Spans[Totals], space: Space,
    spilling: Sequence[StatementDelta], facts: Mapping[str, Any],
) -> list[Finding]:  # fmt: skip
    score = 0.7 * grown(per_s / MEBIBYTE, 20)
    if score < 0.05:
        return []
    work_mem = spans.last.counters.work_mem
    title = (
        f"Statements on {subject.database} spill {bytes_of(per_s)}/s to disk ({files} files; work_mem is {work_mem})"
    )
    evidence = [
        subject.evidence(
            "spill", f"{title}; {bytes_of(space.temporary_bytes)} of temporary files lie there now.",
            TOTALS_QUERY, value=round(per_s), baseline=0, unit="bytes/s",
        )
    ]  # fmt: skip
    if worst := max(spilling, key=lambda delta: delta.temp_blocks, default=None):
        said = f"It wrote {worst.temp_blocks:,} temporary blocks in {many(worst.calls, 'call')}: {worst.statement}"
        evidence.append(subject.evidence("spill", said, None, 2, value=worst.temp_blocks, unit="blocks"))
        title += f": {worst.statement}"
    return [subject.finding("temp_spill", "spilled_bytes", title, score, evidence=tuple(evidence), facts=facts)]


def _checkpoints(subject: Subject, spans: Spans[Totals], facts: Mapping[str, Any]) -> list[Finding]:
    before, after = spans.longest
    requested = after.checkpoints.requested - before.checkpoints.requested
    timed = after.checkpoints.timed - before.checkpoints.timed
    minutes = span_s(spans.longest) / 60
    if requested < 2 or requested <= timed or minutes < 1:
        return []
    title = (
        f"The server of {subject.database} makes {requested / minutes:.1f} checkpoints a minute before their time: "
        f"more is written than max_wal_size ({after.checkpoints.max_wal_size}) is made for"
    )
    evidence = subject.evidence(
        "checkpoints", f"{title}; {requested} were requested and {timed} were due within {minutes:.0f} min.",
        CHECKPOINTS_QUERY, value=requested, baseline=timed, unit="checkpoints",
    )  # fmt: skip
    score = 0.5 * grown(requested / minutes, 1)
    return [subject.finding("checkpoints", "checkpoints", title, score, evidence=(evidence,), facts=facts)]


def _archive(subject: Subject, spans: Spans[Totals], space: Space, facts: Mapping[str, Any]) -> list[Finding]:
    now = spans.last.checkpoints
    if not now.archiving_fails:
        return []
    log = bytes_of(space.log_bytes)
    title = f"The server of {subject.database} cannot archive its log, which grows until it can ({log})"
    evidence = subject.evidence(
        "archive", f"{title}; {many(now.archive_failures, 'failure')} in all.", ARCHIVE_QUERY,
        value=now.archive_failures,
        unit="failures",
    )  # fmt: skip
    score = 0.4 + 0.4 * grown(space.log_bytes / GIBIBYTE, 20)
    return [subject.finding("wal_archiving", "archive_failures", title, score, evidence=(evidence,), facts=facts)]


def _hit_ratio(pair: tuple[Totals, Totals] | None) -> float | None:
    if pair is None:
        return None
    read = pair[1].counters.blocks_read - pair[0].counters.blocks_read
    hit = pair[1].counters.blocks_hit - pair[0].counters.blocks_hit
    return hit / (hit + read) if hit + read >= ENOUGH_READS else None


def _cache(subject: Subject, spans: Spans[Totals], facts: Mapping[str, Any]) -> list[Finding]:
    """Against all time before."""
    pair = _pair(spans)
    ratio = _hit_ratio(pair)
    if ratio is None or pair is None:
        return []
    then = pair[0].counters
    usual = then.blocks_hit / max(1, then.blocks_hit + then.blocks_read)
    score = cache_score(ratio, usual)
    if score < 0.05:
        return []
    title = f"The cache of {subject.database} answers {ratio:.1%} of the reads, usually {usual:.1%}"
    evidence = subject.evidence("cache", f"{title}.", CACHE_QUERY, value=round(ratio, 4), baseline=round(usual, 4),
                                unit="ratio")  # fmt: skip
    return [subject.finding("cache_misses", "cache_hit_ratio", title, score, evidence=(evidence,), facts=facts)]


def _growth(subject: Subject, space: Space, before: Space | None, facts: Mapping[str, Any]) -> list[Finding]:
    if before is None or (over_s := span_s((before, space))) < 60:
        return []
    grew = space.database_bytes + space.log_bytes - before.database_bytes - before.log_bytes
    an_hour = grew / over_s * 3600
    score = 0.6 * grown(an_hour / GIBIBYTE - 1, 20) if an_hour > 0.05 * space.database_bytes else 0.0
    if score < 0.05:
        return []
    title = (
        f"{subject.database} and its log grow by {bytes_of(an_hour)} an hour, to {bytes_of(space.database_bytes)} and "
        f"{bytes_of(space.log_bytes)}"
    )
    evidence = subject.evidence(
        "disk", f"{title}; measured over {over_s / 60:.0f} min.", SIZE_QUERY, value=round(an_hour), baseline=0,
        unit="bytes/h",
    )  # fmt: skip
    return [subject.finding("disk", "database_bytes", title, score, evidence=(evidence,), facts=facts)]

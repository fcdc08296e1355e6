"""Memory of a Redis against its limit, keys that made room for others, reads that missed, and clients that wait."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from bot.agents.database.subject import Subject, bytes_of, cache_score, grown
from bot.agents.database.thresholds import ENOUGH_READS, MEBIBYTE
from bot.agents.wording import lasted
from bot.models import Finding
from bot.plural import many, verb
from bot.telemetry.readings import Spans, span_s
from bot.telemetry.redis_rows import RedisTotals

MEMORY_WELL_BELOW = 0.85
"""The share of maxmemory in use from which on it deserves a look, where nothing may be evicted."""
FRAGMENTED_FROM = 1.5
WORTH_BYTES = 100 * MEBIBYTE
"""Fragmentation of less memory than this is no trouble."""

MEMORY_QUERY = "INFO memory"
STATS_QUERY = "INFO stats"
ERRORS_QUERY = "INFO errorstats"
CLIENTS_QUERY = "CLIENT LIST TYPE normal"


def memory(subject: Subject, spans: Spans[RedisTotals]) -> tuple[Finding, ...]:
    """What deviates; or that all is normal."""
    facts = facts_of(spans)
    found = [
        *_refused_writes(subject, spans, facts),
        *_evictions(subject, spans, facts),
        *_near_limit(subject, spans.last, facts),
        *_fragmented(subject, spans.last, facts),
        *_misses(subject, spans, facts),
    ]
    return tuple(found) or (
        subject.normal("memory", "used_bytes", f"{_used(subject, spans.last)}.", MEMORY_QUERY, facts),
    )


def facts_of(spans: Spans[RedisTotals]) -> Mapping[str, Any]:
    """The same facts with every finding."""
    now = spans.last
    return {
        "memory_share": round(now.used_bytes / now.limit_bytes, 4) if now.limit_bytes else 0.0,
        "evicted_per_s": round(_evicted_per_s(spans), 3),
        "fragmentation_ratio": now.fragmentation,
        "keyspace_hit_ratio": round(1.0 if (ratio := _hit_ratio(*grown_only(spans))) is None else ratio, 4),
        "blocked_clients": now.blocked,
    }


def grown_only(spans: Spans[RedisTotals]) -> tuple[RedisTotals, RedisTotals]:
    """The longest stretch without a restart, and without a reset of the figures, in it."""
    pairs = reversed(spans.pairs)
    return next(
        (pair for pair in pairs if pair[0].run_id == pair[1].run_id and pair[0].hits <= pair[1].hits), (spans.last,) * 2
    )


def _evicted_per_s(spans: Spans[RedisTotals]) -> float:
    """Over the stretch in which it was highest."""
    rates = [(b.evicted - a.evicted) / max(1.0, span_s((a, b))) for a, b in spans.pairs if a.run_id == b.run_id]
    return max([0.0, *rates])


def _used(subject: Subject, now: RedisTotals) -> str:
    limit = f"{bytes_of(now.limit_bytes)} (maxmemory, {now.policy})" if now.limit_bytes else "no limit (maxmemory is 0)"
    return f"{subject.database} uses {bytes_of(now.used_bytes)} of {limit}"


def _refused_writes(subject: Subject, spans: Spans[RedisTotals], facts: Mapping[str, Any]) -> Sequence[Finding]:
    before, after = grown_only(spans)
    refused = after.out_of_memory - before.out_of_memory
    if refused <= 0:
        return ()
    title = f"{subject.database} has refused {many(refused, 'write')} because its memory is full ({after.policy})"
    evidence = (
        subject.evidence(
            "memory", f"{title}, within {lasted(span_s((before, after)))}.", ERRORS_QUERY, value=refused, baseline=0,
            unit="writes",
        ),
        subject.evidence("memory", f"{_used(subject, after)}.", MEMORY_QUERY, 2, value=after.used_bytes,
                         baseline=after.limit_bytes, unit="bytes"),
    )  # fmt: skip
    return (subject.finding("out_of_memory", "refused_writes", title, 0.9, evidence=evidence, facts=facts),)


def _evictions(subject: Subject, spans: Spans[RedisTotals], facts: Mapping[str, Any]) -> Sequence[Finding]:
    a_second = facts["evicted_per_s"]
    score = 0.75 * grown(a_second, 20)
    if score < 0.05:
        return ()
    title = f"{subject.database} evicts {a_second:,.0f} keys a second to stay within its limit"
    evidence = (
        subject.evidence("evictions", f"{title}.", STATS_QUERY, value=a_second, baseline=0, unit="keys/s"),
        subject.evidence("evictions", f"{_used(subject, spans.last)}.", MEMORY_QUERY, 2, value=spans.last.used_bytes,
                         baseline=spans.last.limit_bytes, unit="bytes"),
    )  # fmt: skip
    return (subject.finding("evictions", "evicted_keys", title, score, evidence=evidence, facts=facts),)


def _near_limit(subject: Subject, now: RedisTotals, facts: Mapping[str, Any]) -> Sequence[Finding]:
    """With a policy that evicts, full is how it is meant to be; then only evictions tell."""
    share = facts["memory_share"]
    of_system = now.used_bytes / now.system_bytes if now.system_bytes and not now.limit_bytes else 0.0
    if now.policy != "noeviction":
        share = 0.0
    score = 0.8 * (max(share, of_system) - MEMORY_WELL_BELOW) / (1 - MEMORY_WELL_BELOW)
    if score < 0.05:
        return ()
    title = _used(subject, now)
    title += f"; the machine has {bytes_of(now.system_bytes)}" if of_system else "; what does not fit is refused"
    evidence = subject.evidence("memory", f"{title}.", MEMORY_QUERY, value=now.used_bytes,
                                baseline=now.limit_bytes or now.system_bytes, unit="bytes")  # fmt: skip
    return (subject.finding("memory", "used_bytes", title, score, evidence=(evidence,), facts=facts),)


def _fragmented(subject: Subject, now: RedisTotals, facts: Mapping[str, Any]) -> Sequence[Finding]:
    if now.used_bytes < WORTH_BYTES:
        return ()
    swapped = now.fragmentation < 0.8
    score = 0.6 if swapped else 0.4 * grown(now.fragmentation - FRAGMENTED_FROM, 1)
    if score < 0.05:
        return ()
    why = "part of it is swapped out" if swapped else "the rest is lost to fragmentation"
    title = (
        f"{subject.database} holds {bytes_of(now.resident_bytes)} of memory for {bytes_of(now.used_bytes)} in use "
        f"(ratio {now.fragmentation:.2f}): {why}"
    )
    evidence = subject.evidence("memory", f"{title}.", MEMORY_QUERY, value=now.fragmentation, baseline=1, unit="ratio")
    return (subject.finding("fragmentation", "fragmentation_ratio", title, score, evidence=(evidence,), facts=facts),)


def _hit_ratio(before: RedisTotals, after: RedisTotals) -> float | None:
    hits, misses = after.hits - before.hits, after.misses - before.misses
    return hits / (hits + misses) if hits + misses >= ENOUGH_READS else None


def _misses(subject: Subject, spans: Spans[RedisTotals], facts: Mapping[str, Any]) -> Sequence[Finding]:
    before, after = grown_only(spans)
    ratio = _hit_ratio(before, after)
    if ratio is None or before.hits + before.misses < ENOUGH_READS:
        return ()
    usual = before.hits / (before.hits + before.misses)
    score = cache_score(ratio, usual)
    if score < 0.05:
        return ()
    title = f"{ratio:.1%} of the reads of {subject.database} find their key, usually {usual:.1%}"
    evidence = subject.evidence("keyspace", f"{title}.", STATS_QUERY, value=round(ratio, 4), baseline=round(usual, 4),
                                unit="ratio")  # fmt: skip
    return (subject.finding("cache_misses", "keyspace_hit_ratio", title, score, evidence=(evidence,), facts=facts),)


def blocked(subject: Subject, spans: Spans[RedisTotals], waiting: Counter[str]) -> list[Finding]:
    """Clients that wait in a blocking command. Consumers of a queue do so all day: only a rise says something."""
    before, now = spans.longest[0].blocked, spans.last.blocked
    score = 0.5 * grown((now - before) / max(3.0, before), 1)
    if score < 0.05:
        return []
    commands = ", ".join(f"{count} in {command}" for command, count in waiting.most_common(3)) or "not listed"
    title = f"{many(now, 'client')} of {subject.database} {verb(now, 'wait')} in a blocking command, {before} before"
    evidence = subject.evidence(
        "blocked", f"{title}: {commands}.", CLIENTS_QUERY, value=now, baseline=before, unit="clients"
    )
    facts = facts_of(spans)
    return [subject.finding("blocked_clients", "blocked_clients", title, score, evidence=(evidence,), facts=facts)]

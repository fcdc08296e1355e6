"""What a Redis does as a whole: its connections, commands that hold up all others, its copies, its writing to disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from bot.agents.database.redis_memory import grown_only
from bot.agents.database.subject import Subject, bytes_of, grown
from bot.agents.database.thresholds import CONNECTIONS_WELL_BELOW, MEBIBYTE, SLOWER_THAN_USUAL
from bot.agents.wording import lasted
from bot.models import Evidence, Finding
from bot.plural import many
from bot.telemetry.readings import Spans, span_s
from bot.telemetry.redis_rows import LatencyEvent, RedisTotals, SlowCommand

LATELY = timedelta(minutes=15)
NOTICEABLE_MS = 20.0
"""While one command runs, all others wait; a shorter one is not noticed."""
BUSY_FROM = 0.5
"""The share of its one thread's time from which on commands wait for each other."""
NOTICEABLE_US = 500.0
"""The mean time of a command from which on it may be called slower."""

CLIENTS_QUERY = "CLIENT LIST TYPE normal"
SLOWLOG_QUERY = "SLOWLOG GET 64"
COMMANDS_QUERY = "INFO commandstats"
LATENCY_QUERY = "LATENCY LATEST"
REPLICATION_QUERY = "INFO replication"
PERSISTENCE_QUERY = "INFO persistence"


def connections(subject: Subject, spans: Spans[RedisTotals], holders: Counter[str]) -> Finding:
    """How near the server is to its limit, and whether some were refused lately."""
    before, now = grown_only(spans)
    share = now.clients / max(1, now.clients_limit)
    refused = max(0, now.rejected - before.rejected)
    statement = f"{now.clients} of {now.clients_limit} connections to {subject.database} are in use"
    statement += f"; {refused} found no room within the last {lasted(span_s((before, now)))}" if refused else ""
    evidence = [
        subject.evidence("connections", f"{statement}.", CLIENTS_QUERY, value=now.clients, baseline=now.clients_limit,
                         unit="connections")
    ]  # fmt: skip
    if most := "; ".join(f"{name}: {count}" for name, count in holders.most_common(4)):
        evidence.append(subject.evidence("connections", f"Most connections: {most}.", CLIENTS_QUERY, 2))
    score = max((share - CONNECTIONS_WELL_BELOW) / (1 - CONNECTIONS_WELL_BELOW), 0.8 * grown(refused, 2))
    holder, held = next(iter(holders.most_common(1)), ("", 0))
    facts = {
        "connections_used": now.clients,
        "connections_limit": now.clients_limit,
        "connections_share": round(share, 3),
        "holder": holder,
        "holder_connections": held,
    }
    return subject.finding("connection_exhaustion", "connections_used", statement, score, evidence=tuple(evidence),
                           facts=facts)  # fmt: skip


def slow_commands(
    subject: Subject, spans: Spans[RedisTotals], log: Sequence[SlowCommand], latency: Sequence[LatencyEvent]
) -> tuple[Finding, ...]:
    """Single commands that held up all others, and kinds of commands that take up the server's time."""
    since = spans.last.at - LATELY
    slow = [line for line in log if line.at >= since and line.duration_ms >= NOTICEABLE_MS]
    slower = _slower(spans)
    worst = max(slow, key=lambda line: line.duration_ms, default=None)
    facts = {
        "slow_statement_count": len(slow),
        "longest_statement_s": round(worst.duration_ms / 1000, 4) if worst else 0.0,
        "slower_count": len(slower),
        "scanned_table": "",
        "scanning_statement": "",
        "lost_index": "",
    }
    found = [_slow(subject, worst, slow, latency, facts)] if worst else []
    found += [*_busy(subject, spans, facts), *_slower_kind(subject, slower, facts)]
    if found:
        return tuple(found)
    statement = f"No command on {subject.database} has held up the others for {NOTICEABLE_MS:.0f} ms lately."
    return (subject.normal("slow_statement", "command_ms", statement, SLOWLOG_QUERY, facts),)


def _slow(
    subject: Subject, worst: SlowCommand, slow: Sequence[SlowCommand], latency: Sequence[LatencyEvent],
    facts: Mapping[str, Any],
) -> Finding:  # fmt: skip
    title = (
        f"{worst.command} with {many(worst.arguments, 'argument')} held up {subject.database} "
        f"for {worst.duration_ms:.0f} ms"
        + (f", and {many(len(slow) - 1, 'more command')} lately" if len(slow) > 1 else "")
    )
    kinds = Counter(line.command for line in slow).most_common(3)
    said = ", ".join(f"{count} × {command}" for command, count in kinds)
    evidence = [
        subject.evidence(
            "commands", f"{title}; by {worst.client or 'an unnamed client'}. Slow lately: {said}.", SLOWLOG_QUERY,
            value=worst.duration_ms, baseline=NOTICEABLE_MS, unit="ms",
        )
    ]  # fmt: skip
    evidence += [_delay(subject, event, number) for number, event in enumerate(latency[:3], 2)]
    total_s = sum(line.duration_ms for line in slow) / 1000
    score = 0.8 * grown(max(worst.duration_ms / 1000, total_s / 5), 0.5)
    return subject.finding("slow_statement", "command_ms", title, score, started_at=worst.at, evidence=tuple(evidence),
                           facts=facts)  # fmt: skip


def _delay(subject: Subject, event: LatencyEvent, number: int) -> Evidence:
    said = f"The server saw a delay of {event.latest_ms:.0f} ms by '{event.name}', at worst {event.worst_ms:.0f} ms."
    return subject.evidence("commands", said, LATENCY_QUERY, number, value=event.latest_ms, unit="ms")


def _spent(before: RedisTotals, after: RedisTotals) -> dict[str, tuple[int, int]]:
    """Command → calls and microseconds in between."""
    spent = {}
    for name, now in after.commands.items():
        then = before.commands.get(name)
        calls = now.calls - (then.calls if then else 0)
        if calls > 0:
            spent[name] = (calls, now.total_us - (then.total_us if then else 0))
    return spent


def _busy(subject: Subject, spans: Spans[RedisTotals], facts: Mapping[str, Any]) -> list[Finding]:
    pair = spans.first, spans.last
    spent = _spent(*pair) if pair[0].run_id == pair[1].run_id else {}
    if not spent:
        return []
    share = sum(us for _, us in spent.values()) / (span_s(pair) * 1e6)
    score = 0.75 * grown((share - BUSY_FROM) / (1 - BUSY_FROM), 0.5)
    if score < 0.05:
        return []
    name, (calls, us) = max(spent.items(), key=lambda item: item[1][1])
    title = (
        f"Commands take {min(share, 1):.0%} of the time of {subject.database}, {name.upper()} most: "
        f"{many(calls, 'call')}, {us / calls / 1000:.2f} ms each"
    )
    evidence = subject.evidence("commands", f"{title}, within {lasted(span_s(pair))}.", COMMANDS_QUERY, 5,
                                value=round(share, 3), baseline=BUSY_FROM, unit="ratio")  # fmt: skip
    return [subject.finding("saturation", "busy_share", title, score, evidence=(evidence,), facts=facts)]


def _slower(spans: Spans[RedisTotals]) -> dict[str, tuple[float, float, int]]:
    """Command → microseconds each now and usually, and calls; only those that became several times slower."""
    before, after = grown_only(spans)
    found = {}
    for name, (calls, us) in _spent(before, after).items():
        then = before.commands.get(name)
        usual = then.total_us / then.calls if then and then.calls else 0.0
        if usual and us / calls >= max(NOTICEABLE_US, SLOWER_THAN_USUAL * usual):
            found[name] = (us / calls, usual, calls)
    return found


def _slower_kind(
    subject: Subject, slower: Mapping[str, tuple[float, float, int]], facts: Mapping[str, Any]
) -> list[Finding]:
    if not slower:
        return []
    name, (now_us, usual_us, calls) = max(slower.items(), key=lambda item: item[1][0] * item[1][2])
    title = f"{name.upper()} on {subject.database} takes {now_us / 1000:.2f} ms instead of {usual_us / 1000:.3f} ms"
    evidence = subject.evidence("commands", f"{title}; {many(calls, 'call')} between two readings.", COMMANDS_QUERY, 6,
                                value=round(now_us / 1000, 3), baseline=round(usual_us / 1000, 3),
                                unit="ms")  # fmt: skip
    score = 0.6 * grown(now_us * calls / 1e6, 1)
    return [subject.finding("slow_statement", "command_mean_ms", title, score, evidence=(evidence,), facts=facts)]


def replication(subject: Subject, spans: Spans[RedisTotals]) -> Finding:
    """Whether a copy hears its source, and how far copies are behind."""
    now = spans.last
    behind = max([now.offset - copy.offset for copy in now.copies], default=0)
    silent_s = max([copy.lag_s for copy in now.copies], default=0.0)
    lag = (now.link_down_s or now.heard_ago_s if not now.link_up else 0.0) if now.is_copy else silent_s
    broken = not now.link_up or any(copy.state != "online" for copy in now.copies)
    if now.is_copy:
        state = "hears its source" if now.link_up else f"has not heard its source for {lasted(now.link_down_s)}"
        title = f"{subject.database} is a copy and {state}" + (", it is copying everything anew" if now.syncing else "")
    else:
        title = f"{subject.database} is followed by {many(len(now.copies), 'server') if now.copies else 'no server'}"
        if now.copies:
            title += f", the furthest {bytes_of(behind)} behind, last heard {lasted(silent_s)} ago"
    copies = "; ".join(
        f"{copy.name} is {copy.state}, {bytes_of(now.offset - copy.offset)} behind" for copy in now.copies[:4]
    )
    said = f"{title}. {copies}".strip()
    evidence = subject.evidence("replication", said, REPLICATION_QUERY, value=lag, baseline=0, unit="s")
    score = max(
        0.7 if not now.link_up else 0.0,
        0.6 * grown(behind / MEBIBYTE - 1, 50),
        0.6 * grown(silent_s - 5, 20),
        0.4 if any(copy.state != "online" for copy in now.copies) else 0.0,
    )
    facts = {
        "replication_lag_s": round(lag, 3),
        "replication_lag_bytes": behind,
        "replication_broken": broken,
        "retained_bytes": 0,
        "is_standby": now.is_copy,
    }
    return subject.finding("replication_lag", "replication_lag_s", title, score, evidence=(evidence,), facts=facts)


def persistence(subject: Subject, now: RedisTotals) -> Finding:
    """Whether it can write to disk; with stop-writes-on-bgsave-error it refuses all writes when it cannot."""
    facts = {
        "database_bytes": now.log_bytes,
        "spilled_bytes_per_s": 0.0,
        "spilled_count": 0,
        "cache_hit_ratio": 1.0,
        "persistence_failing": bool(now.failures),
    }
    if now.failures:
        title = (
            f"{subject.database} failed at {' and '.join(now.failures)}; it may refuse writes until that works again"
        )
        score = 0.8
    elif now.loading:
        title, score = f"{subject.database} is still loading its data after a start", 0.7
    else:
        unsaved = f"{now.changes_since_save:,} changes since the last snapshot"
        title = f"{subject.database} writes to disk as it should; {unsaved}"
        score = 0.0
    evidence = subject.evidence("persistence", f"{title}.", PERSISTENCE_QUERY, value=len(now.failures), baseline=0,
                                unit="failures")  # fmt: skip
    kind = "persistence" if score else "disk"
    return subject.finding(kind, "persistence_failures", title, score, evidence=(evidence,), facts=facts)

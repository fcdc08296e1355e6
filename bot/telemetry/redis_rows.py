"""What a look into a Redis gives: the figures of INFO by name, and slow commands without their arguments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pydantic import Field

from bot.models import Instant, Noun
from bot.telemetry.observed import Name


class CommandCounts(Noun):
    """One kind of command, counted up to one moment."""

    calls: int
    total_us: int


class RedisCopy(Noun):
    """A server that follows this one."""

    name: Name
    state: str
    offset: int
    lag_s: float = Field(description="since it last acknowledged")


class RedisTotals(Noun):
    """Everything that is compared between two moments."""

    at: Instant
    run_id: str = Field(description="another one after a restart")
    uptime_s: int
    used_bytes: int
    resident_bytes: int
    limit_bytes: int = Field(description="maxmemory; 0: none")
    system_bytes: int
    policy: str
    fragmentation: float
    clients: int
    clients_limit: int
    blocked: int
    rejected: int
    evicted: int
    hits: int
    misses: int
    out_of_memory: int = Field(description="writes that were refused because memory was full")
    commands: Mapping[str, CommandCounts]
    loading: bool
    changes_since_save: int
    failures: tuple[str, ...] = Field(description="what of its writing to disk failed the last time")
    log_bytes: int
    is_copy: bool
    link_up: bool = Field(description="whether a copy hears its source; true on a source")
    link_down_s: float
    heard_ago_s: float
    syncing: bool
    offset: int
    copies: tuple[RedisCopy, ...] = ()


class SlowCommand(Noun):
    """One line of the slow log. Keys and values are somebody's: only the command's name and size are kept."""

    id: int
    at: Instant
    duration_ms: float
    command: str
    arguments: int
    client: Name = None


class LatencyEvent(Noun):
    """The latest and the worst of one kind of delay that the server has seen."""

    name: str
    at: Instant
    latest_ms: float
    worst_ms: float


def totals_of(said: Mapping[str, Any], at: datetime) -> RedisTotals:
    """The answer to INFO, all sections, as redis-py reads it."""
    is_copy = said.get("role") == "slave"
    return RedisTotals(
        at=at,
        run_id=str(said.get("run_id", "")),
        uptime_s=_whole(said, "uptime_in_seconds"),
        used_bytes=_whole(said, "used_memory"),
        resident_bytes=_whole(said, "used_memory_rss"),
        limit_bytes=_whole(said, "maxmemory"),
        system_bytes=_whole(said, "total_system_memory"),
        policy=str(said.get("maxmemory_policy", "noeviction")),
        fragmentation=float(said.get("mem_fragmentation_ratio") or 0),
        clients=_whole(said, "connected_clients"),
        clients_limit=_whole(said, "maxclients"),
        blocked=_whole(said, "blocked_clients"),
        rejected=_whole(said, "rejected_connections"),
        evicted=_whole(said, "evicted_keys"),
        hits=_whole(said, "keyspace_hits"),
        misses=_whole(said, "keyspace_misses"),
        out_of_memory=int(_part(said, "errorstat_OOM").get("count", 0)),
        commands=dict(_commands(said)),
        loading=bool(_whole(said, "loading")),
        changes_since_save=_whole(said, "rdb_changes_since_last_save"),
        failures=tuple(_failures(said)),
        log_bytes=_whole(said, "aof_current_size"),
        is_copy=is_copy,
        link_up=not is_copy or said.get("master_link_status") == "up",
        link_down_s=max(0.0, float(said.get("master_link_down_since_seconds") or 0)),
        heard_ago_s=max(0.0, float(said.get("master_last_io_seconds_ago") or 0)),
        syncing=bool(_whole(said, "master_sync_in_progress")),
        offset=_whole(said, "slave_repl_offset" if is_copy else "master_repl_offset"),
        copies=tuple(_copies(said)),
    )


def _whole(said: Mapping[str, Any], name: str) -> int:
    return int(said.get(name) or 0)


def _part(said: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = said.get(name)
    return part if isinstance(part, Mapping) else {}


def _commands(said: Mapping[str, Any]) -> Iterator[tuple[str, CommandCounts]]:
    for name in said:
        if name.startswith("cmdstat_"):
            part = _part(said, name)
            yield (
                name.removeprefix("cmdstat_").replace("|", " "),
                CommandCounts(calls=_whole(part, "calls"), total_us=_whole(part, "usec")),
            )


def _failures(said: Mapping[str, Any]) -> Iterator[str]:
    watched = {
        "rdb_last_bgsave_status": "saving a snapshot",
        "aof_last_write_status": "writing the append-only file",
        "aof_last_bgrewrite_status": "rewriting the append-only file",
    }
    return (words for name, words in watched.items() if said.get(name, "ok") != "ok")


def _copies(said: Mapping[str, Any]) -> Iterator[RedisCopy]:
    for number in range(min(_whole(said, "connected_slaves"), 20)):
        part = _part(said, f"slave{number}")
        yield RedisCopy(
            name=f"{part.get('ip')}:{part.get('port')}",
            state=str(part.get("state", "unknown")),
            offset=_whole(part, "offset"),
            lag_s=float(part.get("lag") or 0),
        )

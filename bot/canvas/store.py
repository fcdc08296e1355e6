"""Where the outcomes of runs are kept. The first outcome of a step stays; a later one is refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from bot.canvas.outcome import Outcome

if TYPE_CHECKING:
    from redis.asyncio import Redis


class Store(Protocol):
    """Outcomes by run and step."""

    async def load(self, run_id: str) -> Mapping[str, Outcome]:
        """Every outcome of the run by step key; empty for a run that has not begun."""

    async def save(self, run_id: str, step: str, outcome: Outcome) -> bool:
        """Keep the outcome, durably; False, and nothing changes, where the step already has one."""


class MemoryStore:
    """For tests and rehearsals: as long as the process lives."""

    def __init__(self) -> None:
        self._runs: dict[str, dict[str, Outcome]] = defaultdict(dict)

    async def load(self, run_id: str) -> Mapping[str, Outcome]:
        """Every outcome of the run by step key."""
        return dict(self._runs[run_id])

    async def save(self, run_id: str, step: str, outcome: Outcome) -> bool:
        """Keep the outcome if it is the step's first."""
        return self._runs[run_id].setdefault(step, outcome) is outcome


class RedisStore:
    """One hash a run, beside those of its sub-playbooks under one hash tag; each expires `ttl` after its last write."""

    def __init__(self, redis: Redis, ttl: float) -> None:
        self._redis: Any = redis  # redis-py's annotations are unions of the sync and the async answer
        self._ttl_ms = round(ttl * 1000)

    async def load(self, run_id: str) -> Mapping[str, Outcome]:
        """Every outcome of the run by step key."""
        stored = await self._redis.hgetall(run_key(run_id))
        return {_text(step): Outcome.model_validate_json(outcome) for step, outcome in stored.items()}

    async def save(self, run_id: str, step: str, outcome: Outcome) -> bool:
        """Keep the outcome if it is the step's first."""
        key = run_key(run_id)
        async with self._redis.pipeline(transaction=True) as both:
            both.hsetnx(key, step, outcome.model_dump_json())
            both.pexpire(key, self._ttl_ms)
            first, _ = await both.execute()
        return bool(first)


def run_key(run_id: str) -> str:
    """The Redis key of a run: `run:{root}`, and `run:{root}/node` for a sub-playbook's run inside it."""
    root, slash, inner = run_id.partition("/")
    return f"run:{{{root}}}{slash}{inner}"


def _text(stored: bytes | str) -> str:
    return stored.decode() if isinstance(stored, bytes) else stored


async def decide(
    store: Store,
    run_id: str,
    step: str,
    edge: str,
    *,
    facts: Mapping[str, Any] | None = None,
    actor: str | None = None,
    note: str | None = None,
) -> bool:
    """Deliver what came from outside to a waiting step (its `run_id` and `key`); then walk again.

    `edge` is `approved`, `rejected` or `expired` for a gate; `recovered`, `not_recovered`, `not_executed` or `unknown`
    for a change; one of the answers, or `expired`, for a question. False where the step has been decided before.
    """
    return await store.save(run_id, step, Outcome(edge=edge, facts=facts or {}, actor=actor, note=note))

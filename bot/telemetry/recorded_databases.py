"""The databases of a recorded case: what their servers answered, judged by the agent that asks the live ones.

`database.json` maps a database's name to its `engine` and to the answers that were kept, in the nouns of
`postgres_rows`, `postgres_totals` and `redis_rows`; those of MySQL are in `recorded_mysql`. A question whose answer was
not kept is a gap.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from bot.errors import BadInput
from bot.models import Noun
from bot.telemetry.mysql import MySql
from bot.telemetry.postgres import Look, Postgres
from bot.telemetry.postgres_rows import (
    Beginning,
    Connections,
    Holder,
    LockedSession,
    Locks,
    Prepared,
    Replication,
    Session,
    Space,
    Upkeep,
    lock_tree,
)
from bot.telemetry.postgres_totals import StatementDelta, Totals
from bot.telemetry.recorded import misfits
from bot.telemetry.recorded_answers import NO_DSN, Turns, at_once, known
from bot.telemetry.recorded_mysql import MySqlAnswers, RecordedMySql
from bot.telemetry.redis_rows import LatencyEvent, RedisTotals, SlowCommand
from bot.telemetry.redis_server import RedisLook, RedisServer
from bot.telemetry.statement import masked

DATABASES = "database.json"
T = TypeVar("T")


class PostgresAnswers(Noun):
    """What a PostgreSQL answered."""

    engine: Literal["postgres"]
    locks: tuple[LockedSession, ...] | None = Field(default=None, description="sessions that wait or are waited for")
    prepared: tuple[Prepared, ...] = ()
    transactions: tuple[Session, ...] | None = Field(default=None, description="the oldest first")
    active: tuple[Session, ...] | None = Field(default=None, description="the longest statement first")
    connections: Connections | None = None
    holders: tuple[Holder, ...] = ()
    beginnings: tuple[Beginning, ...] = Field(default=(), description="when each session connected")
    totals: tuple[Totals, ...] = Field(default=(), description="in order of time; the last two are a moment apart")
    texts: Mapping[int, str] = Field(default={}, description="query id → statement")
    replication: Replication | None = None
    upkeep: Upkeep | None = None
    space: tuple[Space, ...] = Field(default=(), description="in order of time")


class RedisAnswers(Noun):
    """What a Redis answered."""

    engine: Literal["redis"]
    totals: tuple[RedisTotals, ...] = Field(default=(), description="in order of time; the last two are a moment apart")
    slow_commands: tuple[SlowCommand, ...] = ()
    latency: tuple[LatencyEvent, ...] = ()
    waiting_in: Mapping[str, int] = Field(default={}, description="command → clients that wait in it")
    holders: Mapping[str, int] = Field(default={}, description="client → its connections")


Answers = PostgresAnswers | MySqlAnswers | RedisAnswers
_FILE: TypeAdapter[dict[str, Answers]] = TypeAdapter(dict[str, Annotated[Answers, Field(discriminator="engine")]])


def recorded_databases(folder: Path) -> Mapping[str, Postgres | MySql | RedisServer]:
    """Each database of the case under its name.

    Raises:
        BadInput: naming the file, the place in it and what is wrong.
    """
    file = folder / DATABASES
    try:
        answers = _FILE.validate_python(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise BadInput(f"{file} cannot be read: {_problems(error)}.") from None
    return {name: _recorded(name, kept) for name, kept in answers.items()}


def _recorded(name: str, kept: Answers) -> Postgres | MySql | RedisServer:
    match kept:
        case PostgresAnswers():
            return RecordedPostgres(name, kept)
        case MySqlAnswers():
            return RecordedMySql(name, kept)
        case RedisAnswers():
            return RecordedRedis(name, kept)


class RecordedPostgres(Postgres):
    """A PostgreSQL whose answers were kept."""

    def __init__(self, name: str, kept: PostgresAnswers) -> None:
        super().__init__(name, NO_DSN, pause=at_once)
        self._answers = kept
        for earlier in kept.totals[:-2]:
            self.kept.add(earlier)
        for space in kept.space[:-1]:
            self.kept_space.add(space)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Look]:
        """Nothing is connected to."""
        yield RecordedLook(self.name, self._answers)


class RecordedLook(Look):
    """The questions, answered from the recording."""

    def __init__(self, name: str, kept: PostgresAnswers) -> None:
        self._name = name
        self._kept = kept
        self._totals = Turns(kept.totals[-2:])

    @property
    def closed(self) -> bool:
        """A recording never goes away."""
        return False

    async def locks(self) -> Locks:
        """Who blocks whom."""
        return lock_tree(self._known(self._kept.locks, "locks"), self._kept.prepared)

    async def transactions(self, older_than_s: float) -> tuple[Session, ...]:
        """Sessions whose transaction is older."""
        known = self._known(self._kept.transactions, "transactions")
        return tuple(one for one in known if (one.transaction_age_s or 0.0) > older_than_s)

    async def active(self, older_than_s: float) -> tuple[Session, ...]:
        """Sessions that have worked on one statement for longer."""
        known = self._known(self._kept.active, "active")
        return tuple(one for one in known if (one.statement_age_s or 0.0) > older_than_s)

    async def connections(self) -> Connections:
        """How many connections are used."""
        return self._known(self._kept.connections, "connections")

    async def holders(self) -> tuple[Holder, ...]:
        """Who holds the most connections."""
        return self._kept.holders

    async def beginnings(self) -> tuple[Beginning, ...]:
        """When each session connected."""
        return self._kept.beginnings

    async def totals(self) -> Totals:
        """One reading, then the next."""
        return self._known(self._totals.next(), "totals")

    async def upkeep(self) -> Upkeep:
        """How far vacuum is."""
        return self._known(self._kept.upkeep, "upkeep")

    async def space(self) -> Space:
        """What lies on the disk."""
        return self._known(self._kept.space[-1] if self._kept.space else None, "space")

    async def replication(self) -> Replication:
        """How far copies are behind."""
        return self._known(self._kept.replication, "replication")

    async def texts(self, deltas: Sequence[StatementDelta]) -> tuple[StatementDelta, ...]:
        """The same with their statements."""
        texts = {queryid: masked(text) for queryid, text in self._kept.texts.items()}
        return tuple(one.model_copy(update={"statement": texts.get(one.queryid, "")}) for one in deltas)

    def _known(self, answer: T | None, question: str) -> T:
        return known(answer, self._name, question)


class RecordedRedis(RedisServer):
    """A Redis whose answers were kept."""

    def __init__(self, name: str, kept: RedisAnswers) -> None:
        super().__init__(name, NO_DSN, pause=at_once)
        self._answers = kept
        for earlier in kept.totals[:-2]:
            self.kept.add(earlier)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[RedisLook]:
        """Nothing is connected to."""
        yield RecordedRedisLook(self.name, self._answers)


class RecordedRedisLook(RedisLook):
    """The questions, answered from the recording."""

    def __init__(self, name: str, kept: RedisAnswers) -> None:
        self._name = name
        self._kept = kept
        self._totals = Turns(kept.totals[-2:])
        self.lost = False

    async def totals(self) -> RedisTotals:
        """One reading, then the next."""
        return known(self._totals.next(), self._name, "totals")

    async def slow_commands(self) -> tuple[SlowCommand, ...]:
        """The newest lines of the slow log."""
        return self._kept.slow_commands

    async def latency(self) -> tuple[LatencyEvent, ...]:
        """What the latency monitor has seen."""
        return self._kept.latency

    async def waiting_in(self, clients: int) -> Counter[str]:  # noqa: ARG002 - as many as were kept
        """Blocked clients by command."""
        return Counter(self._kept.waiting_in)

    async def holders(self, clients: int) -> Counter[str]:  # noqa: ARG002 - as many as were kept
        """Connections by client."""
        return Counter(self._kept.holders)


def _problems(error: OSError | ValueError) -> str:
    return misfits(error, whole="databases") if isinstance(error, ValidationError) else str(error)

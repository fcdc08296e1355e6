"""The databases of the catalogue: what each is looked at through, and whether its role is fit for that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import structlog
from pydantic import SecretStr

from bot.agents.database import Observed
from bot.catalog import Catalog, Database
from bot.errors import SourceUnavailable
from bot.settings import Secret
from bot.telemetry.mysql import MySql
from bot.telemetry.observed import Role
from bot.telemetry.postgres import Postgres
from bot.telemetry.readings import Pause
from bot.telemetry.redis_server import RedisServer

log = structlog.get_logger(__name__)

SEE_EVERYBODY = {
    "postgres": "GRANT pg_monitor TO {role};",
    "mysql": "GRANT PROCESS ON *.* TO {role}; the others are in docs/services.md.",
    "redis": "Give the user what docs/services.md lists.",
}
"""What lets a role see the sessions of others, by engine."""


def databases_of(catalog: Catalog, secret: Secret) -> Mapping[str, Observed]:
    """By name, those whose connection string is set."""
    return {
        name: observed(name, entry, dsn) for name, entry in catalog.databases.items() if (dsn := secret(entry.dsn_env))
    }


def observed(name: str, entry: Database, dsn: SecretStr) -> Observed:
    """One database; nothing is connected yet."""
    match entry.engine:
        case "postgres":
            return Postgres(name, dsn)
        case "mysql":
            return MySql(name, dsn)
        case "redis":
            return RedisServer(name, dsn)


async def role_in(database: Observed) -> Role:
    """As whom the database is looked at.

    Raises:
        SourceUnavailable: it cannot be connected to.
    """
    async with database.look() as look:
        return await look.role()


@asynccontextmanager
async def readings_kept(
    databases: Iterable[Observed], every_s: float, *, pause: Pause = asyncio.sleep
) -> AsyncIterator[None]:
    """Read the totals of every database now and then, so that the first look at an incident knows how it was before.

    Args:
        every_s: 0 for never.
    """
    opened = tuple(databases)
    if not opened or not every_s:
        yield
        return
    reading = asyncio.create_task(_read_on(opened, every_s, pause), name="database readings")
    try:
        yield
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read_on(databases: tuple[Observed, ...], every_s: float, pause: Pause) -> None:
    while True:
        await asyncio.gather(*(_kept(database) for database in databases))
        await pause(every_s)


async def _kept(database: Observed) -> None:
    """One reading; a database that is down is looked at again the next time."""
    try:
        await database.keep()
    except SourceUnavailable as error:
        log.info("database.unread", database=database.name, why=str(error))

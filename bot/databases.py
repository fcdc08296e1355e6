"""The databases of the catalogue: what each is looked at through, and whether its role is fit for that."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import SecretStr

from bot.agents.database import Observed
from bot.catalog import Catalog, Database
from bot.telemetry.mysql import MySql
from bot.telemetry.observed import Role
from bot.telemetry.postgres import Postgres
from bot.telemetry.redis_server import RedisServer

Secret = Callable[[str], SecretStr | None]
"""The value of an environment variable."""

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

"""How actions speak to a PostgreSQL: short statements, bounded waits, and errors said as ours."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, LiteralString

from psycopg import AsyncConnection, Error
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row
from psycopg.sql import SQL
from pydantic import SecretStr

from bot.errors import EffectFailed, PreconditionFailed, RemediationError, SourceUnavailable
from bot.postgres import connect, first_line


@asynccontextmanager
async def connected(database: str, dsn: SecretStr, application: str) -> AsyncIterator[AsyncConnection[Any]]:
    """A connection of the role for actions.

    Raises:
        PreconditionFailed: there is none to be had.
    """
    try:
        connection = await connect(
            database, dsn, application=application, parameters={"statement_timeout": 5000, "lock_timeout": 2000}
        )
    except SourceUnavailable as error:
        raise PreconditionFailed(f"Nothing was done: {error}") from None
    try:
        yield connection
    finally:
        await connection.close()


async def one(connection: AsyncConnection[Any], query: LiteralString, **values: Any) -> dict[str, Any] | None:
    """The first row of the answer."""
    async with connection.cursor(row_factory=dict_row) as cursor:
        return await (await cursor.execute(SQL(query), values)).fetchone()


@contextmanager
def sayable(database: str, kind: type[RemediationError], *, grant: str) -> Iterator[None]:
    """Say a driver's error as ours.

    Args:
        kind: for everything but a lack of privilege, which is always a refusal.
        grant: what the role for actions may lack.
    """
    try:
        yield
    except InsufficientPrivilege:
        raise EffectFailed(f"Database {database} refused: grant {grant} to the role for actions.") from None
    except Error as error:
        raise kind(f"Database {database} answered with an error: {first_line(error)}") from error


def application_of(idempotency_key: str) -> str:
    """What the server's administrators see of the session that acts."""
    return f"nightdesk {re.sub(r'[^A-Za-z0-9._-]', '', idempotency_key)}"[:63]

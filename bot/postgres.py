"""The one door to PostgreSQL servers: connections are made here, and no error that leaves holds a password."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from psycopg import AsyncConnection, Error, OperationalError, ProgrammingError
from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from bot.dsn import torn
from bot.errors import ConnectionsExhausted, SourceUnavailable
from bot.unanswered import CONNECTION

_FULL = ("too many clients", "too many connections", "remaining connection slots")


async def connect(
    name: str,
    dsn: SecretStr,
    *,
    application: str,
    parameters: Mapping[str, object],
    timeout_s: int = 3,
) -> AsyncConnection[Any]:
    """A connection in which each statement is a transaction of its own.

    Args:
        name: the database's name in the catalogue, for errors.
        application: what the server's administrators see.
        parameters: server parameters for this connection, such as `statement_timeout`.

    Raises:
        SourceUnavailable: unreachable or refused.
        ConnectionsExhausted: no connection is left.
    """
    given = _read(name, dsn.get_secret_value())
    settings = " ".join(f"-c {parameter}={value}" for parameter, value in parameters.items())
    try:
        return await AsyncConnection.connect(
            **{
                **given,
                "application_name": application,
                "connect_timeout": timeout_s,
                "options": f"{given.get('options') or ''} {settings}".strip(),
            },
            autocommit=True,
        )
    except OperationalError as error:
        words = first_line(error)
        if any(sign in str(error) for sign in _FULL):
            raise ConnectionsExhausted(f"Database {name} has no connection left: {words}") from None
        raise SourceUnavailable(f"Database {name} did not answer: {words} ({CONNECTION})") from None
    except Error as error:
        said = f"Database {name} cannot be connected to: {type(error).__name__} ({CONNECTION})"
        raise SourceUnavailable(said) from None


def first_line(error: Error) -> str:
    """What the server or the driver said, bounded."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[0] if lines else type(error).__name__
    return said.removeprefix("connection failed: ")[:300]


def _read(name: str, dsn: str) -> dict[str, Any]:
    # the parser's own message quotes the string
    unreadable = SourceUnavailable(
        f"The connection string of database {name} cannot be read: write it as "
        "postgresql://role:password@host:port/database, with special characters of the password percent-encoded."
    )
    if torn(dsn):
        raise unreadable
    try:
        read = conninfo_to_dict(dsn)
        if read.get("port"):
            [int(port) for port in str(read["port"]).split(",")]
    except (ProgrammingError, ValueError):
        raise unreadable from None
    return read

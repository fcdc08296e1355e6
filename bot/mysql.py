"""The one door to MySQL and MariaDB servers: connections are made here, and no error that leaves holds a password."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import pymysql
from pydantic import SecretStr
from pymysql.cursors import DictCursor

from bot.dsn import torn
from bot.errors import ConnectionsExhausted, SourceUnavailable
from bot.unanswered import CONNECTION

Tls = Literal["preferred", "required", "verified"]

_FULL = frozenset({1040, 1203, 1226})
"""Too many connections: of the server, of the user, of the user within an hour."""
_DENIED = frozenset({1044, 1045, 1142, 1143, 1227, 1370, 1698})
_TOO_SLOW = frozenset({1205, 1317, 1969, 3024})
_TLS: tuple[Tls, ...] = ("preferred", "required", "verified")


class Connection(Protocol):
    """What is used of the driver's connection."""

    open: bool
    """False once it is lost."""

    def cursor(self) -> AbstractContextManager[Any]:
        """Rows are dictionaries."""

    def close(self) -> None:
        """Take leave of the server."""


@dataclass(frozen=True)
class Address:
    """A connection string, taken apart."""

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    database: str | None
    socket: str | None
    tls: Tls
    ca: str | None


def read(name: str, dsn: SecretStr) -> Address:
    """`mysql://role:password@host:3306/database?tls=verified&ca=/path&socket=/path`.

    Raises:
        SourceUnavailable: it cannot be read; without quoting it.
    """
    unreadable = SourceUnavailable(
        f"The connection string of database {name} cannot be read: write it as "
        "mysql://role:password@host:port/database, with special characters of the password percent-encoded; after a "
        "'?' may stand tls (preferred, required, verified), ca and socket."
    )
    text = dsn.get_secret_value()
    if torn(text):
        raise unreadable
    try:
        parts = urlsplit(text)
        options = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        port = parts.port or 3306
    except ValueError:
        raise unreadable from None
    tls = next((way for way in _TLS if way == options.get("tls", "preferred")), None)
    if parts.scheme not in {"mysql", "mariadb"} or not parts.hostname or not parts.username or tls is None:
        raise unreadable
    if not options.keys() <= {"tls", "ca", "socket"}:
        raise unreadable
    return Address(
        user=unquote(parts.username),
        password=unquote(parts.password or ""),
        host=parts.hostname,
        port=port,
        database=unquote(parts.path.lstrip("/")) or None,
        socket=options.get("socket"),
        tls=tls,
        ca=options.get("ca"),
    )


def connect(name: str, dsn: SecretStr, *, timeout_s: int, answer_s: float) -> Connection:
    """A connection in which each statement is a transaction of its own. It blocks: call it in a thread.

    Args:
        name: the database's name in the catalogue, for errors.
        answer_s: after so long without an answer the connection is given up.

    Raises:
        SourceUnavailable: unreachable or refused.
        ConnectionsExhausted: no connection is left.
    """
    address = read(name, dsn)
    try:
        connection: Connection = pymysql.connect(
            host=address.host,
            port=address.port,
            user=address.user,
            password=address.password,
            database=address.database,
            unix_socket=address.socket,
            connect_timeout=timeout_s,
            read_timeout=answer_s,
            write_timeout=answer_s,
            charset="utf8mb4",
            autocommit=True,
            local_infile=False,
            program_name="nightdesk",
            cursorclass=DictCursor,
            ssl=_tls(address),
        )
    except (pymysql.MySQLError, OSError, ValueError, RuntimeError) as error:
        code, words = said(error)
        if code in _FULL:
            raise ConnectionsExhausted(f"Database {name} has no connection left: {words}") from None
        raise SourceUnavailable(f"Database {name} did not answer: {words} ({CONNECTION})") from None
    return connection


@contextmanager
def failures(name: str) -> Iterator[None]:
    """Say a driver's error in a sentence of ours."""
    try:
        yield
    except (pymysql.MySQLError, OSError) as error:
        code, words = said(error)
        if code in _TOO_SLOW or isinstance(error, TimeoutError):
            raise SourceUnavailable(f"Database {name} did not answer a catalogue question in time.") from error
        if code in _DENIED:
            raise SourceUnavailable(
                f"Database {name} refused a question: grant the read-only role what docs/services.md lists ({words})."
            ) from error
        raise SourceUnavailable(f"Database {name} answered with an error: {words}") from error


def said(error: BaseException) -> tuple[int, str]:
    """The server's error number, 0 where there is none, and its words, bounded."""
    given: tuple[Any, ...] = error.args
    code = given[0] if given and isinstance(given[0], int) else 0
    words = str(given[1] if len(given) > 1 else error) or type(error).__name__
    return code, " ".join(words.split())[:300]


def _tls(address: Address) -> ssl.SSLContext | None:
    """None lets the driver use what the server offers."""
    if address.tls == "preferred":
        return None
    context = ssl.create_default_context(cafile=address.ca)
    if address.tls == "required":
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context

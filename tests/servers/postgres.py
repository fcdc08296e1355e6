"""A real PostgreSQL: one server for the session, a fresh database for each test."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from psycopg import AsyncConnection, OperationalError, connect, sql
from pydantic import SecretStr

from tests.servers.process import free_port, running, wait_until

PASSWORDS = {
    "postgres": "owner-s3cret",
    "nightdesk_reader": "reader-s3cret",
    "nightdesk_actor": "actor-s3cret",
    "app": "app-s3cret",
}
ROLES = (
    "CREATE ROLE nightdesk_reader LOGIN PASSWORD 'reader-s3cret' IN ROLE pg_monitor",
    "ALTER ROLE nightdesk_reader SET default_transaction_read_only = on",
    "CREATE ROLE nightdesk_actor LOGIN PASSWORD 'actor-s3cret' IN ROLE pg_signal_backend, pg_read_all_stats",
    "CREATE ROLE app LOGIN PASSWORD 'app-s3cret'",
)
HOLD = "UPDATE orders SET state = 'held by 4242' WHERE id = 1"
OPTIONS = ("-c", "fsync=off", "-c", "max_connections=40", "-c", "max_prepared_transactions=4",
           "-c", "shared_preload_libraries=pg_stat_statements")  # fmt: skip
_numbers = count(1)


@dataclass(frozen=True)
class PostgresServer:
    """Where the server listens."""

    port: int

    def dsn(self, role: str, database: str) -> SecretStr:
        """The connection string of one of the roles."""
        return SecretStr(f"postgresql://{role}:{PASSWORDS[role]}@127.0.0.1:{self.port}/{database}")


@dataclass(frozen=True)
class PostgresDatabase:
    """A fresh database with the table `orders` (ids 1 to 20), and a connection string for each role."""

    server: PostgresServer
    name: str

    @property
    def owner(self) -> SecretStr:
        """Superuser."""
        return self.server.dsn("postgres", self.name)

    @property
    def reader(self) -> SecretStr:
        """A member of pg_monitor that can write nothing."""
        return self.server.dsn("nightdesk_reader", self.name)

    @property
    def actor(self) -> SecretStr:
        """A member of pg_signal_backend and pg_read_all_stats."""
        return self.server.dsn("nightdesk_actor", self.name)

    @property
    def app(self) -> SecretStr:
        """The role of the application, which owns the table."""
        return self.server.dsn("app", self.name)

    @asynccontextmanager
    async def session(
        self, application: str = "checkout", *, autocommit: bool = True
    ) -> AsyncIterator[AsyncConnection[Any]]:
        """A session of the application; a transaction that is open at the end is rolled back."""
        connection = await AsyncConnection.connect(
            self.app.get_secret_value(), application_name=application, autocommit=autocommit
        )
        try:
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def queue(self, waiters: int, *, statement: str | None = None) -> AsyncIterator[Queue]:
        """A session `batch-job` that holds a row in an open transaction, and sessions `checkout` that want it.

        The block starts when all of them wait. With a statement the holder works on it, without it is idle.
        """
        async with AsyncExitStack() as stack:
            root = await stack.enter_async_context(self.session("batch-job", autocommit=False))
            await root.execute(HOLD)
            working = [asyncio.create_task(_quietly(root, statement))] if statement else []
            sessions = [await stack.enter_async_context(self.session("checkout")) for _ in range(waiters)]
            waiting = tuple(asyncio.create_task(_quietly(session, HOLD)) for session in sessions)
            owner = await stack.enter_async_context(
                await AsyncConnection.connect(self.owner.get_secret_value(), autocommit=True)
            )
            await wait_until(lambda: _all_wait(owner, waiters), what=f"{waiters} waiting sessions")
            try:
                yield Queue(root, root.info.backend_pid, waiting)
            finally:
                await owner.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND usename = 'app'"
                )
                await asyncio.gather(*waiting, *working)


@dataclass(frozen=True)
class Queue:
    """Sessions that wait behind one."""

    root: AsyncConnection[Any]
    pid: int
    """The backend that holds them up."""
    waiting: tuple[asyncio.Task[str], ...]
    """Each gives "done" when it got the row, else the server's words."""


async def _quietly(session: AsyncConnection[Any], statement: str) -> str:
    try:
        await session.execute(statement.encode())
    except OperationalError as error:
        return str(error)
    return "done"


async def _all_wait(owner: AsyncConnection[Any], waiters: int) -> bool:
    counted = await owner.execute(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    return await counted.fetchone() == (waiters,)


def binaries() -> Path:
    """The folder of the newest server's programs."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    found = shutil.which("initdb")
    assert folders or found, "PostgreSQL is missing: run scripts/test, which installs it"
    return folders[-1] if folders else Path(str(found)).parent


def _initialise(folder: Path, user: str | None) -> None:
    password = folder / "password"
    password.write_text(PASSWORDS["postgres"])
    if user:
        shutil.chown(folder, user)
        shutil.chown(password, user)
    command = [str(binaries() / "initdb"), "-D", str(folder / "data"), "-U", "postgres", "--auth=scram-sha-256",
               f"--pwfile={password}", "--no-sync", "--encoding=UTF8", "--locale=C.UTF-8"]  # fmt: skip
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)


def is_ready(server: PostgresServer) -> bool:
    """Whether it takes connections."""
    command = [str(binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(server.port)]
    return subprocess.run(command, check=False).returncode == 0


@contextmanager
def postgres_running() -> Iterator[PostgresServer]:
    """A server with all roles, pg_stat_statements, and 40 connections, for as long as the block lasts."""
    user = "postgres" if os.geteuid() == 0 else None
    # pytest's own temporary folders are closed to other users, such as the one that the server must run as
    with tempfile.TemporaryDirectory(prefix="nightdesk-postgres-") as name:
        folder, server = Path(name), PostgresServer(free_port())
        _initialise(folder, user)
        command = [str(binaries() / "postgres"), "-D", str(folder / "data"), "-p", str(server.port), "-h", "127.0.0.1",
                   "-k", str(folder), *OPTIONS]  # fmt: skip
        with running(command, log=folder / "log", ready=lambda: is_ready(server), user=user):
            with connect(server.dsn("postgres", "postgres").get_secret_value(), autocommit=True) as connection:
                for statement in ROLES:
                    connection.execute(statement.encode())
            yield server


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for the session."""
    with postgres_running() as server:
        yield server


@contextmanager
def fresh_database(server: PostgresServer) -> Iterator[PostgresDatabase]:
    """A database of its own for as long as the block lasts."""
    database = PostgresDatabase(server, f"shop_{next(_numbers)}")
    name, admin = sql.Identifier(database.name), server.dsn("postgres", "postgres").get_secret_value()
    with connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    with connect(database.owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        connection.execute("CREATE TABLE orders (id int PRIMARY KEY, state text NOT NULL DEFAULT 'new')")
        connection.execute("INSERT INTO orders SELECT generate_series(1, 20)")
        connection.execute("ALTER TABLE orders OWNER TO app")
        connection.execute("GRANT CREATE ON SCHEMA public TO app")
    yield database
    with connect(admin, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    """A database of its own for one test."""
    with fresh_database(postgres_server) as database:
        yield database

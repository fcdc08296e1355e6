"""A real MariaDB: one server for the session, a fresh database for each test, and a server that follows the first."""

from __future__ import annotations

import asyncio
import getpass
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Self

import pymysql
import pytest
from pydantic import SecretStr
from pymysql.cursors import DictCursor

from tests.servers.process import accepts, free_port, running, wait_until

PASSWORDS = {"root": "", "nightdesk_reader": "reader-s3cret", "app": "app-s3cret", "copier": "copier-s3cret",
             "payments": "payments-s3cret", "reports": "reports-s3cret", "migrations": "migrations-s3cret"}  # fmt: skip
USERS = (
    "CREATE USER nightdesk_reader@'%' IDENTIFIED BY 'reader-s3cret'",
    "GRANT PROCESS, BINLOG MONITOR, REPLICA MONITOR ON *.* TO nightdesk_reader@'%'",
    "GRANT SELECT ON performance_schema.* TO nightdesk_reader@'%'",
    "CREATE USER app@'%' IDENTIFIED BY 'app-s3cret'",
    "CREATE USER copier@'%' IDENTIFIED BY 'copier-s3cret'",
    "GRANT REPLICATION SLAVE ON *.* TO copier@'%'",
    *(f"CREATE USER {name}@'%' IDENTIFIED BY '{PASSWORDS[name]}'" for name in ("payments", "reports", "migrations")),
)
MAX_CONNECTIONS = 24
_numbers = count(1)


@dataclass(frozen=True)
class MariaDbServer:
    """Where the server listens."""

    port: int
    socket: Path

    def dsn(self, user: str, database: str = "") -> SecretStr:
        """The connection string of one of the users."""
        return SecretStr(f"mysql://{user}:{PASSWORDS[user]}@127.0.0.1:{self.port}/{database}")

    def session(self, user: str, database: str | None = None) -> MariaDbSession:
        """A session of one of the users."""
        return MariaDbSession(pymysql.connect(host="127.0.0.1", port=self.port, user=user, password=PASSWORDS[user],
                                              database=database, autocommit=True, cursorclass=DictCursor))  # fmt: skip

    def root(self) -> MariaDbSession:
        """A session that may do everything."""
        return MariaDbSession(pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True,
                                              cursorclass=DictCursor))  # fmt: skip


class MariaDbSession:
    """One session; what it runs, it runs in a thread of its own."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(max_workers=1)
        self.pid: int = connection.thread_id()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown()
        if self._connection.open:
            self._connection.close()

    def do(self, *statements: str) -> list[dict[str, Any]]:
        """Run them; the rows of the last."""
        rows: list[dict[str, Any]] = []
        with self._connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
                rows = list(cursor.fetchall())
        return rows

    def begin(self, statement: str) -> asyncio.Future[str]:
        """Run it without waiting for it: "done", or the server's words."""
        return asyncio.get_running_loop().run_in_executor(self._thread, self._quietly, statement)

    def _quietly(self, statement: str) -> str:
        try:
            self.do(statement)
        except pymysql.MySQLError as error:
            return str(error)
        return "done"


@dataclass(frozen=True)
class MariaDbDatabase:
    """A fresh database with the table `orders` (ids 1 to 20)."""

    server: MariaDbServer
    name: str

    @property
    def reader(self) -> SecretStr:
        """Sees everybody's sessions and can write nothing."""
        return self.server.dsn("nightdesk_reader")

    @property
    def app(self) -> SecretStr:
        """The user of the application, who owns the database."""
        return self.server.dsn("app", self.name)

    def session(self) -> MariaDbSession:
        """A session of the application."""
        return self.server.session("app", self.name)


def _initialise(folder: Path) -> None:
    program = shutil.which("mariadb-install-db")
    assert program, "MariaDB is missing: run scripts/test, which installs it"
    command = [program, "--no-defaults", f"--datadir={folder}", f"--user={getpass.getuser()}", "--skip-test-db",
               "--auth-root-authentication-method=normal", "--skip-name-resolve", "--innodb-log-file-size=8M",
               "--innodb-flush-method=nosync"]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@contextmanager
def _served(folder: Path, number: int) -> Iterator[MariaDbServer]:
    program = shutil.which("mariadbd") or "/usr/sbin/mariadbd"
    server = MariaDbServer(free_port(), folder / "socket")
    command = [program, "--no-defaults", f"--user={getpass.getuser()}", f"--datadir={folder / 'data'}",
               f"--socket={server.socket}", f"--port={server.port}", "--bind-address=127.0.0.1",
               f"--pid-file={folder / 'pid'}", "--skip-name-resolve", "--performance-schema=ON",
               "--innodb-log-file-size=8M", "--innodb-buffer-pool-size=32M", "--innodb-flush-method=nosync",
               "--innodb-flush-log-at-trx-commit=0", f"--max-connections={MAX_CONNECTIONS}", "--log-bin=bin",
               f"--server-id={number}", f"--log-error={folder / 'log'}"]  # fmt: skip
    with running(command, log=folder / "log", ready=lambda: accepts(server.port)):
        yield server


@pytest.fixture(scope="session")
def _mariadb_data() -> Iterator[Path]:
    """The files of a server that was never started."""
    with tempfile.TemporaryDirectory(prefix="nightdesk-mariadb-") as name:
        _initialise(Path(name) / "data")
        yield Path(name) / "data"


@contextmanager
def _server(files: Path, number: int) -> Iterator[MariaDbServer]:
    with tempfile.TemporaryDirectory(prefix="nightdesk-mariadb-") as name:
        shutil.copytree(files, Path(name) / "data")
        with _served(Path(name), number) as server:
            with server.root() as root:
                root.do("SET SESSION sql_log_bin = 0", *USERS)  # a copy has users of its own
            yield server


@contextmanager
def fresh_server() -> Iterator[MariaDbServer]:
    """A server that nobody has used before."""
    with tempfile.TemporaryDirectory(prefix="nightdesk-mariadb-") as name:
        _initialise(Path(name) / "data")
        with _server(Path(name) / "data", 1) as server:
            yield server


@pytest.fixture(scope="session")
def mariadb_server(_mariadb_data: Path) -> Iterator[MariaDbServer]:
    """A server with all users, a binary log, and counted statements."""
    with _server(_mariadb_data, 1) as server:
        yield server


@pytest.fixture
def mariadb(mariadb_server: MariaDbServer) -> Iterator[MariaDbDatabase]:
    """A database of its own for one test."""
    database = MariaDbDatabase(mariadb_server, f"shop_{next(_numbers)}")
    with mariadb_server.root() as root:
        root.do(
            f"CREATE DATABASE {database.name}",
            f"USE {database.name}",
            f"CREATE TABLE {database.name}.orders (id int PRIMARY KEY, state varchar(200) NOT NULL DEFAULT 'new')",
            f"INSERT INTO {database.name}.orders (id) SELECT seq FROM seq_1_to_20",
            f"GRANT ALL ON {database.name}.* TO app@'%'",
        )
        yield database
        for row in root.do("SELECT ID AS pid FROM information_schema.PROCESSLIST WHERE USER = 'app'"):
            root.do(f"KILL {row['pid']}")
        root.do(f"DROP DATABASE {database.name}")


@pytest.fixture
def mariadb_copy(_mariadb_data: Path, mariadb_server: MariaDbServer) -> Iterator[MariaDbServer]:
    """A second server that follows the first."""
    with ExitStack() as stack:
        copy = stack.enter_context(_server(_mariadb_data, 2))
        with copy.root() as root:
            root.do(
                "CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_USER = 'copier', MASTER_PASSWORD = "
                f"'{PASSWORDS['copier']}', MASTER_PORT = {mariadb_server.port}",
                "START SLAVE",
            )
        yield copy
        with copy.root() as root:
            root.do("STOP SLAVE")


async def until(session: MariaDbSession, query: str, holds: Callable[[dict[str, Any]], bool], what: str) -> None:
    """Wait until the first row of the answer is as it should be."""

    async def asked() -> bool:
        rows = session.do(query)
        return bool(rows) and holds(rows[0])

    await wait_until(asked, what=what)


async def until_waiting(session: MariaDbSession, sessions: int) -> None:
    """Wait until so many sessions of the application wait for a row or for a table."""
    query = (
        "SELECT count(*) AS waiting FROM information_schema.PROCESSLIST WHERE USER = 'app' AND COMMAND = 'Query' "
        "AND (STATE LIKE '%metadata lock%' OR STATE IN ('Updating', 'Sending data', 'Statistics'))"
    )
    await until(session, query, lambda row: row["waiting"] >= sessions, f"{sessions} waiting sessions")

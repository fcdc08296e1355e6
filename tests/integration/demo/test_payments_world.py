"""The world that fails: it runs, breaks for a real reason, recovers, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from psycopg import AsyncConnection, errors
from ruamel.yaml import YAML

from bot.catalog import Catalog
from bot.demo.scenario import World, payments_world
from tests.servers.process import wait_until

BLOCKED = "SELECT count(*) FROM pg_stat_activity WHERE %s = ANY (pg_blocking_pids(pid))"
DIES = """
import asyncio, pathlib, signal, sys
from bot.demo.scenario import payments_world

# Whoever starts the tests in the background has them ignore Ctrl-C, and that is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)

async def main():
    async with payments_world(pathlib.Path(sys.argv[1])) as world:
        await world.break_it()
        print("up", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def family(parent: int) -> set[int]:
    """Every process below that one."""
    children = {int(pid) for pid, _, its_parent in running() if its_parent == parent}
    return children.union(*(family(child) for child in children))


def running() -> Iterator[tuple[int, str, int]]:
    """Pid, state and parent of each process."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            yield int(entry.name), state, int(parent)


async def gone(pids: set[int]) -> bool:
    """Whether all have ended; one that nobody has waited for yet (a zombie) counts as ended."""
    return not any(pid in pids and state != "Z" for pid, state, _ in running())


def lines(world: World) -> Iterator[dict[str, object]]:
    for file in sorted(Path("/").glob(world.log_path.lstrip("/"))):
        yield from map(json.loads, file.read_text().splitlines())


@pytest.fixture
async def nothing_left() -> AsyncIterator[None]:
    """Fails the test when it leaves processes behind."""
    before = family(os.getpid())
    yield
    left = family(os.getpid()) - before
    await wait_until(lambda: gone(left), what="the end of all processes")


@pytest.mark.parametrize("use_system_prometheus", [False, True])
async def test_payments_fail_while_a_session_holds_the_accounts_and_recover_when_it_is_ended(
    tmp_path: Path, nothing_left: None, use_system_prometheus: bool
) -> None:
    told: list[str] = []
    async with payments_world(
        tmp_path, progress=told.append, scrape_interval_s=0.5, use_system_prometheus=use_system_prometheus
    ) as world:
        assert [line.split()[1] for line in told] == ["Postgres", "The", "Customers"]
        assert await world.wait_recovered() < 0.05
        pid = await world.break_it()
        assert await world.wait_failing() > 0.2
        async with await AsyncConnection.connect(world.dsn_act, autocommit=True) as hands:
            waiting = await (await hands.execute(BLOCKED, [pid])).fetchone()
            assert waiting is not None
            assert waiting[0] >= 1
            await hands.execute("SELECT pg_terminate_backend(%s)", [pid])
        assert await world.wait_recovered() < 0.05
        assert not world.broken
        failed = [line for line in lines(world) if line["level"] == "error"]
        assert any("canceling statement due to lock timeout" in str(line["message"]) for line in failed)
        assert {line["service"] for line in failed} == {"payments"}


async def test_the_reading_role_cannot_write_and_the_acting_role_cannot_read_payments(
    tmp_path: Path, nothing_left: None
) -> None:
    async with payments_world(tmp_path) as world:
        async with await AsyncConnection.connect(world.dsn_ro, autocommit=True) as eyes:
            with pytest.raises(errors.ReadOnlySqlTransaction):
                await eyes.execute("UPDATE accounts SET balance_cents = 0")
        async with await AsyncConnection.connect(world.dsn_act, autocommit=True) as hands:
            with pytest.raises(errors.InsufficientPrivilege):
                await hands.execute("SELECT * FROM payments")


async def test_the_catalogue_of_the_world_is_one_that_nightdesk_takes(tmp_path: Path, nothing_left: None) -> None:
    async with payments_world(tmp_path) as world:
        text = world.services_yaml(channel="C1", users=("U1", "U2"))
    catalog = Catalog.model_validate(YAML(typ="safe").load(text))
    assert catalog.resolve("scan-to-pay") == "payments"
    assert catalog.services["payments"].owners.users == ("U1", "U2")
    assert catalog.databases["payments-db"].dsn_env in world.environment


async def test_two_worlds_do_not_get_in_each_others_way(tmp_path: Path, nothing_left: None) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    async with payments_world(first) as one, payments_world(second) as other:
        await one.break_it()
        assert await one.wait_failing() > 0.2
        assert await other.failure_ratio() < 0.05


async def test_an_error_in_the_middle_stops_everything(tmp_path: Path, nothing_left: None) -> None:
    async def fails() -> None:
        async with payments_world(tmp_path) as world:
            await world.break_it()
            raise RuntimeError("trouble")

    with pytest.raises(RuntimeError, match="trouble"):
        await fails()


@pytest.mark.parametrize("parts", [1, 5, 8])
async def test_giving_up_during_the_start_stops_what_has_started(
    tmp_path: Path, nothing_left: None, parts: int
) -> None:
    before = family(os.getpid())

    async def some_started() -> bool:
        return len(family(os.getpid()) - before) >= parts

    async def stays() -> None:
        async with payments_world(tmp_path):
            await asyncio.Event().wait()

    starting = asyncio.create_task(stays())
    await wait_until(some_started, what=f"{parts} processes")
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


@pytest.mark.parametrize("farewell", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_process_outlives_the_one_that_started_the_world(tmp_path: Path, farewell: signal.Signals) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", DIES, str(tmp_path), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert parent.stdout is not None
    assert await parent.stdout.readline() == b"up\n"
    below = family(parent.pid)
    assert len(below) > 5
    parent.send_signal(farewell)
    await parent.wait()
    await wait_until(lambda: gone(below), what=f"the end of all children after {farewell.name}")

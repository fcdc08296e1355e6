"""The demo's payments service and its customers, on a Postgres that a test gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg import AsyncConnection, sql

from bot.demo.child import announced, child, module
from bot.demo.payments.ledger import DATABASE, ROLES, Ledger, create_ledger
from tests.servers.postgres import PostgresServer


@dataclass(frozen=True)
class Payments:
    """The running service."""

    url: str
    log: Path
    """JSON lines."""
    ledger: Ledger
    """Connection strings of each role."""

    @property
    def target(self) -> str:
        """host:port, for a scrape."""
        return self.url.removeprefix("http://")


@asynccontextmanager
async def payments_running(superuser_dsn: str, folder: Path, *, rate: float = 20.0) -> AsyncIterator[Payments]:
    """Run the service and its customers on that server, in a new database `payments` that is dropped again."""
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_drop_ledger, superuser_dsn)
        ledger = await create_ledger(superuser_dsn)
        errors, log = folder / "payments.err", folder / "payments.jsonl"
        service = module("bot.demo.payments", "--dsn-env", "PAYMENTS_DSN", "--log", str(log))
        process = await stack.enter_async_context(child(service, log=errors, env={"PAYMENTS_DSN": ledger.app}))
        url = await announced(process, errors)
        traffic = module("bot.demo.payments.traffic", "--url", url, "--rate", str(rate))
        await announced(await stack.enter_async_context(child(traffic, log=errors)), errors)
        yield Payments(url, log, ledger)


async def _drop_ledger(superuser_dsn: str) -> None:
    async with await AsyncConnection.connect(superuser_dsn, autocommit=True) as connection:
        await connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
        for role in ROLES:
            await connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


@pytest.fixture
async def payments(postgres_server: PostgresServer, tmp_path: Path) -> AsyncIterator[Payments]:
    """The payments service with twenty requests a second, on the session's Postgres."""
    dsn = postgres_server.dsn("postgres", "postgres").get_secret_value()
    async with payments_running(dsn, tmp_path) as running:
        yield running

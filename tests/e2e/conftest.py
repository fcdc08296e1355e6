"""A bot in a workspace, on a Redis and a Postgres of its own: one for all tests of a module, since it takes seconds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping

import pytest
import pytest_asyncio
from redis.asyncio import Redis

from bot.demo.workspace import Workspace
from tests.e2e.holds import Slow, Turnstile
from tests.e2e.scene import Scene, database_variables
from tests.servers.nightdesk import nightdesk_running
from tests.servers.postgres import PostgresDatabase, PostgresServer, Queue, fresh_database


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer) -> Iterator[PostgresDatabase]:
    """The catalogue's `payments-db`."""
    with fresh_database(postgres_server) as fresh:
        yield fresh


@pytest.fixture(scope="module")
def more_settings() -> Mapping[str, str]:
    """What a module sets besides."""
    return {}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def scene(
    redis_server: str,
    database: PostgresDatabase,
    tmp_path_factory: pytest.TempPathFactory,
    more_settings: Mapping[str, str],
) -> AsyncIterator[Scene]:
    """The bot with its default settings, and short windows."""
    async with Redis.from_url(redis_server) as redis:
        await redis.flushall()
    workspace = Workspace(retries_s=(0.0, 0.0, 0.0))
    settings = {
        "NIGHTDESK_REDIS_URL": redis_server,
        "NIGHTDESK_GROUPING__WINDOW_S": "0",  # the tests of a module share one service, not one incident
        **database_variables(database),
        **more_settings,
    }
    async with (
        workspace.serving(),
        nightdesk_running(tmp_path_factory.mktemp("nightdesk"), workspace, **settings) as bot,
    ):
        yield Scene(workspace, bot, redis_server)


@pytest_asyncio.fixture(loop_scope="module")
async def lock(database: PostgresDatabase) -> AsyncIterator[Queue]:
    """A session that sits idle in its transaction, and four that wait behind it."""
    async with database.queue(4) as queue:
        yield queue


@pytest.fixture
async def queue(postgres_database: PostgresDatabase) -> AsyncIterator[Queue]:
    """The same on a database of the test's own."""
    async with postgres_database.queue(4) as queue:
        yield queue


@pytest.fixture
async def slow() -> AsyncIterator[Slow]:
    """A server that an action calls, and that answers when the test says so."""
    async with Slow().standing() as standing:
        yield standing


@pytest.fixture
async def turnstile(postgres_server: PostgresServer) -> AsyncIterator[Turnstile]:
    """In front of the database as the bot sees it."""
    async with Turnstile(postgres_server.port).standing() as standing:
        yield standing


@pytest.fixture
def behind(turnstile: Turnstile, postgres_database: PostgresDatabase) -> dict[str, str]:
    """The variables of a bot whose ways to the database lead through the turnstile."""
    return database_variables(PostgresDatabase(PostgresServer(turnstile.port), postgres_database.name))

"""A view into one Redis that is not ours: a fixed list of commands that only read, none of which touches a key."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, MaxConnectionsError, NoPermissionError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.dsn import torn
from bot.errors import ConnectionsExhausted, SourceUnavailable
from bot.telemetry.observed import Role
from bot.telemetry.readings import Pause, Readings
from bot.telemetry.redis_rows import LatencyEvent, RedisTotals, SlowCommand, totals_of
from bot.telemetry.refusals import Refusals
from bot.telemetry.statement import bounded
from bot.unanswered import CONNECTION, LATE

Clock = Callable[[], datetime]

CONNECTIONS_AT_ONCE = 2
SLOW_LOG = 64
"""Lines of the slow log that are read: the newest."""
LISTED_CLIENTS = 2000
"""With more clients than this, listing them would itself be a burden."""


class RedisLook:
    """One connection's questions."""

    def __init__(self, name: str, redis: Redis, clock: Clock) -> None:
        self._name = name
        self._redis = redis
        self._clock = clock
        self.lost = False
        """Whether nothing more can be asked."""

    async def role(self) -> Role:
        """As whom we look. Whether it may write, the server says from 7.0 on, and to those who may ask."""
        try:
            name = str(await self._redis.acl_whoami())
            tried = await self._redis.acl_dryrun(name, "SET", "nightdesk", "1")
        except (NoPermissionError, ResponseError):
            return Role(name="the user", may_write=None, monitors=True)
        return Role(name=name, may_write=str(tried) == "OK", monitors=True)

    async def totals(self) -> RedisTotals:
        """All figures of INFO."""
        return totals_of(await self._asked(self._redis.info("all")), self._clock())

    async def slow_commands(self) -> tuple[SlowCommand, ...]:
        """The newest lines of the slow log."""
        # by its raw name the driver leaves the answer alone, where the words of a command are still apart
        ask: Any = self._redis.execute_command
        return tuple(_slow(line) for line in await self._asked(ask("SLOWLOG", "GET", SLOW_LOG)))

    async def latency(self) -> tuple[LatencyEvent, ...]:
        """What the server's own latency monitor has seen; nothing where it is off."""
        rows = await self._asked(self._redis.latency_latest())
        return tuple(
            LatencyEvent(name=str(row[0]), at=_moment(row[1]), latest_ms=float(row[2]), worst_ms=float(row[3]))
            for row in rows
        )

    async def waiting_in(self, clients: int) -> Counter[str]:
        """Blocked clients by the command that they wait in; empty where there are too many clients to list."""
        if clients > LISTED_CLIENTS:
            return Counter()
        listed = await self._asked(self._redis.client_list(_type="normal"))
        return Counter(str(one.get("cmd", "")) for one in listed if "b" in str(one.get("flags", "")))

    async def holders(self, clients: int) -> Counter[str]:
        """Connections by address and user, or by the name that the client gave."""
        if clients > LISTED_CLIENTS:
            return Counter()
        listed = await self._asked(self._redis.client_list(_type="normal"))
        return Counter(_called(one) for one in listed)

    async def _asked(self, answer: Awaitable[Any]) -> Any:
        with _failures(self._name):
            try:
                return await answer
            except ResponseError:
                raise
            except RedisError:
                self.lost = True
                raise


class RedisServer:
    """One Redis, looked at through a user that may only ask.

    Args:
        name: its name in the catalogue.
        dsn: `redis://user:password@host:port/0`; it never appears in an error or in a log.
        pause: how to wait between two readings.
    """

    def __init__(
        self,
        name: str,
        dsn: SecretStr,
        *,
        connect_timeout_s: float = 3.0,
        answer_timeout_s: float = 5.0,
        pause: Pause = asyncio.sleep,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        self.name = name
        self._dsn = dsn
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s
        self.pause = pause
        self.clock = clock
        self.refusals = Refusals(clock)
        self.kept: Readings[RedisTotals] = Readings()
        self._seats = asyncio.Semaphore(CONNECTIONS_AT_ONCE)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[RedisLook]:
        """Connect, ask, leave.

        Raises:
            SourceUnavailable: unreachable, refused, or too slow; without the password.
            ConnectionsExhausted: no connection is left.
        """
        async with self._seats:
            redis = self._client()
            try:
                with self.refusals.watched(), _failures(self.name):
                    await redis.ping()
                    await _introduced(redis)
                yield RedisLook(self.name, redis, self.clock)
            finally:
                await redis.aclose()

    async def keep(self) -> None:
        """Take a reading for later looks to compare with.

        Raises:
            SourceUnavailable: as for a look.
        """
        async with self.look() as look:
            self.kept.add(await look.totals())

    def _client(self) -> Redis:
        unreadable = SourceUnavailable(
            f"The connection string of database {self.name} cannot be read: write it as "
            "redis://user:password@host:port/0, with special characters of the password percent-encoded."
        )
        if torn(self._dsn.get_secret_value()):
            raise unreadable
        try:
            return Redis.from_url(
                self._dsn.get_secret_value(),
                decode_responses=True,
                encoding_errors="replace",
                socket_connect_timeout=self._connect_timeout_s,
                socket_timeout=self._answer_timeout_s,
                single_connection_client=True,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError:
            raise unreadable from None


async def _introduced(redis: Redis) -> None:
    """Say who we are to whoever lists the clients; a user that may not is as good."""
    try:
        await redis.client_setname("nightdesk")
    except NoPermissionError:
        return


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """Say a driver's error in a sentence of ours."""
    try:
        yield
    except AuthenticationError as error:
        words = bounded(str(error).rstrip("."), 160)
        raise SourceUnavailable(f"Database {name} refused us: {words} (check the user and the password)") from None
    except NoPermissionError as error:
        raise SourceUnavailable(
            f"Database {name} refused a question: give the user what docs/services.md lists "
            f"({bounded(str(error), 200)})."
        ) from None
    except RedisTimeoutError:
        raise SourceUnavailable(f"Database {name} did not answer in time ({LATE})") from None
    except RedisError as error:
        if isinstance(error, MaxConnectionsError) or "max number of clients" in str(error):
            raise ConnectionsExhausted(f"Database {name} has no connection left: {bounded(str(error), 200)}") from None
        words = bounded(str(error).rstrip("."), 160)
        raise SourceUnavailable(f"Database {name} did not answer: {words} ({CONNECTION})") from None


def _slow(line: Sequence[Any]) -> SlowCommand:
    """`[id, unix seconds, microseconds, [command, argument, …], address, name]`."""
    words = [str(word) for word in line[3]]
    return SlowCommand(
        id=int(line[0]),
        at=_moment(line[1]),
        duration_ms=float(line[2]) / 1000,
        command=_verb(words[0]) if words else "?",
        arguments=max(0, len(words) - 1),
        client=next((str(who) for who in reversed(line[4:6]) if who), None),
    )


def _verb(word: str) -> str:
    """A command's name; what is none may be a key."""
    return word.upper() if word.replace("_", "").isalpha() and len(word) <= 24 else "?"


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), UTC)


def _called(client: dict[str, Any]) -> str:
    address = str(client.get("addr", "")).rpartition(":")[0]
    return bounded(f"{client.get('name') or address} as {client.get('user', 'default')}", 80)

"""Connecting to Redis. The rest of the code sees only a URL."""

from __future__ import annotations

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.errors import Misconfigured

KEEP_EVERY_WRITE = "Set `appendfsync always` in redis.conf; else an action could run again after Redis lost a second."
KEEP_IT = "Set `appendonly yes` in redis.conf, and `appendfsync always` to lose not even a second."
MOST_CONNECTIONS, LONGEST_WAIT_S = 100, 60.0
OLDEST = (6, 2)
"""docket needs the stream commands of 6.2."""


def connect(url: str, *, decode: bool = True) -> Redis:
    """A client with its own pool; a lost connection is tried again for about a second.

    Where more is asked at once than there are connections, the rest waits for its turn.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=MOST_CONNECTIONS,
        timeout=LONGEST_WAIT_S,
        decode_responses=decode,
        socket_connect_timeout=3,
        socket_timeout=10,
        health_check_interval=30,
        retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries=5),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return Redis.from_pool(pool)


async def require_usable(redis: Redis) -> str:
    """The server's version, if it can be used.

    Raises:
        Misconfigured: it does not answer, refuses us, is too old, or forgets keys when it is full.
    """
    try:
        about = await redis.info()
    except RedisError as error:
        raise Misconfigured(
            f"Redis cannot be used: {str(error).rstrip('.')}. Check NIGHTDESK_REDIS_URL and that it is up."
        ) from error
    version = str(about["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
        raise Misconfigured(f"Redis {version} is too old: 6.2 or newer is needed.")
    policy = str(about.get("maxmemory_policy", "noeviction"))
    if policy != "noeviction" and int(about.get("maxmemory", 0)) > 0:
        raise Misconfigured(
            f"Redis evicts keys when it is full (maxmemory-policy {policy}), so incidents would be lost: "
            "set it to noeviction."
        )
    return version


async def keeps(redis: Redis) -> bool:
    """Whether it writes to disk as it goes; if not, a restart of Redis loses alerts that were acknowledged."""
    return bool((await redis.info("persistence")).get("aof_enabled"))


async def keeps_every_write(redis: Redis) -> bool:
    """Whether a write is on disk before it is answered; if not, a restart may bring back what was decided or begun.

    A server that does not tell counts as one that does not.
    """
    try:
        return (await redis.config_get("appendfsync")).get("appendfsync") == "always"
    except RedisError:
        return False

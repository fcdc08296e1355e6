"""Change one parameter of a Redis at run time: one that the settings allow, among those harmless by nature."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from pydantic import Field, SecretStr
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from bot.catalog import Catalog
from bot.errors import EffectFailed, EffectUnknown, Misconfigured, PreconditionFailed, RemediationError
from bot.models import Risk
from bot.remediation.action import Action, ActionParameters, BlastRadius
from bot.remediation.reach import reach
from bot.remediation.values import require_match, unreadable
from bot.settings.targets import RedisServer

HARMLESS = frozenset({
    "activedefrag", "client-output-buffer-limit", "hz", "latency-monitor-threshold", "lazyfree-lazy-eviction",
    "lazyfree-lazy-expire", "lazyfree-lazy-server-del", "lfu-decay-time", "lfu-log-factor", "maxclients", "maxmemory",
    "maxmemory-clients", "maxmemory-policy", "maxmemory-samples", "repl-backlog-size", "slowlog-log-slower-than",
    "slowlog-max-len", "tcp-keepalive", "timeout",
})  # fmt: skip
"""No other parameter is ever set: some of them write files, load code or open the server (dir, dbfilename, …)."""
TIMEOUT_S = 5.0


class RedisParameters(ActionParameters):
    """Which server, which parameter, which value."""

    server: str = Field(min_length=1, max_length=100, description="name in the settings, remediation.redis_servers")
    parameter: str = Field(min_length=1, max_length=60)
    value: str = Field(min_length=1, max_length=100)
    seen: str | None = Field(default=None, max_length=1000, description="its value when it is proposed, filled in then")


class SetRedisConfig(Action[RedisParameters]):
    """Set one allowed parameter of one named server; it is not written to the server's file.

    Raises:
        Misconfigured: a parameter that is not among the harmless ones, or a pattern that cannot be read.
    """

    name = "redis.set_config"
    summary = "Set one parameter of a Redis server that the settings allow, until it restarts."
    parameters = RedisParameters

    def __init__(self, catalog: Catalog, servers: Mapping[str, RedisServer], urls: Mapping[str, SecretStr]) -> None:
        for name, server in servers.items():
            if foreign := sorted(server.parameters.keys() - HARMLESS):
                raise Misconfigured(
                    f"NIGHTDESK_REMEDIATION__REDIS_SERVERS: '{name}' names {', '.join(foreign)}, which no action may "
                    f"set. There are: {', '.join(sorted(HARMLESS))}."
                )
            if problem := next(unreadable(server.parameters), None):
                raise Misconfigured(f"NIGHTDESK_REMEDIATION__REDIS_SERVERS: '{name}' {problem}.")
        self._catalog = catalog
        self._servers = {name: server for name, server in servers.items() if name in urls}
        self._urls = urls

    def accept(self, given: Mapping[str, Any]) -> RedisParameters:
        params = super().accept(given)
        server = self._servers.get(params.server)
        if server is None:
            known = ", ".join(sorted(self._servers)) or "none"
            raise RemediationError(f"'{params.server}' is not a Redis that actions may touch. There are: {known}.")
        pattern = server.parameters.get(params.parameter)
        if pattern is None:
            known = ", ".join(sorted(server.parameters)) or "none"
            raise RemediationError(f"'{params.parameter}' of {params.server} may not be set. There are: {known}.")
        require_match("The server", {params.parameter: pattern}, {params.parameter: params.value})
        return params

    def target(self, params: RedisParameters) -> str:
        return f"{params.parameter} of Redis {params.server}"

    def effect(self, params: RedisParameters) -> str:
        before = "" if params.seen is None else f" instead of {params.seen or 'nothing'}"
        return f"{params.parameter} of {params.server} becomes {params.value}{before}, until it restarts."

    async def blast_radius(self, params: RedisParameters) -> BlastRadius:
        service = self.service(params)
        unnamed = f"No service of the catalogue is named for Redis {params.server}."
        what = f"Every client of {params.server} is under the new setting"
        return reach(self._catalog, service, what, unnamed=unnamed)

    def service(self, params: RedisParameters) -> str | None:
        return self._servers[params.server].service

    def reversible(self, params: RedisParameters) -> bool:
        return params.seen is not None

    def rollback(self, params: RedisParameters) -> str:
        return f"Set {params.parameter} back to {params.seen or 'nothing'}."

    def made_of(self, params: RedisParameters) -> object:
        return self._servers[params.server]

    def base_risk(self, params: RedisParameters) -> Risk:
        return Risk(self._servers[params.server].risk)

    def timeout_s(self, params: RedisParameters) -> float:  # noqa: ARG002
        return TIMEOUT_S + 5

    async def pinned(self, params: RedisParameters) -> RedisParameters:
        seen = await self._now(params)
        if seen == params.value:
            raise PreconditionFailed(f"Nothing to do: {self.target(params)} is {seen} already.")
        return params.model_copy(update={"seen": seen})

    async def check(self, params: RedisParameters) -> None:
        now = await self._now(params)
        if now != params.seen:
            raise PreconditionFailed(f"Nothing was done: {self.target(params)} is {now} now, it was {params.seen}.")

    async def perform(self, params: RedisParameters, idempotency_key: str) -> str:  # noqa: ARG002
        await self.check(params)
        async with self._connected(params) as redis:
            try:
                await redis.config_set(params.parameter, params.value)
            except ResponseError as refusal:
                raise EffectFailed(f"Redis {params.server} refused: {refusal}") from None
            except (RedisConnectionError, RedisTimeoutError) as error:
                raise EffectUnknown(f"Redis {params.server} did not answer: {type(error).__name__}") from None
        return f"{self.target(params)} is {params.value}."

    async def _now(self, params: RedisParameters) -> str:
        async with self._connected(params) as redis:
            try:
                found = await redis.config_get(params.parameter)
            except RedisError as error:
                raise PreconditionFailed(
                    f"Nothing was done: Redis {params.server} did not tell ({type(error).__name__})."
                ) from None
        if params.parameter not in found:
            raise PreconditionFailed(f"Nothing was done: Redis {params.server} has no '{params.parameter}'.")
        return str(found[params.parameter])

    @asynccontextmanager
    async def _connected(self, params: RedisParameters) -> AsyncIterator[Redis]:
        """One connection without retries: what changes something is sent once."""
        url = self._urls[params.server].get_secret_value()
        never = Retry(NoBackoff(), 0)
        async with Redis.from_url(
            url, decode_responses=True, socket_timeout=TIMEOUT_S, socket_connect_timeout=3, retry=never
        ) as redis:
            yield redis

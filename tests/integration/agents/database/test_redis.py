"""The database agent on a real Redis, and on one that follows it."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from redis.exceptions import RedisError, ResponseError

from bot.agents.database.topics import TOPICS
from bot.agents.tools import Toolbox
from bot.catalog import Catalog, Database, Service
from bot.telemetry.redis_server import RedisServer
from tests.integration.agents.database.asking import no_pause, only, scope, suspicious, tools_for
from tests.servers.process import free_port, wait_until
from tests.servers.redis import MAX_CLIENTS, ObservedRedis

ANSWERED = {"connections", "slow_statements", "replication", "storage", "memory"}
FOLLOWING = Catalog(
    services={"payments-api": Service(databases=("payments", "copy"))},
    databases={
        "payments": Database(engine="redis", dsn_env="CACHE_DSN"),
        "copy": Database(engine="redis", dsn_env="COPY_DSN"),
    },
)


def toolbox(dsn: SecretStr, **options: Any) -> Toolbox:
    return tools_for({"payments": RedisServer("payments", dsn, **{"pause": no_pause, **options})})


@pytest.fixture
def tools(observed_redis: ObservedRedis) -> Toolbox:
    return toolbox(observed_redis.reader)


async def test_a_quiet_server_is_told_as_looked_at_and_normal(tools: Toolbox) -> None:
    report = await tools.use("database.look", {}, scope())
    assert sorted(finding.kind for finding in report.findings) == [
        "connection_exhaustion",
        "disk",
        "memory",
        "replication_lag",
        "slow_statement",
    ]
    assert {finding.score for finding in report.findings} == {0.0}
    assert all(finding.evidence[0].query for finding in report.findings)
    assert report.gaps == ()


async def test_every_fact_that_a_tool_promises_is_there_where_the_engine_answers(tools: Toolbox) -> None:
    for topic in TOPICS:
        report = await tools.use(f"database.{topic}", {}, scope())
        assert set(report.facts) == (set(TOPICS[topic].meanings) if topic in ANSWERED else set()), topic


async def test_keys_that_are_evicted_for_want_of_memory_are_found(observed_redis: ObservedRedis) -> None:
    async with observed_redis.client() as client:
        await client.config_set("maxmemory-policy", "allkeys-lru")
        await client.config_set("maxmemory", 3_000_000)

        async def traffic(_: float) -> None:
            for batch in range(4):
                await client.mset({f"cart:{batch}:{number}": "x" * 1000 for number in range(1000)})

        report = await toolbox(observed_redis.reader, pause=traffic).use("database.look", {}, scope())
    finding = only(report, "evictions")
    assert finding.score > 0.5
    assert report.facts["evicted_per_s"] > 10
    assert "allkeys-lru" in finding.evidence[1].statement
    assert "out_of_memory" not in suspicious(report)


async def test_writes_that_are_refused_for_want_of_memory_are_found(observed_redis: ObservedRedis) -> None:
    async with observed_redis.client() as client:
        await client.config_set("maxmemory", 1)

        async def traffic(_: float) -> None:
            with pytest.raises(ResponseError, match="maxmemory"):
                await client.set("cart:42", "x")

        report = await toolbox(observed_redis.reader, pause=traffic).use("database.memory", {}, scope())
    finding = only(report, "out_of_memory")
    assert finding.score >= 0.9
    assert "noeviction" in finding.title
    assert only(report, "memory").score > 0.5


async def test_clients_that_begin_to_wait_are_told_with_what_they_wait_in(
    tools: Toolbox, observed_redis: ObservedRedis
) -> None:
    await tools.use("database.memory", {}, scope())
    async with AsyncExitStack() as stack:
        owner = await stack.enter_async_context(observed_redis.client("owner"))
        workers = [await stack.enter_async_context(observed_redis.client("worker")) for _ in range(8)]
        waiting = [asyncio.ensure_future(worker.blpop("jobs", 0)) for worker in workers]

        async def all_wait() -> bool:
            return int((await owner.info("clients"))["blocked_clients"]) == 8

        await wait_until(all_wait, what="eight blocked clients")
        report = await tools.use("database.memory", {}, scope())
        await owner.rpush("jobs", *range(8))
        await asyncio.gather(*waiting)
    finding = only(report, "blocked_clients")
    assert finding.score > 0.3
    assert report.facts["blocked_clients"] == 8
    assert "8 in blpop" in finding.evidence[0].statement


async def test_one_command_that_holds_up_all_others_is_named_without_its_arguments(
    tools: Toolbox, observed_redis: ObservedRedis
) -> None:
    async with observed_redis.client() as client:
        await client.config_set("latency-monitor-threshold", 10)
        await client.eval("local n = 0 for i = 1, 2e7 do n = n + i end return ARGV[1]", 1, "cart:42", "secret")
        report = await tools.use("database.slow_statements", {}, scope())
    finding = only(report, "slow_statement")
    assert finding.score > 0.15
    assert "EVAL with 4 arguments" in finding.title
    assert report.facts["longest_statement_s"] > 0.02
    assert any("delay" in fact.statement for fact in finding.evidence)
    assert "secret" not in finding.model_dump_json()
    assert "cart:42" not in finding.model_dump_json()


async def test_a_full_server_is_found_although_nobody_can_connect_any_more(
    tools: Toolbox, observed_redis: ObservedRedis
) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(MAX_CLIENTS):
            await (await stack.enter_async_context(observed_redis.client("pool"))).ping()
        report = await tools.use("database.look", {}, scope())
    assert only(report, "connection_exhaustion").score > 0.9
    assert report.gaps == ()


async def test_connections_that_were_refused_are_remembered(tools: Toolbox, observed_redis: ObservedRedis) -> None:
    await tools.use("database.connections", {}, scope())
    async with observed_redis.client("pool") as client:
        await client.config_set("maxclients", 1)
        for _ in range(3):
            with pytest.raises(RedisError, match="max number of clients"):
                await observed_redis.client().ping()
        await client.config_set("maxclients", MAX_CLIENTS)
        report = await tools.use("database.connections", {}, scope())
    finding = only(report, "connection_exhaustion")
    assert "3 found no room" in finding.title
    assert "pool as default: 1" in finding.evidence[1].statement
    assert finding.score > 0.5


async def test_a_copy_that_lost_its_source_is_told_from_both_ends(
    observed_redis: ObservedRedis, redis_copy: ObservedRedis
) -> None:
    tools = tools_for(
        {
            "payments": RedisServer("payments", observed_redis.reader, pause=no_pause),
            "copy": RedisServer("copy", redis_copy.reader, pause=no_pause),
        }
    )
    following = scope("payments-api", catalog=FOLLOWING)
    async with observed_redis.client() as source, redis_copy.client() as copy:

        async def link(state: str) -> bool:
            return str((await copy.info("replication"))["master_link_status"]) == state

        await wait_until(lambda: link("up"), what="the copy's link")

        async def online() -> bool:
            return "state=online" in str(await source.info("replication")) or "'online'" in str(
                await source.info("replication")
            )

        await wait_until(online, what="the copy online")
        well = await tools.use("database.replication", {}, following)
        await copy.replicaof("127.0.0.1", str(free_port()))
        await wait_until(lambda: link("down"), what="the loss of the link")
        cut = await tools.use("database.replication", {}, following)
    assert suspicious(well) == []
    assert "followed by 1 server" in next(f.title for f in well.findings if f.service == "payments")
    assert cut.findings[0].service == "copy"
    assert cut.findings[0].score >= 0.7
    assert cut.facts["replication_broken"]


async def test_a_snapshot_that_fails_is_found(tools: Toolbox, observed_redis: ObservedRedis) -> None:
    async with observed_redis.client() as client:
        await client.set("cart:42", "x")
        folder = str((await client.config_get("dir"))["dir"])
        (Path(folder) / "dump.rdb" / "full").mkdir(parents=True)  # nothing can be moved over a folder, whoever asks
        await client.bgsave()

        async def failed() -> bool:
            return str((await client.info("persistence"))["rdb_last_bgsave_status"]) == "err"

        await wait_until(failed, what="the failed snapshot")
        report = await tools.use("database.storage", {}, scope())
    finding = only(report, "persistence")
    assert finding.score >= 0.8
    assert "saving a snapshot" in finding.title
    assert report.facts["persistence_failing"]


async def test_an_unreachable_server_is_a_gap() -> None:
    report = await toolbox(SecretStr(f"redis://reader:hunter2@127.0.0.1:{free_port()}/0")).use(
        "database.look", {}, scope()
    )
    (gap,) = report.gaps
    assert report.findings == ()
    assert "hunter2" not in gap.reason

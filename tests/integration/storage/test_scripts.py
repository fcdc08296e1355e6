"""The scripts that run inside Redis: either everything moves or nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest
from redis.asyncio import Redis

from bot.storage import connect
from bot.storage.scripts import Move, append_event, release, swap

RECORD, HISTORY = "inc:{x}", "inc:{x}:events"
MOVES = {"": "open", "open": "closed"}
ATTEMPTS = count()


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with connect(redis_url) as client:
        yield client


async def append(redis: Redis, event: str = "e", **more: object) -> Move:
    given = {"moves": MOVES, "attempt": f"a{next(ATTEMPTS)}", **more}
    return await append_event(redis, record=RECORD, history=HISTORY, event=event, **given)  # type: ignore[arg-type]


async def picture(redis: Redis) -> tuple[Any, int]:
    return await redis.hgetall(RECORD), await redis.xlen(HISTORY)


async def test_a_legal_event_moves_the_record_and_is_in_its_history(redis: Redis) -> None:
    move = await append(redis, "born", fields={"proposal": "p"}, attempt="a")
    assert (move.outcome, move.phase) == ("moved", "open")
    assert await redis.hgetall(RECORD) == {"phase": "open", "version": move.id, "proposal": "p"}
    assert await redis.xrange(HISTORY) == [(move.id, {"phase": "open", "event": "born", "attempt": "a"})]


async def test_a_phase_that_is_not_named_refuses_and_nothing_is_written(redis: Redis) -> None:
    for _ in range(2):
        await append(redis)
    before = await picture(redis)
    move = await append(redis, fields={"a": "b"}, once="o")
    assert (move.outcome, move.phase, move.id) == ("illegal", "closed", "")
    assert await picture(redis) == before


async def test_what_may_happen_once_happens_once_even_where_it_would_no_longer_be_legal(redis: Redis) -> None:
    assert (await append(redis, once="opened", moves={"": "open"})).outcome == "moved"
    before = await picture(redis)
    assert (await append(redis, once="opened", moves={"": "open"})).outcome == "again"
    assert await picture(redis) == before


async def test_a_field_that_differs_refuses_and_nothing_is_written(redis: Redis) -> None:
    await append(redis, fields={"proposal": "p1", "digest": "d1"})
    before = await picture(redis)
    move = await append(redis, expected={"proposal": "p1", "digest": "d2"}, fields={"proposal": "p3"})
    assert (move.outcome, await picture(redis)) == ("changed", before)
    assert (await append(redis, expected={"proposal": "p1", "digest": "d1"})).outcome == "moved"


async def test_an_expected_field_that_is_not_there_counts_as_empty(redis: Redis) -> None:
    assert (await append(redis, expected={"endorsed_by": ""})).outcome == "moved"
    assert (await append(redis, expected={"endorsed_by": "UANN"})).outcome == "changed"


async def test_of_twenty_at_once_one_moves_it(redis: Redis) -> None:
    moves = await asyncio.gather(*(append(redis, str(number), moves={"": "open"}) for number in range(20)))
    assert sorted(move.outcome for move in moves) == ["illegal"] * 19 + ["moved"]
    assert await redis.xlen(HISTORY) == 1


async def test_a_server_that_has_forgotten_its_scripts_is_told_again(redis: Redis) -> None:
    await append(redis)
    await redis.script_flush()
    assert (await append(redis)).outcome == "moved"


async def test_text_of_any_kind_stays_as_it_is(redis: Redis) -> None:
    odd = 'quote " backslash \\ newline \n 中文 {tag} %s \x00'
    move = await append(redis, odd, fields={odd: odd}, attempt="a")
    assert await redis.xrange(HISTORY) == [(move.id, {"phase": "open", "event": odd, "attempt": "a"})]
    assert await redis.hget(RECORD, odd) == odd
    assert move.outcome == "moved"


async def test_only_its_owner_frees_a_key(redis: Redis) -> None:
    await redis.set("k", "mine")
    assert not await release(redis, "k", "yours")
    assert await release(redis, "k", "mine")
    assert not await release(redis, "k", "mine")
    assert await redis.get("k") is None


async def test_a_claim_goes_to_the_first_and_the_others_are_told_who_holds_it(redis: Redis) -> None:
    winners = await asyncio.gather(*(swap(redis, "k", held="", to=str(n), ttl_s=60) for n in range(20)))
    assert set(winners) == {await redis.get("k")}
    assert 0 < await redis.ttl("k") <= 60


async def test_a_claim_moves_only_from_who_holds_it(redis: Redis) -> None:
    await swap(redis, "k", held="", to="a", ttl_s=60)
    assert await swap(redis, "k", held="b", to="c", ttl_s=60) == "a"
    assert await swap(redis, "k", held="a", to="c", ttl_s=60) == "c"


async def test_the_same_attempt_again_is_told_what_became_of_it_and_writes_nothing(redis: Redis) -> None:
    first = await append(redis, attempt="mine", once="o")
    await append(redis, attempt="another's")
    before = await picture(redis)
    assert await append(redis, attempt="mine", once="o") == first
    assert await picture(redis) == before

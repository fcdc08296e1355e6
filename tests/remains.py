"""What is left in a Redis and in an index after something was forgotten."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, cast

from redis.asyncio import Redis

from bot.memory import MemoryManager


async def everything(redis_url: str) -> dict[str, str]:
    """Every key that Redis holds, and its value of whatever kind, as text."""
    async with Redis.from_url(redis_url) as redis:
        return {_text(key): _text(await _value(redis, key)) async for key in redis.scan_iter()}


async def holding(redis_url: str, word: str) -> list[str]:
    """The keys that hold the word, in their name or their value."""
    found = await everything(redis_url)
    return sorted(key for key, value in found.items() if word in key or word in value)


def terms(memory: MemoryManager) -> set[str]:
    """The terms of its index."""
    return set(memory._index._lexical._postings)


async def _value(redis: Redis, key: bytes) -> Any:
    readers: dict[bytes, Callable[[bytes], Awaitable[Any]]] = {
        b"hash": redis.hgetall,
        b"list": partial(redis.lrange, start=0, end=-1),
        b"set": redis.smembers,
        b"zset": partial(redis.zrange, start=0, end=-1, withscores=True),
        b"stream": redis.xrange,
        b"string": redis.get,
        b"none": redis.get,  # it has run out meanwhile
    }
    return await readers[cast("bytes", await redis.type(key))](key)


def _text(value: Any) -> str:
    """With characters as they are: a word in Chinese would hide behind its bytes."""
    match value:
        case bytes():
            return value.decode(errors="backslashreplace")
        case dict():
            return " ".join(f"{_text(key)} {_text(each)}" for key, each in value.items())
        case list() | tuple() | set():
            return " ".join(map(_text, value))
        case _:
            return str(value)

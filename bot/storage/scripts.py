"""The Lua that runs inside Redis, as typed Python functions. A script either moves everything or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


class _Script:
    """One script: sent whole once, by its hash afterwards."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: list[str], arguments: list[str]) -> Any:
        try:
            return await redis.evalsha(self._sha, len(keys), *keys, *arguments)
        except NoScriptError:
            return await redis.eval(self._source, len(keys), *keys, *arguments)


_APPEND = _Script(
    """
    local record, history = KEYS[1], KEYS[2]
    local moves, once, event, attempt = cjson.decode(ARGV[1]), ARGV[2], ARGV[3], ARGV[5]
    local phase = redis.call('HGET', record, 'phase') or ''
    for _, entry in ipairs(redis.call('XREVRANGE', history, '+', '-', 'COUNT', 16)) do
        local written = entry[2]
        if written[5] == 'attempt' and written[6] == attempt then
            return {'moved', written[2], entry[1]}
        end
    end
    if once ~= '' and redis.call('HEXISTS', record, 'once:' .. once) == 1 then
        return {'again', phase, ''}
    end
    for i = 6, 5 + 2 * tonumber(ARGV[4]), 2 do
        if (redis.call('HGET', record, ARGV[i]) or '') ~= ARGV[i + 1] then
            return {'changed', phase, ''}
        end
    end
    local to = moves[phase]
    if not to then
        return {'illegal', phase, ''}
    end
    local id = redis.call('XADD', history, '*', 'phase', to, 'event', event, 'attempt', attempt)
    redis.call('HSET', record, 'phase', to, 'version', id)
    for i = 6 + 2 * tonumber(ARGV[4]), #ARGV, 2 do
        redis.call('HSET', record, ARGV[i], ARGV[i + 1])
    end
    if once ~= '' then
        redis.call('HSET', record, 'once:' .. once, id)
    end
    return {'moved', to, id}
    """
)


@dataclass(frozen=True)
class Move:
    """What became of an attempt to append an event."""

    outcome: str
    """moved, again (that `once` name is taken), changed (an expected field differs), illegal (not in this phase)."""
    phase: str
    id: str


async def append_event(
    redis: Redis,
    *,
    record: str,
    history: str,
    moves: Mapping[str, str],
    event: str,
    attempt: str,
    once: str = "",
    expected: Mapping[str, str] | None = None,
    fields: Mapping[str, str] | None = None,
) -> Move:
    """Move the record's phase, set its fields and append the event to its history: all of it or nothing.

    The client sends a script again when the connection broke before the answer came. The first one may have been
    carried out, so the second finds its own `attempt` and gives the answer that was lost, instead of a refusal.

    Args:
        moves: phase → the phase to move to; a phase that is not named refuses.
        attempt: another one for every call.
        once: a name under which this event may be appended a single time.
        expected: fields of the record that must hold exactly these values.
        fields: fields to set along with the move.
    """
    expected, fields = expected or {}, fields or {}
    flat = [part for pairs in (expected, fields) for item in pairs.items() for part in item]
    arguments = [json.dumps(moves), once, event, str(len(expected)), attempt, *flat]
    outcome, phase, identifier = await _APPEND.run(redis, [record, history], arguments)
    return Move(outcome, phase, identifier)


_FREE = _Script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")


async def release(redis: Redis, key: str, owner: str) -> bool:
    """Delete the key if it still holds that owner."""
    return bool(await _FREE.run(redis, [key], [owner]))


_HOLD = _Script(
    """
    local owner = redis.call('GET', KEYS[1])
    if owner and owner ~= ARGV[1] then return 0 end
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
    return 1
    """
)


async def hold(redis: Redis, key: str, owner: str, *, ttl_ms: int) -> bool:
    """Take the key if it is free, or lengthen it if it is the owner's; whether the owner holds it."""
    return bool(await _HOLD.run(redis, [key], [owner, str(ttl_ms)]))


_SWAP = _Script(
    """
    local held = redis.call('GET', KEYS[1]) or ''
    if held ~= ARGV[1] then return held end
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[3])
    return ARGV[2]
    """
)


async def swap(redis: Redis, key: str, *, held: str, to: str, ttl_s: int) -> str:
    """Set the key if it still holds `held` (empty: nothing); gives what the key holds afterwards."""
    return str(await _SWAP.run(redis, [key], [held, to, str(ttl_s)]))


_KEEP = _Script(
    """
    local times, said = KEYS[1], KEYS[2]
    local oldest, most, ttl = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
    for i = 4, #ARGV, 3 do
        redis.call('ZADD', times, ARGV[i + 1], ARGV[i])
        redis.call('HSET', said, ARGV[i], ARGV[i + 2])
    end
    local gone = redis.call('ZRANGEBYSCORE', times, '-inf', '(' .. oldest)
    local over = redis.call('ZCARD', times) - #gone - most
    if over > 0 then
        for _, id in ipairs(redis.call('ZRANGE', times, #gone, #gone + over - 1)) do
            gone[#gone + 1] = id
        end
    end
    for _, id in ipairs(gone) do
        redis.call('ZREM', times, id)
        redis.call('HDEL', said, id)
    end
    redis.call('EXPIRE', times, ttl)
    redis.call('EXPIRE', said, ttl)
    return redis.call('ZCARD', times)
    """
)


async def keep(
    redis: Redis,
    *,
    times: str,
    said: str,
    entries: Sequence[tuple[str, float, str]],
    oldest: float,
    most: int,
    ttl_s: int,
) -> int:
    """Keep entries by id, the latest word under an id winning, and forget what is too old or too much.

    Args:
        times: a sorted set, id → moment.
        said: a hash, id → text.
        entries: id, moment (Unix seconds), text.

    Returns:
        How many are kept.
    """
    flat = [part for name, at, text in entries for part in (name, repr(at), text)]
    return int(await _KEEP.run(redis, [times, said], [repr(oldest), str(most), str(ttl_s), *flat]))


_AUDIT = _Script(
    """
    local chain, head = KEYS[1], KEYS[2]
    if (redis.call('HGET', head, 'hash') or '') ~= ARGV[1] then return 0 end
    if (redis.call('HGET', head, ARGV[5]) or '') ~= ARGV[6] then return 0 end
    redis.call('XADD', chain, '*', 'entry', ARGV[4])
    redis.call('HSET', head, 'number', ARGV[2], 'hash', ARGV[3], ARGV[5], ARGV[7])
    return 1
    """
)


async def append_audit(
    redis: Redis,
    *,
    chain: str,
    head: str,
    before: str,
    number: int,
    digest: str,
    entry: str,
    place: str,
    cursor: str,
    event_id: str,
) -> bool:
    """Append an entry to the chain if its head, and its place's cursor, are still those that were read.

    Args:
        before: the head's hash; empty for an empty chain.
        place: a field of the head, which then holds `event_id`.
        cursor: what that field must hold; empty: nothing.
    """
    arguments = [before, str(number), digest, entry, place, cursor, event_id]
    return bool(await _AUDIT.run(redis, [chain, head], arguments))


_TRIAL = _Script(
    """
    if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[3]) == false then return 0 end
    if ARGV[1] == '1' then
        redis.call('HINCRBY', KEYS[2], ARGV[2], 1)
    else
        redis.call('HDEL', KEYS[2], ARGV[2])
    end
    return 1
    """
)


async def note_trial(redis: Redis, *, seen: str, streaks: str, name: str, helped: bool, keep_s: int) -> bool:
    """Count one more success in a row under that name, or begin anew; once for the key `seen`."""
    return bool(await _TRIAL.run(redis, [seen, streaks], [str(int(helped)), name, str(keep_s)]))


_TURN = """
local taken, waiting, services = KEYS[1], KEYS[2], KEYS[3]
local everywhere, per_service, lasts = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', taken, '-inf', now)
local function room(service)
    if redis.call('ZCARD', taken) >= everywhere then return false end
    local used = 0
    for _, name in ipairs(redis.call('ZRANGE', taken, 0, -1)) do
        if redis.call('HGET', services, name) == service then used = used + 1 end
    end
    return used < per_service
end
local function grant(name)
    redis.call('ZADD', taken, now + lasts, name)
    redis.call('ZREM', waiting, name)
    for _, key in ipairs({taken, waiting, services}) do redis.call('EXPIRE', key, 7 * 24 * 3600) end
end
"""
_GIVE = _Script(
    _TURN
    + """
    local name, service, order = ARGV[4], ARGV[5], ARGV[6]
    redis.call('HSET', services, name, service)
    if redis.call('ZSCORE', taken, name) or room(service) then
        grant(name)
        return 1
    end
    redis.call('ZADD', waiting, order, name)
    return 0
    """
)
_PASS = _Script(
    _TURN
    + """
    redis.call('ZREM', taken, ARGV[4])
    if not redis.call('ZSCORE', waiting, ARGV[4]) then redis.call('HDEL', services, ARGV[4]) end
    for _, name in ipairs(redis.call('ZRANGE', waiting, 0, 199)) do
        if room(redis.call('HGET', services, name) or name) then
            grant(name)
            return name
        end
    end
    return ''
    """
)
# The time is read before the first write: Redis 6 replicates scripts by their effects only if told so.


async def give_turn(
    redis: Redis,
    *,
    keys: tuple[str, str, str],
    name: str,
    service: str,
    order: float,
    everywhere: int,
    per_service: int,
    lasts_s: float,
) -> bool:
    """Give the name a turn if there is room, or put it on the list by its order; whether it has one."""
    arguments = [str(everywhere), str(per_service), str(lasts_s), name, service, repr(order)]
    return bool(await _GIVE.run(redis, list(keys), arguments))


async def pass_turn(
    redis: Redis, *, keys: tuple[str, str, str], name: str, everywhere: int, per_service: int, lasts_s: float
) -> str | None:
    """Take the turn from the name and give it to the first on the list that there is room for; which one."""
    arguments = [str(everywhere), str(per_service), str(lasts_s), name]
    return str(await _PASS.run(redis, list(keys), arguments)) or None


_ADMIT = _Script(
    """
    local until_ms = tonumber(redis.call('HGET', KEYS[1], 'until') or '0')
    local rest_ms = tonumber(redis.call('HGET', KEYS[1], 'rest') or '0')
    if tonumber(ARGV[1]) < until_ms then return 'rests' end
    if rest_ms == 0 then return 'well' end
    redis.call('HSET', KEYS[1], 'until', string.format('%.0f', tonumber(ARGV[1]) + rest_ms))
    return 'trial'
    """
)


async def admit(redis: Redis, key: str, *, now_ms: int) -> Literal["well", "trial", "rests"]:
    """Whether who failed may be asked again: after its rest by one, while the others wait for how that ends."""
    admitted: Literal["well", "trial", "rests"] = await _ADMIT.run(redis, [key], [str(now_ms)])
    return admitted


_REST = _Script(
    """
    local asked, now, wait, first, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]),
        tonumber(ARGV[4]), tonumber(ARGV[5])
    if asked <= tonumber(redis.call('HGET', KEYS[1], 'failed') or '-1') then return end
    local rest = 2 * tonumber(redis.call('HGET', KEYS[1], 'rest') or '0')
    rest = math.min(longest, rest > 0 and rest or first)
    redis.call('HSET', KEYS[1], 'failed', ARGV[2], 'rest', string.format('%.0f', rest),
        'until', string.format('%.0f', now + math.max(rest, math.min(wait, longest))))
    redis.call('PEXPIRE', KEYS[1], string.format('%.0f', 4 * longest))
    """
)


async def rest(
    redis: Redis, key: str, *, asked_ms: int, now_ms: int, wait_ms: int, first_ms: int, longest_ms: int
) -> None:
    """Leave who failed alone: twice as long each time, or for as long as it asks. What failed together counts once."""
    await _REST.run(redis, [key], [str(one) for one in (asked_ms, now_ms, wait_ms, first_ms, longest_ms)])

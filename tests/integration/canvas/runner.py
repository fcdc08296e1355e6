"""Walks a playbook on Redis in processes that kill themselves (SIGKILL) at a given call; run by test_kill.

    python -m tests.integration.canvas.runner URL PLAYBOOK RUN:CALL…

For each argument a process goes on with that run, and ends at that call; a number beyond all calls lets it live. A line
tells how it ended and what it saw. The processes are forked, so that one start-up is enough for all of them.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import Redis
from typing_extensions import override

from bot.canvas import Change, Outcome, RedisStore, Step, decide, parse, walk
from bot.canvas.store import run_key
from tests.unit.canvas.worlds import GIVEN, ToldWorld, drawn, looking

FORKS = drawn(
    """begin([Begin]) --> split{{Split}}
split --> a & b & c --> both{{Join}}
both --> weigh{Many?}
weigh -- yes --> gate[/Ask/]
weigh -- otherwise --> page([Page])
gate -- approved --> again{{Split again}}
gate -- rejected --> page
gate -- expired --> page
again --> change[Change] & d --> joined{{Join again}} --> done([Done])""",
    {
        **looking("a", "b", "c", "d"),
        "weigh": 'when: {yes: "a.n + b.n + c.n == 6"}',
        "change": 'change: process.restart\nwith: {target: "{{ a.name }}"}\nirreversible: It is restarted.',
        "done": 'say: "{{ d.n }}"',
    },
)
INNER = drawn(
    "begin([Begin]) --> f[Look inside] --> end_in([Seen])",
    {"f": "use: f\nwith: {of: x}"},
).text.replace("id: drawn", "id: inner")
WINDING = drawn(
    """begin([Begin]) --> a[List] --> each[Each of them] --> well{Well?}
well -- again --> a
well -- otherwise --> around[Look around]
around -- found --> asked[Ask people]
around -- otherwise --> page([Page])
asked -- yes --> inside[[inner]]
asked -- no --> page
asked -- expired --> page
inside --> done([Done])""",
    {
        "a": "use: list\nmax_visits: 2",
        "each": 'use: b\nforeach: "{{ a.names }}"\nwith: {of: "{{ item }}"}',
        "well": 'when: {again: "each.count == 2"}',
        "around": "explore:\n  goal: Where does it come from?\n  tools: [c, d]\n  until: around.n == 4",
        "asked": "ask: Shall we go on?\nanswers: [yes, no]",
        "done": 'say: "{{ around.n }} {{ inside.end }}"',
    },
)
PLAYBOOKS = {"forks": FORKS, "winding": WINDING}
LIBRARY = {"inner": parse(INNER, "inner.md")}
FACTS: Mapping[str, Mapping[str, Any]] = {
    "a": {"n": 1, "name": "x"},
    "b": {"n": 2},
    "c": {"n": 3},
    "d": {"n": 4},
    "f": {"n": 6},
    "list": {"names": ["x", "y"]},
}


class Fuse:
    """Ends the process, as kill -9 does, at the n-th call."""

    def __init__(self, burns_at: int) -> None:
        self.left = burns_at

    def burn(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class FusedStore(RedisStore):
    """Burns before and after each write."""

    fuse: Fuse

    async def save(self, run_id: str, step: str, outcome: Outcome) -> bool:
        """Keep an outcome, if the process lives that long."""
        self.fuse.burn()
        first = await super().save(run_id, step, outcome)
        self.fuse.burn()
        return first


class FusedWorld(ToldWorld):
    """Burns inside each step, and counts in Redis what was begun."""

    fuse: Fuse
    redis: Any

    @override
    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        node, _, part = step.key.rstrip("]").partition("[")
        names = [f"@item:{node}:{part}", f"@look:{node}:{part}"] if part else [step.key]
        finished = any([await self.redis.hexists(run_key(step.run_id), name) for name in names])
        await self.redis.rpush(f"begun:{step.run_id.partition('/')[0]}", json.dumps([step.key, finished]))
        self.fuse.burn()
        return FACTS[tool]

    @override
    async def gate(self, step: Step, changes: Sequence[Change]) -> None:
        self.fuse.burn()

    @override
    async def ask(self, step: Step, question: str, answers: Sequence[str]) -> None:
        self.fuse.burn()

    @override
    async def change(self, step: Step, action: str, parameters: Mapping[str, Any]) -> None:
        await self.redis.sadd(f"changed:{step.run_id}", json.dumps([step.key, action, parameters]))
        self.fuse.burn()


DECIDED = {"gate": "approved", "asked": "yes"}


async def go(url: str, name: str, run_id: str, burns_at: int) -> None:
    """Walk to the end, deciding what waits; print where it came to."""
    async with Redis.from_url(url) as redis:
        store, world = FusedStore(redis, 60), FusedWorld()
        store.fuse = world.fuse = Fuse(burns_at)
        world.redis = redis
        while True:
            walked = await walk(PLAYBOOKS[name], run_id, store=store, world=world, given=GIVEN, library=LIBRARY)
            if walked.state != "suspended":
                break
            for step in walked.waiting:
                await decide(store, step.run_id, step.key, DECIDED.get(step.node, "recovered"))
        facts = {key: outcome.facts for key, outcome in walked.outcomes.items()}
        begun = [json.loads(line) for line in await redis.lrange(f"begun:{run_id}", 0, -1)]
        told = {
            "came_to": [walked.state, walked.end, walked.path, facts],
            "calls": burns_at - store.fuse.left,
            "begun_again": [key for key, finished in begun if finished],
            "changes": await redis.scard(f"changed:{run_id}"),
        }
        print(json.dumps(told), flush=True)


def forked(url: str, name: str, run_id: str, burns_at: int) -> None:
    """Walk in a process of its own; a line with the signal that ended it, if one did."""
    child = os.fork()
    if child == 0:
        asyncio.run(go(url, name, run_id, burns_at))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        print(json.dumps({"signal": os.WTERMSIG(status)}), flush=True)


if __name__ == "__main__":
    for argument in sys.argv[3:]:
        run, _, call = argument.partition(":")
        forked(sys.argv[1], sys.argv[2], run, int(call))

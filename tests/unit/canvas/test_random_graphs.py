"""The engine beside a naive interpreter, on random drawings."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.canvas import MemoryStore, Outcome, Playbook, Step, Walked, walk
from bot.canvas.plan import Progress, plan
from tests.unit.canvas.graphs import Following, Graph, graphs, naive
from tests.unit.canvas.worlds import SetClock


class Keeping(MemoryStore):
    """A store that remembers the order in which outcomes came."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    async def save(self, run_id: str, step: str, outcome: Outcome) -> bool:
        await asyncio.sleep(0)
        first = await super().save(run_id, step, outcome)
        self.kept += [step] if first and not step.startswith("@") else []
        return first


class Wandering(Following):
    """Each tool takes its own number of turns, so that arms overtake each other."""

    began: dict[str, tuple[str, ...]]

    def seeded(self, seed: int, store: Keeping) -> Wandering:
        self.store, self.began = store, {}
        self.random = random.Random(seed)  # noqa: S311 - the order of turns, from the seed
        return self

    async def use(self, tool: str, parameters: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        self.began[step.key] = tuple(self.store.kept)
        for _ in range(self.random.randrange(5)):
            await asyncio.sleep(0)
        return await super().use(tool, parameters, step)


def key(node: int, visit: int) -> str:
    return f"n{node}" if visit == 1 else f"n{node}#{visit}"


async def run(playbook: Playbook, world: Wandering, store: Keeping, limit: int) -> Walked:
    return await walk(playbook, "inc-1", store=store, world=world, clock=SetClock(), limit=limit)


def walked(graph: Graph, seed: int, limit: int) -> tuple[Walked, Wandering, Keeping]:
    store = Keeping()
    world = Wandering(graph=graph).seeded(seed, store)
    return asyncio.run(run(graph.playbook(), world, store, limit)), world, store


@settings(max_examples=150, deadline=None)
@given(graphs(), st.integers(0, 1000), st.integers(1, 5))
def test_exactly_the_nodes_that_the_naive_interpreter_runs_are_run_once_each(
    graph: Graph, seed: int, limit: int
) -> None:
    result, world, store = walked(graph, seed, limit)
    expected = {key(node, visit) for node, visit in naive(graph)}
    assert result.state == "finished"
    assert set(result.path) == set(result.outcomes) == expected
    assert sorted(store.kept) == sorted(expected)
    assert all(times == 1 for times in world.counts.values())
    assert max(visit for _, visit in naive(graph)) <= graph.visits ** max(1, len(graph.returns))


@settings(max_examples=100, deadline=None)
@given(graphs(), st.integers(0, 1000))
def test_a_node_begins_when_all_that_lead_to_it_have_ended_and_any_joins_with_the_first(
    graph: Graph, seed: int
) -> None:
    result, world, store = walked(graph, seed, limit=4)
    ran = set(result.path)
    looping = {node for node in range(len(graph.kinds)) for _, header in graph.returns if header <= node}
    for step, before in world.began.items():
        node = int(step[1:].partition("#")[0])
        if node in looping:
            continue
        sources = {f"n{source}" for source, target in graph.arrows if target == node}
        assert sources & ran <= set(before), f"{step} began before {sources & ran - set(before)} ended"
    for node, kind in enumerate(graph.kinds):
        if kind == "any" and node not in looping and f"n{node}" in ran:
            feeding = [f"n{source}" for source, target in graph.arrows if target == node]
            assert store.kept.index(f"n{node}") > min(store.kept.index(source) for source in feeding if source in ran)


@settings(max_examples=80, deadline=None)
@given(graphs(), st.integers(0, 1000))
def test_a_run_followed_outcome_by_outcome_stands_where_one_told_at_once_does(graph: Graph, seed: int) -> None:
    result, _, store = walked(graph, seed, limit=4)
    playbook, known = graph.playbook(), dict[str, Outcome]()
    progress = Progress(playbook, known)
    for step in store.kept:
        known[step] = result.outcomes[step]
        progress.learn(step)
        followed, told = progress.plan(), plan(playbook, known)
        assert (followed.nodes, followed.edges, followed.visits) == (told.nodes, told.edges, told.visits)
        assert (set(followed.due), followed.rounds) == (set(told.due), told.rounds)
    assert progress.due == ()


class Killed(BaseException):
    """The process ends here."""


class Mortal(Keeping):
    """A store in whose calls the process may die, before or after the outcome is kept."""

    def __init__(self, deaths: list[tuple[int, bool]]) -> None:
        super().__init__()
        self.deaths, self.calls = dict(deaths), 0

    async def save(self, run_id: str, step: str, outcome: Outcome) -> bool:
        self.calls += 1
        death = self.deaths.get(self.calls)
        if death is False:
            raise Killed
        first = await super().save(run_id, step, outcome)
        if death is True:
            raise Killed
        return first


async def until_done(graph: Graph, world: Wandering, store: Mortal) -> Walked:
    for _ in range(len(store.deaths) + 1):
        try:
            return await run(graph.playbook(), world, store, 3)
        except Killed:
            continue
    raise AssertionError("it died more often than it was killed")


@settings(max_examples=100, deadline=None)
@given(graphs(), st.lists(st.tuples(st.integers(1, 40), st.booleans()), max_size=6))
def test_a_run_that_is_killed_again_and_again_takes_the_same_path(graph: Graph, deaths: list[tuple[int, bool]]) -> None:
    store = Mortal(deaths)
    world = Wandering(graph=graph).seeded(1, store)
    result = asyncio.run(until_done(graph, world, store))
    undisturbed, _, _ = walked(graph, 2, 3)
    assert (result.path, result.end) == (undisturbed.path, undisturbed.end)
    assert len(store.kept) == len(set(store.kept))
    unfinished = [step for step, before in world.began.items() if step in before]
    assert unfinished == [], "a finished step was begun again"

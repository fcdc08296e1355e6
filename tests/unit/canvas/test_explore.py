"""Exploration within the drawing: with these tools, in this order or as somebody chooses, within a budget."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from bot.canvas import MemoryStore, Outcome, Playbook, Step, Walked, walk
from bot.canvas.world import Conclusion, Exploration, Look
from bot.errors import SourceUnavailable
from tests.unit.canvas.worlds import GIVEN, SetClock, ToldWorld, drawn

CHART = "a([Start]) --> x[Explore]\nx -- found --> f([Found])\nx -- otherwise --> n([Nothing])"


def exploring(**more: str) -> Playbook:
    extra = "".join(f"\n  {key}: {value}" for key, value in more.items() if key != "deadline")
    tools = 'tools: [logs.look, {use: metrics.look, with: {service: "{{ service.name }}"}}, changes.look]'
    block = f"explore:\n  goal: What is unusual about {{{{ service.name }}}}?\n  {tools}{extra}"
    return drawn(CHART, {"x": block + (f"\ndeadline: {more['deadline']}" if "deadline" in more else "")})


async def explored(playbook: Playbook, world: ToldWorld, store: MemoryStore | None = None) -> Walked:
    return await walk(playbook, "inc-1", store=store or MemoryStore(), world=world, clock=SetClock(), given=GIVEN)


async def test_without_a_model_the_tools_are_used_in_the_drawings_order_until_it_is_enough() -> None:
    world = ToldWorld({"logs.look": {"error_share": 0.01}, "metrics.look": {"error_ratio": 0.4}})
    walked = await explored(exploring(until="x.error_ratio > 0.1"), world)
    assert walked.end == "f"
    assert world.uses == [("x[0]", "logs.look", {}), ("x[1]", "metrics.look", {"service": "payments"})]
    assert walked.facts["x"] == {"error_share": 0.01, "error_ratio": 0.4, "looked": ["logs.look", "metrics.look"]}


async def test_where_it_is_never_enough_the_other_way_is_taken_with_all_that_was_found() -> None:
    world = ToldWorld({"metrics.look": {"error_ratio": 0.01}})
    walked = await explored(exploring(until="x.error_ratio > 0.1"), world)
    assert (walked.end, len(world.uses)) == ("n", 3)
    assert walked.facts["x"]["error_ratio"] == 0.01


async def test_without_a_condition_anything_found_is_found_and_nothing_is_not() -> None:
    assert (await explored(exploring(), ToldWorld({"changes.look": {"change_count": 1}}))).end == "f"
    assert (await explored(exploring(), ToldWorld())).end == "n"


async def test_the_budget_of_looks_is_kept_and_said() -> None:
    world = ToldWorld()
    walked = await explored(exploring(steps="2"), world)
    assert [tool for _, tool, _ in world.uses] == ["logs.look", "metrics.look"]
    assert walked.outcomes["x"].note == "The 2 looks for it were used up."


async def test_the_time_for_it_ends_it_with_what_was_found() -> None:
    async def never(_: Mapping[str, Any], __: Step) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    world = ToldWorld({"logs.look": {"error_share": 0.5}, "metrics.look": never})
    walked = await explored(exploring(until="x.error_share > 0.1 && x.error_ratio > 0", deadline="20ms"), world)
    assert (walked.end, walked.facts["x"]["error_share"]) == ("n", 0.5)
    assert "0.02 s" in (walked.outcomes["x"].note or "")


async def test_a_tool_that_fails_costs_a_look_and_not_the_exploration() -> None:
    world = ToldWorld({"logs.look": SourceUnavailable("Loki is down."), "metrics.look": {"error_ratio": 0.4}})
    walked = await explored(exploring(until="x.error_ratio > 0.1"), world)
    assert walked.end == "f"
    assert walked.outcomes["x"].note == "logs.look: Loki is down."


async def test_whoever_explores_sees_goal_offers_and_looks_and_may_conclude() -> None:
    def clever(seen: Exploration) -> Look | Conclusion:
        if not seen.looked:
            return Look("metrics.look", {"service": "ledger"})
        return Conclusion(found=True, facts={"cause": "disk"}, cites=("metrics-1",), why="The ledger's disk is full.")

    world = ToldWorld({"metrics.look": {"error_ratio": 0.4}}, explorer=clever)
    walked = await explored(exploring(steps="5"), world)
    assert world.uses == [("x[0]", "metrics.look", {"service": "ledger"})]
    first, second = world.explorations
    assert (first.goal, first.steps_left) == ("What is unusual about payments?", 5)
    assert [offer.tool for offer in first.offers] == ["logs.look", "metrics.look", "changes.look"]
    assert [look.facts for look in second.looked] == [{"error_ratio": 0.4}]
    assert walked.outcomes["x"].note == "The ledger's disk is full."
    assert (walked.end, walked.facts["x"]["cause"], walked.facts["x"]["cites"]) == ("f", "disk", ["metrics-1"])


async def test_a_tool_that_the_step_does_not_name_is_not_used() -> None:
    world = ToldWorld(explorer=lambda _: Look("database.look"))
    walked = await explored(exploring(), world)
    assert (walked.end, world.uses) == ("n", [])
    assert "'database.look' is not among the tools" in (walked.outcomes["x"].note or "")


class Killed(BaseException):
    """The process ends here."""


async def test_a_run_that_is_killed_in_an_exploration_does_not_look_twice() -> None:
    async def deadly(_: Mapping[str, Any], __: Step) -> Mapping[str, Any]:
        raise Killed

    store, playbook = MemoryStore(), exploring(until="x.change_count > 0")
    try:
        await explored(playbook, ToldWorld({"metrics.look": deadly}), store)
    except Killed:
        later = ToldWorld({"changes.look": {"change_count": 2}})
        walked = await explored(playbook, later, store)
    assert [tool for _, tool, _ in later.uses] == ["metrics.look", "changes.look"]
    assert (walked.end, walked.outcomes["x"].state) == ("f", Outcome().state)

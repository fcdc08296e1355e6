"""The run of a drawing: which nodes work, on which facts, and where the run waits."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from bot.canvas import Judgement, MemoryStore, Outcome, Playbook, Walked, decide, parse, walk
from bot.errors import PlaybookError, SourceUnavailable
from tests.unit.canvas.worlds import GIVEN, SetClock, ToldWorld, drawn, looking

DOWN = SourceUnavailable("prometheus does not answer")


class Run:
    """One run with its store, world and clock."""

    def __init__(self, playbook: Playbook, world: ToldWorld | None = None, **more: Any) -> None:
        self.playbook, self.world, self.more = playbook, world or ToldWorld(), more
        self.store, self.clock = MemoryStore(), SetClock()

    async def walk(self) -> Walked:
        return await walk(
            self.playbook,
            "inc-1",
            store=self.store,
            world=self.world,
            clock=self.clock,
            **{"given": GIVEN, **self.more},
        )

    async def decide(self, step: str, edge: str, **more: Any) -> Walked:
        assert await decide(self.store, "inc-1", step, edge, **more)
        return await self.walk()


FORK = drawn(
    "a([Start]) --> f{{Split}} --> x & y --> j{{Join}} --> z --> e([End])",
    {**looking("x", "y", "z"), "f": "{}", "j": "{}"},
)


async def test_a_fork_takes_all_its_arms_and_a_join_waits_for_them() -> None:
    run = Run(FORK)
    walked = await run.walk()
    assert (walked.state, walked.end) == ("finished", "e")
    assert [key for key, _, _ in run.world.uses] == ["x", "y", "z"]
    assert run.world.busiest == 2


async def test_no_more_nodes_work_at_once_than_the_limit_allows() -> None:
    arms = [f"n{number}" for number in range(9)]
    wide = drawn(f"a([Start]) --> f{{{{Split}}}} --> {' & '.join(arms)} --> e([End])", looking(*arms))
    run = Run(wide, limit=4)
    assert (await run.walk()).state == "finished"
    assert run.world.busiest == 4


def branching(condition: str) -> Playbook:
    return drawn(
        "a([Start]) --> x --> b{Is it?}\nb -- yes --> y([Yes])\nb -- otherwise --> n([No])",
        {"x": "use: x\nsave_as: seen", "b": f'when: {{yes: "{condition}"}}'},
    )


@pytest.mark.parametrize(
    ("condition", "facts", "end"),
    [
        ("seen.count >= 3", {"count": 3}, "y"),
        ("seen.count >= 3", {"count": 2}, "n"),
        ("seen.ratio > 0.5", {"ratio": 1}, "y"),
        ("seen.ratio > 1", {"ratio": 1.5}, "y"),
        ("alert.labels.tier == 'backend'", {}, "y"),
        ("service.name == 'payments' && seen.ok", {"ok": True}, "y"),
        ("seen.names.exists(name, name.startsWith('pay'))", {"names": ["x", "payroll"]}, "y"),
    ],
)
async def test_a_branch_is_decided_by_the_facts(condition: str, facts: Mapping[str, Any], end: str) -> None:
    assert (await Run(branching(condition), ToldWorld({"x": facts})).walk()).end == end


async def test_a_missing_value_is_false_and_the_outcome_says_so() -> None:
    walked = await Run(branching("seen.count >= 3")).walk()
    assert walked.end == "n"
    assert "seen.count is missing" in (walked.outcomes["b"].note or "")


async def test_the_first_condition_that_holds_wins() -> None:
    playbook = drawn(
        "a([Start]) --> b{Which?}\nb -- two --> t([2])\nb -- one --> o([1])\nb -- otherwise --> n([0])",
        {"b": 'when: {one: "true", two: "true"}'},
    )
    assert (await Run(playbook).walk()).end == "o"


async def test_a_branch_that_is_skipped_skips_all_that_follows_but_not_what_others_lead_to() -> None:
    playbook = drawn(
        "a([Start]) --> b{Which?}\nb -- left --> l --> m --> e([End])\nb -- otherwise --> r --> e",
        {**looking("l", "m", "r"), "b": 'when: {left: "false"}'},
    )
    walked = await Run(playbook).walk()
    assert walked.path == ("a", "b", "r", "e")


async def test_a_join_of_any_goes_on_with_the_first_and_runs_once() -> None:
    playbook = drawn(
        "a([Start]) --> f{{Split}} --> x & y --> j{{First}} --> z --> e([End])",
        {**looking("x", "y", "z"), "j": "join: any"},
    )
    released = asyncio.Event()

    async def release(*_: object) -> Mapping[str, Any]:
        released.set()
        return {}

    async def wait(*_: object) -> Mapping[str, Any]:
        await asyncio.wait_for(released.wait(), 5)
        return {}

    run = Run(playbook, ToldWorld({"z": release, "y": wait}))
    walked = await run.walk()
    assert walked.state == "finished"
    assert [key for key, _, _ in run.world.uses].count("z") == 1


async def test_a_reference_keeps_its_type_and_is_never_read_again() -> None:
    playbook = drawn(
        "a([Start]) --> x --> y --> e([End])",
        {
            "x": "use: x",
            "y": 'use: y\nwith: {pid: "{{ x.pid }}", text: "pid {{ x.pid }}: {{ x.said }}", all: ["{{ x }}"]}',
        },
    )
    run = Run(playbook, ToldWorld({"x": {"pid": 42, "said": "{{ alert.name }}"}}))
    await run.walk()
    assert run.world.uses[1][2] == {
        "pid": 42, "text": "pid 42: {{ alert.name }}", "all": [{"pid": 42, "said": "{{ alert.name }}"}],
    }  # fmt: skip


async def test_a_step_is_tried_again_with_growing_waits() -> None:
    playbook = drawn("a([Start]) --> x --> e([End])", {"x": "use: x\nretry: {times: 2, wait: 2s}"})
    run = Run(playbook, ToldWorld({"x": [DOWN, DOWN, {"ok": True}]}))
    walked = await run.walk()
    assert run.clock.slept == [2, 4]
    assert walked.outcomes["x"].attempts == 3


async def test_an_error_without_a_remedy_ends_the_run_and_says_why() -> None:
    walked = await Run(drawn("a([Start]) --> x --> e([End])", looking("x")), ToldWorld({"x": DOWN})).walk()
    assert walked.state == "failed"
    assert walked.error == "'x' failed: prometheus does not answer"


async def test_what_waited_for_its_turn_does_not_begin_in_a_run_that_has_failed() -> None:
    run = Run(FORK, ToldWorld({"x": DOWN}), limit=1)
    assert (await run.walk()).state == "failed"
    assert [key for key, _, _ in run.world.uses] == ["x"]


async def test_an_error_may_leave_by_an_arrow_of_its_own() -> None:
    playbook = drawn("a([Start]) --> x --> e([End])\nx -- error --> p([Page])", {"x": "use: x\non_error: {go: p}"})
    assert (await Run(playbook, ToldWorld({"x": DOWN})).walk()).end == "p"
    assert (await Run(playbook).walk()).end == "e"


async def test_an_error_may_be_replaced_by_default_facts() -> None:
    playbook = drawn(
        "a([Start]) --> x --> b{Is it?}\nb -- yes --> y([Yes])\nb -- otherwise --> n([No])",
        {"x": "use: x\non_error: {default: {count: 9}}", "b": 'when: {yes: "x.count == 9"}'},
    )
    assert (await Run(playbook, ToldWorld({"x": DOWN})).walk()).end == "y"


async def test_a_step_that_misses_its_deadline_has_failed() -> None:
    async def forever(*_: object) -> Mapping[str, Any]:
        await asyncio.Event().wait()
        return {}

    playbook = drawn("a([Start]) --> x --> e([End])", {"x": "use: x\ndeadline: 5ms"})
    walked = await Run(playbook, ToldWorld({"x": forever})).walk()
    assert walked.error == "'x' failed: no answer within 0.005 s"


LOOP = drawn(
    "a([Start]) --> x --> b{Well?}\nb -- again --> x\nb -- good --> g([Good])\nb -- otherwise --> p([Page])",
    {"x": "use: x\nmax_visits: 3", "b": 'when: {good: "x.ok", again: "!x.ok"}'},
)


async def test_a_loop_goes_round_until_its_branch_is_content() -> None:
    walked = await Run(LOOP, ToldWorld({"x": [{"ok": False}, {"ok": True}]})).walk()
    assert walked.path == ("a", "x", "b", "x#2", "b#2", "g")


async def test_a_loop_that_is_gone_on_with_knows_its_latest_visit_in_whatever_order_it_was_stored() -> None:
    run = Run(LOOP, ToldWorld({"x": [{"ok": False}, {"ok": True}]}))
    await run.walk()
    known = run.store._runs["inc-1"]
    for key in ("b#2", "g", "x"):  # killed before the second judgement, and the first look is stored last
        first = known.pop(key)
    known["x"] = first
    assert (await run.walk()).path == ("a", "x", "b", "x#2", "b#2", "g")


async def test_a_loop_takes_otherwise_when_its_visits_are_used_up() -> None:
    run = Run(LOOP, ToldWorld({"x": {"ok": False}}))
    walked = await run.walk()
    assert walked.end == "p"
    assert sum(run.world.counts.values()) == 3
    assert "'x' has had its 3 visits" in (walked.outcomes["b#3"].note or "")


async def test_a_step_for_each_item_of_a_list_keeps_them_in_order() -> None:
    playbook = drawn(
        "a([Start]) --> x --> y --> e([End])",
        {"x": "use: x", "y": 'use: y\nforeach: "{{ x.names }}"\nas: name\nat_most: 2\nwith: {name: "{{ name }}"}'},
    )

    async def echo(parameters: Mapping[str, Any], _: object) -> Mapping[str, Any]:
        return {"seen": parameters["name"]}

    walked = await Run(playbook, ToldWorld({"x": {"names": ["p", "q", "r"]}, "y": echo})).walk()
    assert walked.outcomes["y"].facts == {"items": [{"seen": "p"}, {"seen": "q"}], "count": 2, "left_out": 1}


async def test_a_list_that_is_none_is_an_error_of_the_step() -> None:
    playbook = drawn("a([Start]) --> x --> y --> e([End])", {"x": "use: x", "y": 'use: y\nforeach: "{{ x.names }}"'})
    assert "is not a list" in ((await Run(playbook, ToldWorld({"x": {"names": "p"}})).walk()).error or "")
    assert "is not known" in ((await Run(playbook).walk()).error or "")


JUDGED = drawn(
    "a([Start]) --> b{Which?}\nb -- left --> l([Left])\nb -- otherwise --> n([None])",
    {"b": "judge: model\nquestion: Which of the two is it?"},
)


@pytest.mark.parametrize(
    ("judgement", "end"),
    [
        (Judgement("left", ("metrics-1",)), "l"),
        (Judgement("left", ()), "n"),
        (Judgement("right", ("metrics-1",)), "n"),
        (None, "n"),
    ],
)
async def test_a_model_chooses_among_the_labels_and_must_cite(judgement: Judgement | None, end: str) -> None:
    world = ToldWorld(judgements={"b": judgement} if judgement else {})
    assert (await Run(JUDGED, world).walk()).end == end


ASKED = drawn(
    "a([Start]) --> x[Ask]\nx -- yes --> y([Yes])\nx -- no --> n([No])\nx -- expired --> n",
    {"x": 'ask: "Did {{ alert.service }} deploy?"\nanswers: [yes, no]'},
)


async def test_a_question_suspends_the_run_until_it_is_answered() -> None:
    run = Run(ASKED)
    walked = await run.walk()
    assert (walked.state, [step.key for step in walked.waiting]) == ("suspended", ["x"])
    assert run.world.questions == [("x", "Did payments deploy?", ("yes", "no"))]
    assert (await run.decide("x", "yes", actor="U1")).end == "y"


GATED = drawn(
    """a([Start]) --> x --> g[/Ask/]
g -- approved --> c[Do it] --> done([Done])
g -- rejected --> n([No])
g -- expired --> p([Page])
c -- not_executed --> n""",
    {
        "x": "use: x",
        "c": 'change: postgres.cancel_query\nwith: {pid: "{{ x.pid }}"}\n'
        'verify: {query: "up{job=\\"{{ service.name }}\\"}", above: 0}\nirreversible: It is gone.',
    },
)


async def test_a_gate_shows_the_resolved_change_and_suspends() -> None:
    run = Run(GATED, ToldWorld({"x": {"pid": 7}}))
    walked = await run.walk()
    assert (walked.state, [step.node for step in walked.waiting]) == ("suspended", ["g"])
    (change,) = run.world.gates["g"][0]
    assert (change.node, change.action, change.parameters) == ("c", "postgres.cancel_query", {"pid": 7})
    assert change.verify == {"query": 'up{job="payments"}', "with": {}, "above": 0, "within": 300}
    assert run.world.changes == []


@pytest.mark.parametrize(("decision", "end"), [("rejected", "n"), ("expired", "p")])
async def test_a_gate_that_is_not_approved_goes_its_drawn_way(decision: str, end: str) -> None:
    run = Run(GATED, ToldWorld({"x": {"pid": 7}}))
    await run.walk()
    assert (await run.decide("g", decision)).end == end
    assert run.world.changes == []


async def test_an_approved_change_is_started_as_it_was_shown_and_its_outcome_decides() -> None:
    run = Run(GATED, ToldWorld({"x": {"pid": 7}}))
    await run.walk()
    walked = await run.decide("g", "approved", actor="U1")
    assert (walked.state, [step.node for step in walked.waiting]) == ("suspended", ["c"])
    assert run.world.changes == [("c", "postgres.cancel_query", {"pid": 7})]
    assert (await run.decide("c", "recovered")).end == "done"


async def test_a_change_that_was_not_done_may_have_an_arrow_of_its_own() -> None:
    run = Run(GATED, ToldWorld({"x": {"pid": 7}}))
    await run.walk()
    await run.decide("g", "approved")
    assert (await run.decide("c", "not_executed")).end == "n"


@pytest.mark.parametrize("edge", ["not_recovered", "unknown"])
async def test_a_change_that_did_not_help_is_an_error_where_no_arrow_says_otherwise(edge: str) -> None:
    run = Run(GATED, ToldWorld({"x": {"pid": 7}}))
    await run.walk()
    await run.decide("g", "approved")
    walked = await run.decide("c", edge)
    assert walked.error == f"'c' failed: the change ended as '{edge}'"


async def test_what_is_done_is_what_was_shown_even_if_the_facts_change_in_between() -> None:
    run = Run(GATED, ToldWorld({"x": {"pid": 7}}))
    await run.walk()
    run.store._runs["inc-1"]["x"] = Outcome(facts={"pid": 8})
    await run.decide("g", "approved")
    assert run.world.changes == [("c", "postgres.cancel_query", {"pid": 7})]


async def test_a_gate_whose_change_is_not_known_opens_no_approval() -> None:
    run = Run(GATED)
    walked = await run.walk()
    assert walked.state == "failed"
    assert "x.pid" in (walked.error or "")
    assert run.world.gates == {}


async def test_a_change_that_nobody_approved_is_never_started() -> None:
    run = Run(drawn("a([Start]) --> c[Do it] --> e([End])", {"c": "change: process.restart"}))
    assert "never approved" in ((await run.walk()).error or "")
    assert run.world.changes == []


async def test_a_change_is_not_started_where_its_gate_was_not_approved() -> None:
    around = drawn(
        "a([Start]) --> g[/Ask/]\ng -- approved --> c[Do it] --> e([End])\ng -- rejected --> c\ng -- expired --> e",
        {"c": "change: process.restart"},
    )
    run = Run(around)
    await run.walk()
    assert "never approved" in ((await run.decide("g", "rejected")).error or "")
    assert run.world.changes == []


async def test_the_first_decision_stays() -> None:
    run = Run(ASKED)
    await run.walk()
    assert await decide(run.store, "inc-1", "x", "no")
    assert not await decide(run.store, "inc-1", "x", "yes")
    assert (await run.walk()).end == "n"


INNER = parse(GATED.text.replace("id: drawn", "id: inner"), "inner.md")
OUTER = drawn(
    "a([Start]) --> s[[inner]]\ns -- done --> e([End])\ns --> o([Other])", {"s": "with: {depth: 1}\nsave_as: inside"}
)


async def test_a_sub_playbook_runs_inside_and_its_end_is_its_label() -> None:
    run = Run(OUTER, ToldWorld({"x": {"pid": 7}}), library={"inner": INNER})
    waiting = (await run.walk()).waiting
    assert [(step.run_id, step.key, step.playbook) for step in waiting] == [("inc-1/s", "g", "inner")]
    await decide(run.store, "inc-1/s", "g", "approved")
    await run.walk()
    await decide(run.store, "inc-1/s", "c", "recovered")
    walked = await run.walk()
    assert walked.end == "e"
    assert walked.outcomes["s"].facts["x"] == {"pid": 7}


async def test_the_limit_holds_for_all_playbooks_of_a_run_together() -> None:
    arms = drawn("a([Start]) --> f{{Fork}} --> x & y & z --> j{{Join}} --> e([End])", looking("x", "y", "z"))
    inner = parse(arms.text.replace("id: drawn", "id: inner"), "inner.md")
    outer = drawn(
        "a([Start]) --> f{{Fork}} --> x & s[[inner]] & t[[inner]] --> j{{Join}} --> e([End])", looking("x")
    )  # fmt: skip
    run = Run(outer, limit=2, library={"inner": inner})
    assert (await run.walk()).end == "e"
    assert (run.world.busiest, len(run.world.uses)) == (2, 7)


async def test_a_sub_playbook_that_is_not_there_is_an_error() -> None:
    assert "There is no playbook 'inner'" in ((await Run(OUTER).walk()).error or "")


async def test_an_edited_file_is_for_new_runs_only() -> None:
    run = Run(ASKED)
    await run.walk()
    run.playbook = drawn("a([Start]) --> quite --> different([End])", looking("quite"))
    assert (await run.decide("x", "yes")).end == "y"
    assert run.world.uses == []


async def test_inputs_have_defaults_that_a_caller_may_replace() -> None:
    playbook = drawn(
        "a([Start]) --> x --> e([End])",
        {"x": 'use: x\nwith: {target: "{{ target }}"}'},
        front='inputs: {target: "{{ alert.service }}"}\n',
    )
    run = Run(playbook)
    await run.walk()
    other = Run(playbook, given={**GIVEN, "target": "ledger"})
    await other.walk()
    assert [run.world.uses[0][2], other.world.uses[0][2]] == [{"target": "payments"}, {"target": "ledger"}]


async def test_an_end_says_what_it_has_to_say() -> None:
    run = Run(drawn("a([Start]) --> e([End])", {"e": 'say: "{{ service.name }} is well."'}))
    await run.walk()
    assert run.world.notes == ["payments is well."]


async def test_a_drawing_that_cannot_be_walked_is_refused() -> None:
    with pytest.raises(PlaybookError, match="lint"):
        await Run(drawn("a --> b --> a", looking("a", "b"))).walk()


async def test_a_bug_in_a_tool_ends_the_walk_and_leaves_nothing_running() -> None:
    run = Run(FORK, ToldWorld({"x": ZeroDivisionError()}))
    before = asyncio.all_tasks()
    with pytest.raises(ZeroDivisionError):
        await run.walk()
    assert asyncio.all_tasks() == before

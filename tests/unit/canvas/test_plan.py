"""What a run has come to, told from its outcomes alone."""

from __future__ import annotations

from bot.canvas import Outcome
from bot.canvas.picture import Look, as_text, looks
from bot.canvas.plan import Mark, Status, plan
from tests.unit.canvas.test_walk import GATED, LOOP
from tests.unit.canvas.worlds import drawn, looking

OK = Outcome()


def test_a_run_that_has_not_begun_has_its_start_due() -> None:
    now = plan(GATED, {})
    assert (now.due, now.path) == (("a",), ())
    assert now.nodes["g"] is Status.PENDING


def test_a_decision_takes_its_arrow_and_skips_the_others() -> None:
    now = plan(GATED, {"a": OK, "x": OK, "g": Outcome(edge="rejected")})
    marks = {edge.label: now.edges[edge.index] for edge in GATED.chart.edges if edge.source == "g"}
    assert marks == {"approved": Mark.SKIPPED, "rejected": Mark.TAKEN, "expired": Mark.SKIPPED}
    assert (now.nodes["c"], now.due) == (Status.SKIPPED, ("n",))


def test_a_loop_that_returns_begins_the_next_visit_of_its_nodes() -> None:
    now = plan(LOOP, {"a": OK, "x": OK, "b": Outcome(edge="again")})
    assert (now.due, now.key("x"), now.rounds) == (("x",), "x#2", {"x": 2})
    assert now.nodes["g"] is Status.PENDING, "an arrow out of a loop is not skipped while the loop goes on"


def test_an_outcome_that_no_arrow_is_drawn_for_ends_the_run() -> None:
    now = plan(GATED, {"a": OK, "x": OK, "g": Outcome(edge="perhaps")})
    assert now.error == "'g' ended with 'perhaps', and no arrow of the drawing says so."


def test_the_looks_tell_done_waiting_failed_and_skipped_apart() -> None:
    waiting = looks(GATED, {"a": OK, "x": OK})
    assert (waiting["x"], waiting["g"], waiting["c"]) == (Look.DONE, Look.WAITING, Look.PLAIN)
    failed = looks(GATED, {"a": OK, "x": Outcome(state="failed")})
    assert failed["x"] is Look.FAILED
    assert looks(GATED, {"a": OK})["x"] is Look.RUNNING
    assert looks(GATED, {"a": OK, "x": OK, "g": Outcome(edge="expired")})["c"] is Look.SKIPPED
    assert set(looks(GATED, None).values()) == {Look.PLAIN}


def test_the_path_in_words_has_a_line_for_each_node() -> None:
    text = as_text(GATED, {"a": OK, "x": OK, "g": Outcome(edge="approved", note="Two people looked.")})
    assert text.splitlines()[:5] == ["As drawn", "✓ Start", "✓ x", "✓ Ask → approved (Two people looked.)", "⏳ Do it"]


LEAVING = drawn(
    "a([Start]) --> x --> s{{Split}}\ns --> b{Well?}\ns --> o --> j{{Join}}\nb -- again --> x\nb -- otherwise --> j\n"
    "j --> e([End])",
    {**looking("x", "o"), "s": "{}", "j": "{}", "b": 'when: {again: "!x.ok"}'},
)


def test_an_arrow_out_of_a_loop_counts_once_the_loop_cannot_return() -> None:
    first = {"a": OK, "x": OK, "s": OK}
    assert plan(LEAVING, first).due == ("b",), "what follows the loop waits for it, although its arrow was taken"
    again = {**first, "b": Outcome(edge="again"), "x#2": OK, "s#2": OK}
    assert plan(LEAVING, again).due == ("b",)
    assert plan(LEAVING, {**again, "b#2": Outcome(edge="otherwise")}).due == ("o",)


NESTED = drawn(
    "a([Start]) --> x --> y --> b{Enough?}\nb -- more --> y\nb -- otherwise --> c{Well?}\nc -- again --> x\n"
    "c -- otherwise --> e([End])",
    {"x": "use: x\nmax_visits: 2", "y": "use: y\nmax_visits: 2", "b": 'when: {more: "y.more"}',
     "c": 'when: {again: "x.again"}'},
)  # fmt: skip


def test_a_loop_inside_another_has_its_visits_anew_each_time_it_is_entered() -> None:
    once = {"a": OK, "x": OK, "y": OK, "b": Outcome(edge="more"), "y#2": OK, "b#2": Outcome(edge="otherwise")}
    assert plan(NESTED, once).rounds == {"x": 1, "y": 2}
    assert plan(NESTED, {**once, "c": Outcome(edge="again")}).rounds == {"x": 2, "y": 1}

"""What a run has come to, told from its outcomes alone."""

from __future__ import annotations

from bot.canvas import Outcome
from bot.canvas.picture import Look, as_text, looks
from bot.canvas.plan import Mark, Status, plan
from tests.unit.canvas.test_walk import GATED, LOOP

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

"""How a remedy will be judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from bot.canvas.outcome import Change
from bot.work.verification import WAY_BACK, of_symptom, verification_of
from tests.unit.work.histories import evidence, finding


def a_change(verify: Mapping[str, Any] | None) -> Change:
    return Change(node="kill", label="End it", action="test.count", parameters={}, verify=verify)


def measured(kind: str, value: float, baseline: float, *, score: float = 0.9, **changes: Any) -> Any:
    fact = evidence(f"metrics-{kind}", value=value, baseline=baseline, query=f"rate({kind})", unit="ratio")
    return finding(kind, score=score, evidence=(fact,), **changes)


def test_a_fact_of_a_tool_is_watched_as_the_drawing_says() -> None:
    verify = {"use": "database.blocking_sessions", "with": {"database": "d"}, "fact": "blocked_count", "below": 1,
              "within": 180, "unit": "sessions"}  # fmt: skip
    watched = verification_of(a_change(verify), [], 60)
    assert watched
    assert (watched.tool, watched.parameters, watched.fact) == (
        "database.blocking_sessions", {"database": "d"}, "blocked_count")  # fmt: skip
    assert (watched.comparison, watched.threshold, watched.window_s, watched.unit) == ("<", 1, 180, "sessions")


def test_a_query_may_have_to_rise() -> None:
    watched = verification_of(a_change({"query": "sum(rate(paid[1m]))", "above": 2.5}), [], 60)
    assert watched
    assert (watched.query, watched.comparison, watched.threshold, watched.window_s) == (
        "sum(rate(paid[1m]))", ">", 2.5, 300)  # fmt: skip


def test_without_a_threshold_there_is_nothing_to_judge_by() -> None:
    assert verification_of(a_change({"query": "x"}), [], 60) is None


def test_a_threshold_of_zero_is_a_threshold() -> None:
    watched = verification_of(a_change({"query": "x", "above": 0}), [], 60)
    assert watched
    assert watched.threshold == 0


@pytest.mark.parametrize(("verify", "window_s"), [(None, 60), ({"symptom": "worst", "within": 200}, 200),
                                                   ({"symptom": "worst"}, 60)])  # fmt: skip
def test_the_worst_symptom_must_come_back_to_its_normal(verify: Mapping[str, Any] | None, window_s: float) -> None:
    watched = verification_of(a_change(verify), [measured("latency", 4.0, 0.5)], 60)
    assert watched
    assert (watched.query, watched.comparison, watched.window_s) == ("rate(latency)", "<", window_s)
    assert watched.threshold == pytest.approx(0.5 + WAY_BACK * 3.5)


def test_what_fell_must_rise_again() -> None:
    watched = of_symptom([measured("traffic_drop", 1.0, 100.0)], 60)
    assert watched
    assert watched.comparison == ">"
    assert watched.threshold == pytest.approx(90.1)


def test_failures_come_before_anything_else_then_the_strongest() -> None:
    worst = [measured("latency", 4, 1, score=0.99), measured("error_rate", 0.5, 0, score=0.5),
             measured("traffic_drop", 1, 2, score=0.2)]  # fmt: skip
    watched = of_symptom(worst, 60)
    assert watched
    assert watched.query == "rate(error_rate)"
    watched = of_symptom([one for one in worst if one.kind != "error_rate"], 60)
    assert watched
    assert watched.query == "rate(latency)"


def test_only_symptoms_seen_by_metrics_and_with_figures_count() -> None:
    assert of_symptom([measured("saturation", 1, 0)], 60) is None
    assert of_symptom([measured("error_rate", 1, 0, agent="logs")], 60) is None
    assert of_symptom([measured("error_rate", 1, 1)], 60) is None
    assert of_symptom([finding("error_rate")], 60) is None
    assert of_symptom([], 60) is None


def test_what_a_service_only_feels_is_a_symptom_as_well() -> None:
    watched = of_symptom([measured("latency", 4, 1, score=0.99), measured("felt_error_rate", 0.5, 0, score=0.5)], 60)
    assert watched
    assert watched.query == "rate(felt_error_rate)"
    assert watched.what == "failures of payments"
